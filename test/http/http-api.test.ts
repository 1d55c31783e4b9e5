/** The HTTP API of the full stack: the same commands and events as over a WebSocket, and event streams without gaps. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { run } from '../cli/run.ts';
import { startTcpProxy } from '../console/tcp-proxy.ts';
import { callidOf, type Notification, phoneUri } from '../harness/client.ts';
import { EventStream } from '../harness/event-stream.ts';
import { MultiTenantStack } from '../harness/multi-tenant-stack.ts';
import { type Stack, startStack, waitUntil } from '../harness/stack.ts';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({});
}, 60_000);
afterAll(() => stack[Symbol.asyncDispose]());

const baseUrl = () => `http://127.0.0.1:${stack.port}`;

async function send(verb: string, path: string, body?: object, headers = {}) {
  const init = { method: verb, headers, ...(body ? { body: JSON.stringify(body) } : {}) };
  const response = await fetch(`${baseUrl()}${path}`, init);
  const text = await response.text();
  const { status } = response;
  return { status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
}

it('addresses a call by a long Call-ID, which OpenSIPS is asked for', async () => {
  const callid = `${'<'.repeat(4_000)}@127.0.0.1`;
  const path = `/v1/calls/${encodeURIComponent(callid)}`;
  expect(await send('GET', path)).toMatchObject({ body: { code: -32005 } });
  const { events } = await runToEnd('DELETE', path);
  expect(events.map(({ event }) => event)).toEqual(['Error', 'Ended']);
  const { err } = await run(['get', callid], { CALL_API: baseUrl() });
  expect(err).toContain('no call with this Call-ID is known');
});

interface CommandResource {
  readonly cmd_id: string;
  readonly method: string;
  readonly state: string;
  readonly events: Notification[];
}

/** Runs a command over HTTP and polls the URL in `Location` until it ends. */
async function runToEnd(verb: string, path: string, body?: object): Promise<CommandResource> {
  const started = await send(verb, path, body);
  expect(started, path).toMatchObject({ status: 202, body: { event: 'Started' } });
  const location = started.headers.get('Location');
  expect(location).toBe(`/v1/commands/${started.body.cmd_id}`);
  let response = await send('GET', `${location}?wait=60`);
  while (response.body.state !== 'ended') response = await send('GET', `${location}?wait=60`);
  return response.body as CommandResource;
}

/** Runs a command with the CLI and returns the notifications that it prints. */
async function runWithCli(...args: string[]): Promise<Notification[]> {
  const { out } = await run([...args, '--json'], { CALL_API: baseUrl() });
  const lines = out.trim().split('\n');
  return lines.map((line) => JSON.parse(line) as Notification).filter(({ event }) => event !== 'Started');
}

/** Returns notifications as text without `seq`, Call-IDs and the suffix that OpenSIPS adds to an address. */
function comparable(notifications: readonly Pick<Notification, 'event' | 'data' | 'error'>[]): string[] {
  return notifications.map(({ event, data, error }) =>
    `${event} ${JSON.stringify([data, error])}`
      .replace(/"callid":"[^"]*"/, '"callid"')
      .replace(/-0x[0-9a-f]+@127\.0\.0\.1:\d+/, '@'),
  );
}

/**
 * Returns the sorted names of events. Two legs are held and resumed concurrently, so the order of their events is random.
 * On a busy machine, one may even arrive after the idle time that ends the command.
 */
const eventNames = (notifications: readonly Notification[]) =>
  [...new Set(notifications.map(({ event }) => event))].sort();

