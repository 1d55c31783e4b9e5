/** The HTTP API through the whole stack: the same commands, the same events, and streams that miss nothing. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from './cli/run.ts';
import { networkTo } from './console/tcp-proxy.ts';
import { callidOf, phone, type Told } from './stack/client.ts';
import { Events } from './stack/events.ts';
import { type Stack, startStack, until } from './stack/stack.ts';
import { Tenants } from './stack/tenants.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({});
}, 60_000);
afterAll(() => stack[Symbol.asyncDispose]());

const base = () => `http://127.0.0.1:${stack.port}`;

/** Asks, and gives the status with the body. */
async function ask(verb: string, path: string, body?: object, headers = {}) {
  const init = { method: verb, headers, ...(body ? { body: JSON.stringify(body) } : {}) };
  const response = await fetch(`${base()}${path}`, init);
  const text = await response.text();
  const { status } = response;
  return { status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

interface Command {
  readonly cmd_id: string;
  readonly method: string;
  readonly state: string;
  readonly events: Told[];
}

/** Runs a command over HTTP to its end: by the way that its answer names. */
async function toEnd(verb: string, path: string, body?: object): Promise<Command> {
  const started = await ask(verb, path, body);
  expect(started, path).toMatchObject({ status: 202, body: { event: 'Started' } });
  const where = started.headers.get('Location');
  expect(where).toBe(`/v1/commands/${started.body.cmd_id}`);
  let shown = await ask('GET', `${where}?wait=60`);
  while (shown.body.state !== 'ended') shown = await ask('GET', `${where}?wait=60`);
  return shown.body as Command;
}

/** Runs a command from the command line to its end; gives what it has printed of it. */
async function printed(...args: string[]): Promise<Told[]> {
  const { out } = await run([...args, '--json'], { CALL_API: base() });
  const lines = out.trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Told).filter(({ event }) => event !== 'Started');
}

/** What was told, but for numbers, Call-IDs and what OpenSIPS adds to an address. */
function shape(told: readonly Pick<Told, 'event' | 'data' | 'error'>[]): string[] {
  return told.map(({ event, data, error }) =>
    `${event} ${JSON.stringify([data, error])}`
      .replace(/"callid":"[^"]*"/, '"callid"')
      .replace(/-0x[0-9a-f]+@127\.0\.0\.1:\d+/, '@'),
  );
}

/**
 * Two legs are held and resumed side by side: which is told first is chance, and on a busy machine one may come after
 * the quiet that ends the command.
 */
const names = (told: readonly Told[]) => [...new Set(told.map(({ event }) => event))].sort();

it('the same scenario over a socket, over HTTP and from the command line gives the same events, and the stream of events too', async () => {
  const start = { caller: phone('alice'), callee: phone('bob'), metadata: { ticket: 7 } };
  const away = { leg: 'callee', destination: phone('carol') };

  const client = await stack.client();
  const begun = await client.toEnd('CallStart', start);
  const first = { callid: callidOf(begun, 'CalleeAnswered') };
  const held = await client.toEnd('CallHold', first);
  const resumed = await client.toEnd('CallUnhold', first);
  const moved = await client.toEnd('CallBlindTransfer', { ...first, ...away });
  const ended = await client.toEnd('CallEnd', { callid: callidOf(moved, 'TransferSuccessful') });
  const unknown = await client.toEnd('CallEnd', first);

  const events = await Events.open(`${base()}/v1/events`);
  const begunToo = await toEnd('POST', '/v1/calls', start);
  const callid = callidOf(begunToo.events, 'CalleeAnswered');
  const heldToo = await toEnd('POST', `/v1/calls/${callid}/hold`);
  const resumedToo = await toEnd('POST', `/v1/calls/${callid}/unhold`, {});
  const movedToo = await toEnd('POST', `/v1/calls/${callid}/transfer`, away);
  const last = callidOf(movedToo.events, 'TransferSuccessful');
  const endedToo = await toEnd('DELETE', `/v1/calls/${last}`);
  const unknownToo = await toEnd('DELETE', `/v1/calls/${callid}`);

  expect(shape(begunToo.events)).toEqual(shape(begun));
  expect(names(heldToo.events)).toEqual(names(held));
  expect(names(resumedToo.events)).toEqual(names(resumed));
  expect(shape(movedToo.events)).toEqual(shape(moved));
  expect(shape(endedToo.events)).toEqual(shape(ended));
  expect(shape(unknownToo.events)).toEqual(shape(unknown));

  const typed = await printed('start', start.caller, start.callee, '--metadata', '{"ticket":7}');
  const its = callidOf(typed, 'CalleeAnswered');
  expect(shape(typed)).toEqual(shape(begun));
  expect(names(await printed('hold', its))).toEqual(names(held));
  expect(names(await printed('unhold', its))).toEqual(names(resumed));
  const sent = await printed('transfer', its, away.destination, '--leg', away.leg);
  expect(shape(sent)).toEqual(shape(moved));
  expect(shape(await printed('end', callidOf(sent, 'TransferSuccessful')))).toEqual(shape(ended));
  expect(shape(await printed('end', its))).toEqual(shape(unknown));
  for (const { cmd_id: cmdId, events: shown } of [begunToo, heldToo, movedToo, endedToo, unknownToo]) {
    const told = await events.toEnd(cmdId);
    expect(told.map(({ params: { seq, event } }) => [seq, event])).toEqual(
      shown.map(({ seq, event }) => [seq, event]),
    );
    if (cmdId === begunToo.cmd_id) expect(told[0]?.params).toMatchObject({ metadata: { ticket: 7 } });
  }
  const seqs = events.all.map(({ params }) => params.seq);
  expect(seqs, 'in order, each once').toEqual([...new Set(seqs)].sort((a, b) => a - b));
  const changes = events.all.filter(({ params }) => params.call?.callid === callid);
  expect(changes.map(({ params }) => params.event)).toEqual(
    expect.arrayContaining(['Ringing', 'Answered', 'Held', 'Resumed', 'Transferring', 'Ended']),
  );
  expect((await ask('GET', `/v1/calls/${last}`)).body.call).toMatchObject({ state: 'ended', callid: last });
  const listed = await ask('GET', '/v1/calls?state=ended&limit=500');
  expect(listed.body.calls.map((call: { callid: string }) => call.callid)).toContain(last);
  events.close();
});

it('two calls are joined over HTTP', async () => {
  const calls = [];
  for (const [caller, callee] of [
    ['dave', 'erin'],
    ['fred', 'gina'],
  ] as const) {
    const { events } = await toEnd('POST', '/v1/calls', { caller: phone(caller), callee: phone(callee) });
    calls.push(callidOf(events, 'CalleeAnswered'));
  }
  const [one, other] = calls;
  const body = { legA: 'callee', callidB: other, legB: 'callee' };
  const { events } = await toEnd('POST', `/v1/calls/${one}/attended-transfer`, body);
  expect(events.map(({ event }) => event)).toContain('TransferSuccessful');
});

it('a stream that is cut off comes back without a hole, however often', async () => {
  await using network = await networkTo(stack.port);
  const whole = await Events.open(`${base()}/v1/events`);
  const cut = await Events.open(`${network.url}/v1/events`);
  const from = Number(cut.last);
  const client = await stack.client();
  const run = (n: number) => {
    const who = { caller: phone(`cut-${n}`), callee: phone('bob') };
    return n % 2 === 0 ? toEnd('POST', '/v1/calls', who) : client.run('CallStart', who);
  };
  const cmdIds: string[] = [];
  for (let n = 0; n < 6; n++) {
    const before = cut.opened;
    const started = run(n);
    // In the midst of it, and while nobody is there.
    network.cut();
    const command = await started;
    cmdIds.push('cmdId' in command ? command.cmdId : command.cmd_id);
    network.mend();
    await until(() => cut.opened > before);
  }
  for (const cmdId of cmdIds) await Promise.all([whole.toEnd(cmdId), cut.toEnd(cmdId)]);
  const { last } = whole;
  await until(() => Number(cut.last) >= Number(last));
  const of = ({ all }: Events) => all.filter(({ params: { seq } }) => seq > from && seq <= Number(last));
  expect(of(cut)).toEqual(of(whole));
  expect(cut.opened).toBeGreaterThan(6);
  expect(cut.all.filter(({ method }) => method === 'Calls')).toHaveLength(1);
  for (const each of [whole, cut]) each.close();
});

it('the same Idempotency-Key is the same command, over HTTP and over a socket', async () => {
  const params = { caller: phone('busy.once'), callee: phone('bob') };
  const key = { 'Idempotency-Key': 'once-and-no-more' };
  const [one, other] = await Promise.all([0, 1].map(() => ask('POST', '/v1/calls', params, key)));
  expect([one?.status, other?.status]).toEqual([202, 202]);
  expect([one?.body.replayed, other?.body.replayed].filter(Boolean)).toEqual([true]);
  const client = await stack.client();
  const again = await client.ask('CallStart', { ...params, cmd_id: 'once-and-no-more' });
  expect(again.result).toEqual({ cmd_id: 'once-and-no-more', event: 'Started', replayed: true });
  const clash = await ask('POST', '/v1/calls', { ...params, callee: phone('carol') }, key);
  expect(clash).toMatchObject({ status: 409, body: { code: -32004, type: '/docs/errors#conflict' } });
  await client.ended('once-and-no-more');
  const { requests } = stack.simulator.ledger;
  const dialled = requests.filter((request) => JSON.stringify(request).includes('busy.once'));
  expect(dialled.filter(({ method }) => method === 't_uac_dlg')).toHaveLength(1);
});

it('who waits is answered when the command ends, and by its own time if that does not', async () => {
  const ringing = await ask('POST', '/v1/calls', { caller: phone('ring'), callee: phone('bob') });
  const at = ringing.headers.get('Location');
  const early = await ask('GET', `${at}?wait=0.2`);
  expect(early.body).toMatchObject({ method: 'CallStart', state: 'running' });
  const waiting = ask('GET', `${at}?wait=60`);
  await toEnd('DELETE', `/v1/calls/${ringing.body.cmd_id}`);
  expect((await waiting).body).toMatchObject({ state: 'ended' });
});

it('who is cut off leaves no socket behind, and its place is free for the next', async () => {
  const settings = { limits: { sessions_per_subject: 1 } };
  await using all = await Tenants.start({ tenants: 1, sites: 1, settings });
  const { siteKey } = all.at('t1-s1');
  const headers = { Authorization: `Bearer ${siteKey}` };
  await using network = await networkTo(all.port);
  const events = await Events.open(`${network.url}/v1/events`, headers);
  expect((await all.get('/v1/events', siteKey)).status).toBe(429);
  network.cut();
  network.mend();
  // workerd notices with the next comment, 15 s later at most.
  await until(() => events.opened > 1);
  events.close();
}, 120_000);
