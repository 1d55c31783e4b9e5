/**
 * More than two thousand inputs that mean no good, at every place where input comes in, in the deployed configuration.
 * Each is answered in words that are defined, nothing reaches OpenSIPS but what {@link faultOf} lets pass, nobody falls
 * over, and honest clients beside them go on making calls.
 */
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callidOf, events } from '../stack/client.ts';
import { until } from '../stack/stack.ts';
import { type Place, Tenants } from '../stack/tenants.ts';
import { address } from '../tenants/load.ts';
import { Bystander } from './bystander.ts';
import { madeUpKeys, madeUpTokens, tampered } from './credentials.ts';
import { connectedTo, forged, garbage, senderFrom } from './datagrams.ts';
import { faultOf } from './grammar.ts';
import { answer, HELLO, linkFrame } from './link-frames.ts';
import { command, message } from './messages.ts';
import { Probe, type Reaction } from './probe.ts';
import { closeCodeIn, exchange, frame, request, upgrade } from './raw.ts';

/** fast-check prints it with whatever it has found; `SEED=… npx vitest …` runs that again. */
const SEED = Number(process.env['SEED'] ?? 20_261_123);

const METHODS = [
  ...['CallStart', 'CallEnd', 'CallHold', 'CallUnhold', 'CallBlindTransfer', 'CallAttendedTransfer', 'Echo'],
];
/** docs/protocol.md, of a request; -32603 would be our fault. */
const CODES = [-32700, -32600, -32601, -32602, -32001, -32002, -32003, -32004];
/** Statuses that the edge and workerd's own HTTP answer with. */
const STATUSES = [101, 200, 400, 401, 403, 404, 405, 411, 413, 414, 426, 431, 501, 505];
/** RFC 6455 §7.4.1 and ours (docs/architecture.md); 1006 stands for a connection that ended without a close frame. */
const CLOSE_CODES = [1000, 1001, 1002, 1003, 1006, 1007, 1008, 1009, 4400, 4401, 4406, 4408, 4409, 4413];

/** Where a key or a token is shown. */
const DOORS: readonly ((credential: string) => Promise<Response>)[] = [
  (credential) => inHeader('/call-api', credential),
  (credential) => inHeader('/adapter', credential),
  (credential) => inHeader('/v1/tokens', credential, { method: 'POST', body: '{"subject":"eve"}' }),
  (credential) => inHeader('/v1/admin/tenants', credential),
  (credential) => all.get(`/call-api?access_token=${encodeURIComponent(credential)}`),
  (credential) => all.get(`/adapter?access_token=${encodeURIComponent(credential)}`),
];

/** Header values are printable; what is not, `requests that no client would send` has. */
function inHeader(path: string, credential: string, init: RequestInit = {}): Promise<Response> {
  return all.get(path, credential.replace(/[^ -~]/g, '?'), init);
}

const PONG = 'pong';
const SENTINEL = 'after-this';
const ASK_SENTINEL = `{"jsonrpc":"2.0","id":"${SENTINEL}","method":"Nope"}`;

let all: Tenants;
let here: Place;
let elsewhere: Place;
let bystanders: Bystander[];
/** Inputs so far. */
let inputs = 0;

beforeAll(async () => {
  const most = { messages_per_second: 10_000, starts_per_second: 10_000, commands_in_flight: 100_000 };
  const settings = { limits: most, rules: { deny: ['+1900*@*'] } };
  all = await Tenants.start({
    tenants: 2,
    sites: 2,
    simulated: { gaps: 0 },
    settings,
    bare: ['t1-s2', 't2-s2'],
  });
  here = all.at('t1-s1');
  elsewhere = all.at('t2-s1');
  bystanders = await Promise.all(
    [here, elsewhere].map(async (at) => {
      const token = await all.mint(at.siteKey, { subject: 'bob' });
      return new Bystander(await all.connect(token), { place: at.mark, mark: `${at.mark}-bob` });
    }),
  );
}, 60_000);
afterAll(async () => {
  for (const each of bystanders) each.stop();
  await all[Symbol.asyncDispose]();
});