it('a scenario gives the same events over a WebSocket, over HTTP, with the CLI and in the event stream', async () => {
  const startParams = { caller: phoneUri('alice'), callee: phoneUri('bob'), metadata: { ticket: 7 } };
  const transferParams = { leg: 'callee', destination: phoneUri('carol') };

  const client = await stack.connectClient();
  const started = await client.runToEnd('CallStart', startParams);
  const call = { callid: callidOf(started, 'CalleeAnswered') };
  const held = await client.runToEnd('CallHold', call);
  const resumed = await client.runToEnd('CallUnhold', call);
  const transferred = await client.runToEnd('CallBlindTransfer', { ...call, ...transferParams });
  const ended = await client.runToEnd('CallEnd', { callid: callidOf(transferred, 'TransferSuccessful') });
  const unknown = await client.runToEnd('CallEnd', call);

  const stream = await EventStream.connect(`${baseUrl()}/v1/events`);
  const startedHttp = await runToEnd('POST', '/v1/calls', startParams);
  const callid = callidOf(startedHttp.events, 'CalleeAnswered');
  const heldHttp = await runToEnd('POST', `/v1/calls/${callid}/hold`);
  const resumedHttp = await runToEnd('POST', `/v1/calls/${callid}/unhold`, {});
  const transferredHttp = await runToEnd('POST', `/v1/calls/${callid}/transfer`, transferParams);
  const last = callidOf(transferredHttp.events, 'TransferSuccessful');
  const endedHttp = await runToEnd('DELETE', `/v1/calls/${last}`);
  const unknownHttp = await runToEnd('DELETE', `/v1/calls/${callid}`);

  expect(comparable(startedHttp.events)).toEqual(comparable(started));
  expect(eventNames(heldHttp.events)).toEqual(eventNames(held));
  expect(eventNames(resumedHttp.events)).toEqual(eventNames(resumed));
  expect(comparable(transferredHttp.events)).toEqual(comparable(transferred));
  expect(comparable(endedHttp.events)).toEqual(comparable(ended));
  expect(comparable(unknownHttp.events)).toEqual(comparable(unknown));

  const startedCli = await runWithCli(
    'start',
    startParams.caller,
    startParams.callee,
    '--metadata',
    '{"ticket":7}',
  );
  const cliCallid = callidOf(startedCli, 'CalleeAnswered');
  expect(comparable(startedCli)).toEqual(comparable(started));
  expect(eventNames(await runWithCli('hold', cliCallid))).toEqual(eventNames(held));
  expect(eventNames(await runWithCli('unhold', cliCallid))).toEqual(eventNames(resumed));
  const transferredCli = await runWithCli(
    'transfer',
    cliCallid,
    transferParams.destination,
    '--leg',
    transferParams.leg,
  );
  expect(comparable(transferredCli)).toEqual(comparable(transferred));
  expect(comparable(await runWithCli('end', callidOf(transferredCli, 'TransferSuccessful')))).toEqual(
    comparable(ended),
  );
  expect(comparable(await runWithCli('end', cliCallid))).toEqual(comparable(unknown));
  for (const { cmd_id: cmdId, events } of [startedHttp, heldHttp, transferredHttp, endedHttp, unknownHttp]) {
    const streamed = await stream.waitForEnd(cmdId);
    expect(streamed.map(({ params: { seq, event } }) => [seq, event])).toEqual(
      events.map(({ seq, event }) => [seq, event]),
    );
    if (cmdId === startedHttp.cmd_id) expect(streamed[0]?.params).toMatchObject({ metadata: { ticket: 7 } });
  }
  const seqs = stream.notifications.map(({ params }) => params.seq);
  expect(seqs, 'seq rises, without duplicates').toEqual([...new Set(seqs)].sort((a, b) => a - b));
  const callChanges = stream.notifications.filter(({ params }) => params.call?.callid === callid);
  expect(callChanges.map(({ params }) => params.event)).toEqual(
    expect.arrayContaining(['Ringing', 'Answered', 'Held', 'Resumed', 'Transferring', 'Ended']),
  );
  expect((await send('GET', `/v1/calls/${last}`)).body.call).toMatchObject({ state: 'ended', callid: last });
  const endedCalls = await send('GET', '/v1/calls?state=ended&limit=500');
  expect(endedCalls.body.calls.map((call: { callid: string }) => call.callid)).toContain(last);
  stream.close();
});

it('joins two calls by an attended transfer over HTTP', async () => {
  const calls = [];
  for (const [caller, callee] of [
    ['dave', 'erin'],
    ['fred', 'gina'],
  ] as const) {
    const { events } = await runToEnd('POST', '/v1/calls', {
      caller: phoneUri(caller),
      callee: phoneUri(callee),
    });
    calls.push(callidOf(events, 'CalleeAnswered'));
  }
  const [one, other] = calls;
  const body = { legA: 'callee', callidB: other, legB: 'callee' };
  const { events } = await runToEnd('POST', `/v1/calls/${one}/attended-transfer`, body);
  expect(events.map(({ event }) => event)).toContain('TransferSuccessful');
});

it('an event stream resumes without gaps, however often it is cut off', async () => {
  await using network = await startTcpProxy(stack.port);
  const uninterrupted = await EventStream.connect(`${baseUrl()}/v1/events`);
  const interrupted = await EventStream.connect(`${network.url}/v1/events`);
  const firstSeq = Number(interrupted.lastEventId);
  const client = await stack.connectClient();
  const startCall = (n: number) => {
    const params = { caller: phoneUri(`cut-${n}`), callee: phoneUri('bob') };
    return n % 2 === 0 ? runToEnd('POST', '/v1/calls', params) : client.start('CallStart', params);
  };
  const cmdIds: string[] = [];
  for (let n = 0; n < 6; n++) {
    const openedBefore = interrupted.connectionCount;
    const started = startCall(n);
    // The command continues while the stream is cut off.
    network.disconnect();
    const command = await started;
    cmdIds.push('cmdId' in command ? command.cmdId : command.cmd_id);
    network.reconnect();
    await waitUntil(() => interrupted.connectionCount > openedBefore);
  }
  for (const cmdId of cmdIds)
    await Promise.all([uninterrupted.waitForEnd(cmdId), interrupted.waitForEnd(cmdId)]);
  const { lastEventId } = uninterrupted;
  await waitUntil(() => Number(interrupted.lastEventId) >= Number(lastEventId));
  const compared = ({ notifications }: EventStream) =>
    notifications.filter(({ params: { seq } }) => seq > firstSeq && seq <= Number(lastEventId));
  expect(compared(interrupted)).toEqual(compared(uninterrupted));
  expect(interrupted.connectionCount).toBeGreaterThan(6);
  expect(interrupted.notifications.filter(({ method }) => method === 'Calls')).toHaveLength(1);
  for (const stream of [uninterrupted, interrupted]) stream.close();
});

it('an Idempotency-Key identifies the same command over HTTP and over a WebSocket', async () => {
  const params = { caller: phoneUri('busy.once'), callee: phoneUri('bob') };
  const key = { 'Idempotency-Key': 'once-and-no-more' };
  const [first, second] = await Promise.all([0, 1].map(() => send('POST', '/v1/calls', params, key)));
  expect([first?.status, second?.status]).toEqual([202, 202]);
  expect([first?.body.replayed, second?.body.replayed].filter(Boolean)).toEqual([true]);
  const client = await stack.connectClient();
  const repeated = await client.request('CallStart', { ...params, cmd_id: 'once-and-no-more' });
  expect(repeated.result).toEqual({ cmd_id: 'once-and-no-more', event: 'Started', replayed: true });
  const conflict = await send('POST', '/v1/calls', { ...params, callee: phoneUri('carol') }, key);
  expect(conflict).toMatchObject({ status: 409, body: { code: -32004, type: '/docs/errors#conflict' } });
  await client.waitForEnd('once-and-no-more');
  const { requests } = stack.simulator.ledger;
  const dialRequests = requests.filter((request) => JSON.stringify(request).includes('busy.once'));
  expect(dialRequests.filter(({ method }) => method === 't_uac_dlg')).toHaveLength(1);
});

it('`wait` returns when the command ends, or after the given time if the command still runs', async () => {
  const ringing = await send('POST', '/v1/calls', { caller: phoneUri('ring'), callee: phoneUri('bob') });
  const location = ringing.headers.get('Location');
  const early = await send('GET', `${location}?wait=0.2`);
  expect(early.body).toMatchObject({ method: 'CallStart', state: 'running' });
  const waiting = send('GET', `${location}?wait=60`);
  await runToEnd('DELETE', `/v1/calls/${ringing.body.cmd_id}`);
  expect((await waiting).body).toMatchObject({ state: 'ended' });
});

it('closes the session of a stream that is cut off, so that the subject can open another one', async () => {
  const tenantSettings = { limits: { sessions_per_subject: 1 } };
  await using tenantStack = await MultiTenantStack.start({ tenants: 1, sites: 1, tenantSettings });
  const { siteKey } = tenantStack.site('t1-s1');
  const headers = { Authorization: `Bearer ${siteKey}` };
  await using network = await startTcpProxy(tenantStack.port);
  const events = await EventStream.connect(`${network.url}/v1/events`, headers);
  expect((await tenantStack.fetch('/v1/events', siteKey)).status).toBe(429);
  network.disconnect();
  network.reconnect();
  // workerd detects the lost connection when it sends the next comment, after 15 s at most.
  await waitUntil(() => events.connectionCount > 1);
  events.close();
}, 120_000);