/** Tries so many inputs, beside bystanders that go on; then holds what OpenSIPS has got against its grammar. */
async function attack<T>(arbitrary: fc.Arbitrary<T>, numRuns: number, run: (input: T) => Promise<void>) {
  const before = bystanders.map(({ rounds }) => rounds);
  await fc.assert(
    fc.asyncProperty(arbitrary, async (input) => {
      inputs += 1;
      await run(input);
    }),
    { numRuns, seed: SEED },
  );
  for (const [n, each] of bystanders.entries()) {
    await each.goesOn();
    expect(each.rounds).toBeGreaterThan(before[n] ?? 0);
  }
  expect(all.edge.exitCode).toBeNull();
  for (const { mark, adapter, simulator } of all.places) {
    expect(adapter?.process.exitCode ?? null, mark).toBeNull();
    expect(
      simulator.ledger.requests.map(faultOf).filter((fault) => fault !== undefined),
      mark,
    ).toEqual([]);
  }
}

/** Holds what a client is sent against the protocol. */
function wellFormed(text: string): void {
  // The platform's own answer to `ping`, on every socket.
  if (text === PONG) return;
  expect(text).not.toMatch(/\.[jt]s:\d+|\bat [A-Z]\w+\.|node_modules|SQLITE|secret/);
  const json: unknown = JSON.parse(text);
  for (const one of Array.isArray(json) ? json : [json]) {
    expect(one).toMatchObject({ jsonrpc: '2.0' });
    const { error, result, method, params } = one as Record<string, Record<string, unknown> | undefined>;
    if (method !== undefined) {
      expect(METHODS).toContain(method);
      expect(params).toMatchObject({ cmd_id: expect.any(String), event: expect.any(String) });
    } else if (error !== undefined) {
      expect(CODES).toContain(error['code']);
      expect(result).toBeUndefined();
    } else {
      expect(result).toMatchObject({ cmd_id: expect.any(String), event: 'Started' });
    }
  }
}

/** What a proxy would dial for a user part: unescaped once, without parameters and what is for the eye. */
function dialled(user: string): string {
  const plain = user.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return plain.replace(/;.*/s, '').replace(/[-.() ]/g, '');
}

/** Must there be an answer? A request without an id gets none (JSON-RPC §4.1), whatever is wrong with its params. */
function wantsAnswer(text: string | Uint8Array): boolean {
  if (typeof text !== 'string') return true;
  try {
    const json: unknown = JSON.parse(text);
    if (Array.isArray(json) && json.length > 0) return json.some(hasId);
    return typeof json !== 'object' || json === null || Array.isArray(json) || hasId(json);
  } catch {
    return true;
  }
}

function hasId(entry: unknown): boolean {
  return typeof entry !== 'object' || entry === null || Object.hasOwn(entry, 'id');
}

function answered(input: string | Uint8Array, reaction: Reaction): void {
  if ('closed' in reaction) throw new Error(`closed with ${reaction.closed}`);
  for (const frame of reaction.frames) wellFormed(frame);
  const answers = reaction.frames.filter((frame) => frame === PONG || /"id":/.test(frame));
  if (wantsAnswer(input)) expect(answers.length).toBeGreaterThan(0);
}

it('commands with laden params', async () => {
  const mallory = await Probe.open(
    `ws://127.0.0.1:${all.port}/call-api`,
    await all.mint(here.siteKey, { subject: 'eve' }),
  );
  const before = here.simulator.ledger.requests.length;
  await attack(command, 900, async (text) =>
    answered(text, await mallory.settle(text, ASK_SENTINEL, SENTINEL)),
  );
  const reached = here.simulator.ledger.requests.slice(before);
  expect(reached.length, 'some are well-formed, and are run').toBeGreaterThan(100);
  const text = JSON.stringify(reached);
  expect(text).not.toContain('evil');
  for (const [, user = ''] of text.matchAll(/sips?:([^@>"]*)@/gi))
    expect(dialled(user)).not.toMatch(/^\+1900/);
  mallory.close();
}, 60_000);

it('messages of any kind', async () => {
  const mallory = await Probe.open(
    `ws://127.0.0.1:${all.port}/call-api`,
    await all.mint(here.siteKey, { subject: 'eve' }),
  );
  await attack(message, 700, async (text) =>
    answered(text, await mallory.settle(text, ASK_SENTINEL, SENTINEL)),
  );
  mallory.close();
}, 60_000);

it('keys and tokens that open nothing', async () => {
  const before = await all.objects();
  const minted = await all.mint(here.siteKey, { subject: 'ann' });
  const good = fc.constantFrom(here.siteKey, here.adapterKey, elsewhere.tenantKey, minted);
  const refused = async (credential: string, door: (typeof DOORS)[number]) => {
    const response = await door(credential);
    expect([400, 401], `${response.status} ${credential}`).toContain(response.status);
    expect(await response.text()).not.toMatch(/\.[jt]s:\d+|KEY_SECRETS|kid/);
  };
  const door = fc.constantFrom(...DOORS);
  await attack(fc.tuple(tampered(good), door), 400, async ([credential, way]) => {
    // A blank at an end is not part of a header's value (RFC 9110 §5.5).
    fc.pre(![here.siteKey, here.adapterKey, elsewhere.tenantKey, minted].includes(credential.trim()));
    await refused(credential, way);
  });
  await attack(fc.tuple(madeUpTokens, door), 200, async ([made, way]) => refused(await made, way));
  await attack(fc.tuple(madeUpKeys, door), 200, ([credential, way]) => refused(credential, way));
  expect(await all.objects(), 'no object was made for any').toEqual(before);
}, 60_000);

it('requests that no client would send', async () => {
  const before = await all.objects();
  await attack(request, 300, async (bytes) => {
    const answer = (await exchange(all.port, bytes)).toString('latin1');
    const status = /^HTTP\/1\.[01] (\d{3}) /.exec(answer)?.[1];
    // What is no request of HTTP may be hung up on.
    // workerd itself has no tunnels, and says so with a 500; the Worker never sees a CONNECT.
    const statuses = bytes.toString('latin1').startsWith('CONNECT ') ? [...STATUSES, 500] : STATUSES;
    if (answer !== '') expect(statuses, answer.slice(0, 200)).toContain(Number(status));
    expect(answer).not.toMatch(/\.[jt]s:\d+|SQLITE/);
  });
  expect(await all.objects()).toEqual(before);
}, 60_000);

it('WebSocket frames that no client would send', async () => {
  const minted = await all.mint(here.siteKey, { subject: 'eve' });
  await attack(fc.array(frame, { minLength: 1, maxLength: 4 }), 200, async (frames) => {
    const answer = await exchange(
      all.port,
      Buffer.concat([upgrade(minted), ...frames]),
      (got) => closeCodeIn(got) !== undefined,
    );
    expect(answer.toString('latin1', 0, 12)).toBe('HTTP/1.1 101');
    const code = closeCodeIn(answer);
    // One that the client has closed with is said back to it (RFC 6455 §5.5.1).
    const own = code !== undefined && Buffer.concat(frames).includes(Buffer.of(code >> 8, code & 255));
    if (code !== undefined && !own) expect(CLOSE_CODES).toContain(code);
  });
}, 60_000);

it('an adapter with a good key that says anything', async () => {
  const at = all.at('t1-s2');
  const url = `ws://127.0.0.1:${all.port}`;
  const victim = await Probe.open(`${url}/call-api`, await all.mint(at.siteKey, { subject: 'ann' }));
  let evil = await Probe.open(`${url}/adapter`, at.adapterKey);
  let replied = 0;
  const greeted = fc.boolean();
  await attack(
    fc.tuple(greeted, linkFrame, fc.array(answer, { maxLength: 3 })),
    250,
    async ([hello, said, answers]) => {
      if (!evil.isOpen) evil = await Probe.open(`${url}/adapter`, at.adapterKey);
      if (hello) evil.send(JSON.stringify({ ...HELLO, stream: `stream-${inputs}` }));
      const asked = await victim.settle(
        '{"jsonrpc":"2.0","id":1,"method":"CallEnd","params":{"callid":"x"}}',
        ASK_SENTINEL,
        SENTINEL,
      );
      answered('{"id":1}', asked);
      const ids = evil.asked();
      for (const [n, rest] of answers.entries()) {
        // To a request that was asked, where one was.
        const id = ids[n];
        if (id !== undefined) replied += 1;
        evil.send(JSON.stringify({ type: 'reply', seq: n + 1, id: id ?? 'x', ...rest }));
      }
      evil.send(said);
      const reaction = await evil.settle('ping', 'ping', PONG);
      if ('closed' in reaction) expect(CLOSE_CODES).toContain(reaction.closed);
      // The site itself goes on for its clients, whatever its adapter does.
      answered(
        '{"id":1}',
        await victim.settle('{"jsonrpc":"2.0","id":1,"method":"Echo"}', ASK_SENTINEL, SENTINEL),
      );
    },
  );
  expect(replied, 'some of it answers what was asked').toBeGreaterThan(20);
  evil.close();
  victim.close();
}, 60_000);

it('sockets of an adapter’s key that never say hello do not pile up', async () => {
  const at = all.at('t2-s2');
  const silent: Probe[] = [];
  for (let n = 0; n < 40; n++)
    silent.push(await Probe.open(`ws://127.0.0.1:${all.port}/adapter`, at.adapterKey));
  await until(() => silent.filter(({ isOpen }) => isOpen).length <= 8);
  expect(silent.at(-1)?.isOpen).toBe(true);
  for (const each of silent) each.close();
});

it('refusals of any length: every command that was started ends, and is told so', async () => {
  const at = all.at('t2-s2');
  const url = `ws://127.0.0.1:${all.port}`;
  const victim = await all.connect(at.siteKey);
  for (const [length, ends] of [
    [100_000, 8],
    [900_000, 0],
  ] as const) {
    const evil = await Probe.open(`${url}/adapter`, at.adapterKey);
    evil.send(JSON.stringify({ ...HELLO, stream: `long-${length}` }));
    await evil.until('"welcome"');
    const runs = await Promise.all(Array.from({ length: 8 }, () => victim.run('CallEnd', { callid: 'x' })));
    const ids = new Set<string>();
    await until(() => {
      for (const id of evil.asked()) ids.add(id);
      return ids.size === runs.length;
    });
    const error = { code: 500, message: 'm'.repeat(length / 8) };
    const replies = [...ids].map((id, n) => ({ type: 'reply', seq: n + 1, id, error }));
    const rest = ends > 0 ? [] : [{ type: 'gap', seq: 9, reason: 'x' }];
    const reaction = await evil.settle(JSON.stringify([...replies, ...rest]), 'ping', PONG);
    if (ends === 0) expect(reaction).toEqual({ closed: 4413 });
    else for (const { ended } of runs) expect(events(await ended)).toEqual(['Error', 'Ended']);
    evil.close();
  }
  // What the one that was cut off had been asked is answered by the next, or by a deadline.
  expect(events(await victim.toEnd('Echo', {}))).toEqual(['Reply', 'Ended']);
});

it('datagrams from anywhere', async () => {
  const ann = { place: here.mark, mark: `${here.mark}-ann` };
  const caller = address('keep', ann);
  const client = await all.connect(await all.mint(here.siteKey, { subject: 'ann', caller }));
  const call = await client.toEnd('CallStart', { caller, callee: address('bob', ann) });
  const callid = callidOf(call, 'CalleeAnswered');
  const opensips = await senderFrom('127.0.0.1');
  const stranger = await senderFrom('127.0.0.2');
  const ports = [here.eventsPort, ...connectedTo(here.simulator.mi.port)];
  await attack(fc.tuple(garbage, fc.constantFrom(...ports)), 300, async ([datagram, port]) => {
    await opensips.send(datagram, port);
    await stranger.send(datagram, port);
    await stranger.send(forged(callid), here.eventsPort);
  });
  await until(() => here.adapter?.log().includes('event ignored') === true);
  expect(here.adapter?.log()).toContain('event dropped');
  // Had the forged ends been believed, she would have no call any more.
  const held = await client.toEnd('CallHold', { callid });
  expect(events(held)).toContain('CallHoldSuccessful');
  for (const sender of [opensips, stranger]) sender.close();
}, 60_000);

it('that were more than two thousand', () => {
  expect(inputs).toBeGreaterThanOrEqual(2_000);
});
