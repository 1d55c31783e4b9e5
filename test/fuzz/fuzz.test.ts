/**
 * More than two thousand malformed or malicious inputs at every entry point, in the configuration that is deployed.
 * Each gets a defined response, only requests that {@link findViolation} accepts reach OpenSIPS, no process ends, and
 * well-behaved clients keep making calls in the meantime.
 */
import * as fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callidOf, eventNames } from '../harness/client.ts';
import { HIGH_LIMITS } from '../harness/high-limits.ts';
import { MultiTenantStack, type TestSite } from '../harness/multi-tenant-stack.ts';
import { waitUntil } from '../harness/stack.ts';
import { markedAddress } from '../tenants/marked-load.ts';
import { BackgroundClient } from './background-client.ts';
import { command, message } from './client-messages.ts';
import { findConnectedPorts, forgeEndEvent, invalidDatagram, openSender } from './datagrams.ts';
import { inventedKey, inventedToken, mutateCredential } from './invalid-credentials.ts';
import { CALL_COMMANDS, HELLO, IN_DIALOG_HELLO, linkFrame, replyFields } from './link-frames.ts';
import { findViolation } from './mi-grammar.ts';
import { Probe, type Reaction } from './probe.ts';
import { buildUpgrade, exchangeBytes, findCloseCode, httpRequest, webSocketFrame } from './raw-bytes.ts';

/** fast-check prints the seed with each failure; `SEED=… npx vitest …` repeats it. */
const SEED = Number(process.env['SEED'] ?? 20_261_123);

const METHODS = [
  ...['CallStart', 'CallEnd', 'CallHold', 'CallUnhold', 'CallBlindTransfer', 'CallAttendedTransfer', 'Echo'],
];
/** The error codes of docs/protocol.md for a request. -32603 would be a bug of the edge. */
const ERROR_CODES = [-32700, -32600, -32601, -32602, -32001, -32002, -32003, -32004];
/** The statuses of the edge and of workerd's HTTP server. */
const HTTP_STATUSES = [101, 200, 400, 401, 403, 404, 405, 411, 413, 414, 426, 431, 501, 505];
/** RFC 6455 §7.4.1 and docs/internals/architecture.md; 1006 is a connection that ended without a close frame. */
const CLOSE_CODES = [1000, 1001, 1002, 1003, 1006, 1007, 1008, 1009, 4400, 4401, 4406, 4408, 4409, 4413];

/** Each place that accepts an API key or a token. */
const ENTRY_POINTS: readonly ((credential: string) => Promise<Response>)[] = [
  (credential) => fetchWithHeader('/call-api', credential),
  (credential) => fetchWithHeader('/adapter', credential),
  (credential) => fetchWithHeader('/v1/tokens', credential, { method: 'POST', body: '{"subject":"eve"}' }),
  (credential) => fetchWithHeader('/v1/admin/tenants', credential),
  (credential) => stack.fetch(`/call-api?access_token=${encodeURIComponent(credential)}`),
  (credential) => stack.fetch(`/adapter?access_token=${encodeURIComponent(credential)}`),
];

/** `fetch` allows only printable characters in headers. The test of raw HTTP requests covers the others. */
function fetchWithHeader(path: string, credential: string, init: RequestInit = {}): Promise<Response> {
  return stack.fetch(path, credential.replace(/[^ -~]/g, '?'), init);
}

/** A number that is not the next one means that a message is missing: the adapter is to connect again, and to send it again. */
const ADAPTER_CLOSE_CODES = [...CLOSE_CODES, 1011];

const PONG = 'pong';
const SENTINEL_ID = 'after-this';
const SENTINEL_REQUEST = `{"jsonrpc":"2.0","id":"${SENTINEL_ID}","method":"Nope"}`;

let stack: MultiTenantStack;
let site: TestSite;
let otherSite: TestSite;
let backgroundClients: BackgroundClient[];
let inputCount = 0;

beforeAll(async () => {
  const limits = { ...HIGH_LIMITS, commands_in_flight: 100_000 };
  stack = await MultiTenantStack.start({
    tenants: 2,
    sites: 2,
    simulatorOptions: { delayFactor: 0 },
    tenantSettings: { limits, rules: { deny: ['+1900*@*'] } },
    sitesWithoutAdapter: ['t1-s2', 't2-s2'],
  });
  site = stack.site('t1-s1');
  otherSite = stack.site('t2-s1');
  backgroundClients = await Promise.all(
    [site, otherSite].map(async ({ siteKey, marker }) => {
      const client = await stack.connectClient(await stack.mintToken(siteKey, { subject: 'bob' }));
      return new BackgroundClient(client, { siteMarker: marker, marker: `${marker}-bob` });
    }),
  );
}, 60_000);
afterAll(async () => {
  for (const client of backgroundClients) client.stop();
  await stack[Symbol.asyncDispose]();
});

/**
 * Runs a number of inputs while the background clients make calls, and then checks that all processes run and that only
 * valid requests have reached OpenSIPS.
 */
async function fuzz<T>(arbitrary: fc.Arbitrary<T>, numRuns: number, run: (input: T) => Promise<void>) {
  const roundsBefore = backgroundClients.map(({ rounds }) => rounds);
  await fc.assert(
    fc.asyncProperty(arbitrary, async (input) => {
      inputCount += 1;
      await run(input);
    }),
    { numRuns, seed: SEED },
  );
  for (const [n, client] of backgroundClients.entries()) {
    await client.completeRound();
    expect(client.rounds).toBeGreaterThan(roundsBefore[n] ?? 0);
  }
  expect(stack.edgeProcess.exitCode).toBeNull();
  for (const { marker, adapter, simulator } of stack.sites) {
    expect(adapter?.process.exitCode ?? null, marker).toBeNull();
    const violations = simulator.ledger.requests.map(findViolation);
    expect(
      violations.filter((violation) => violation !== undefined),
      marker,
    ).toEqual([]);
  }
}

/** Asserts that a message to a client conforms to the protocol and reveals no internals. */
function expectWellFormed(text: string): void {
  // The platform itself answers `ping` on every socket.
  if (text === PONG) return;
  expect(text).not.toMatch(/\.[jt]s:\d+|\bat [A-Z]\w+\.|node_modules|SQLITE|secret/);
  const json: unknown = JSON.parse(text);
  for (const entry of Array.isArray(json) ? json : [json]) {
    expect(entry).toMatchObject({ jsonrpc: '2.0' });
    const { error, result, method, params } = entry as Record<string, Record<string, unknown> | undefined>;
    if (method !== undefined) {
      expect(METHODS).toContain(method);
      expect(params).toMatchObject({ cmd_id: expect.any(String), event: expect.any(String) });
    } else if (error !== undefined) {
      expect(ERROR_CODES).toContain(error['code']);
      expect(result).toBeUndefined();
    } else {
      expect(result).toMatchObject({ cmd_id: expect.any(String), event: 'Started' });
    }
  }
}

/** Returns what a proxy would dial for a user part: unescaped once, without parameters and visual separators. */
function dialedNumber(user: string): string {
  const unescaped = user.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return unescaped.replace(/;.*/s, '').replace(/[-.() ]/g, '');
}

/**
 * Whether an input requires a response. A request without an id gets none (JSON-RPC §4.1), even with invalid params.
 */
function requiresResponse(input: string | Uint8Array): boolean {
  if (typeof input !== 'string') return true;
  try {
    const json: unknown = JSON.parse(input);
    if (Array.isArray(json) && json.length > 0) return json.some(hasId);
    return typeof json !== 'object' || json === null || Array.isArray(json) || hasId(json);
  } catch {
    return true;
  }
}

function hasId(entry: unknown): boolean {
  return typeof entry !== 'object' || entry === null || Object.hasOwn(entry, 'id');
}

function expectResponse(input: string | Uint8Array, reaction: Reaction): void {
  if ('closeCode' in reaction) throw new Error(`closed with ${reaction.closeCode}`);
  for (const frame of reaction.frames) expectWellFormed(frame);
  const responses = reaction.frames.filter((frame) => frame === PONG || /"id":/.test(frame));
  if (requiresResponse(input)) expect(responses.length).toBeGreaterThan(0);
}

async function openClientProbe({ siteKey }: TestSite, subject: string): Promise<Probe> {
  const token = await stack.mintToken(siteKey, { subject });
  return Probe.open(`ws://127.0.0.1:${stack.port}/call-api`, token);
}

const openAdapterProbe = ({ adapterKey }: TestSite): Promise<Probe> =>
  Probe.open(`ws://127.0.0.1:${stack.port}/adapter`, adapterKey);

it('handles commands with harmful params', async () => {
  const probe = await openClientProbe(site, 'eve');
  const requestsBefore = site.simulator.ledger.requests.length;
  await fuzz(command, 900, async (text) =>
    expectResponse(text, await probe.sendAndWait(text, SENTINEL_REQUEST, SENTINEL_ID)),
  );
  const requests = site.simulator.ledger.requests.slice(requestsBefore);
  expect(requests.length, 'some commands are valid, so they are run').toBeGreaterThan(100);
  const text = JSON.stringify(requests);
  expect(text).not.toContain('evil');
  for (const [, user = ''] of text.matchAll(/sips?:([^@>"]*)@/gi))
    expect(dialedNumber(user)).not.toMatch(/^\+1900/);
  probe.close();
}, 60_000);

it('handles arbitrary messages of a client', async () => {
  const probe = await openClientProbe(site, 'eve');
  await fuzz(message, 700, async (text) =>
    expectResponse(text, await probe.sendAndWait(text, SENTINEL_REQUEST, SENTINEL_ID)),
  );
  probe.close();
}, 60_000);

it('rejects invalid API keys and tokens, and creates no object for them', async () => {
  const objectsBefore = await stack.objectDatabases();
  const token = await stack.mintToken(site.siteKey, { subject: 'ann' });
  const credentials = [site.siteKey, site.adapterKey, otherSite.tenantKey, token];
  const expectRejection = async (credential: string, entryPoint: (typeof ENTRY_POINTS)[number]) => {
    const response = await entryPoint(credential);
    expect([400, 401], `${response.status} ${credential}`).toContain(response.status);
    expect(await response.text()).not.toMatch(/\.[jt]s:\d+|KEY_SECRETS|kid/);
  };
  const entryPoints = fc.constantFrom(...ENTRY_POINTS);
  const mutated = mutateCredential(fc.constantFrom(...credentials));
  await fuzz(fc.tuple(mutated, entryPoints), 400, async ([credential, entryPoint]) => {
    // Leading and trailing spaces are not part of a header's value (RFC 9110 §5.5).
    fc.pre(!credentials.includes(credential.trim()));
    await expectRejection(credential, entryPoint);
  });
  await fuzz(fc.tuple(inventedToken, entryPoints), 200, async ([invented, entryPoint]) =>
    expectRejection(await invented, entryPoint),
  );
  await fuzz(fc.tuple(inventedKey, entryPoints), 200, ([credential, entryPoint]) =>
    expectRejection(credential, entryPoint),
  );
  expect(await stack.objectDatabases()).toEqual(objectsBefore);
}, 60_000);

it('handles raw HTTP requests that no client would send', async () => {
  const objectsBefore = await stack.objectDatabases();
  await fuzz(httpRequest, 300, async (bytes) => {
    const response = (await exchangeBytes(stack.port, bytes)).toString('latin1');
    const status = /^HTTP\/1\.[01] (\d{3}) /.exec(response)?.[1];
    // workerd does not support tunnels and answers CONNECT with a 500, without calling the Worker.
    const isConnect = bytes.toString('latin1').startsWith('CONNECT ');
    const statuses = isConnect ? [...HTTP_STATUSES, 500] : HTTP_STATUSES;
    // The server may close the connection without a response if the bytes are not an HTTP request.
    if (response !== '') expect(statuses, response.slice(0, 200)).toContain(Number(status));
    expect(response).not.toMatch(/\.[jt]s:\d+|SQLITE/);
  });
  expect(await stack.objectDatabases()).toEqual(objectsBefore);
}, 60_000);

it('handles WebSocket frames that no client would send', async () => {
  const token = await stack.mintToken(site.siteKey, { subject: 'eve' });
  await fuzz(fc.array(webSocketFrame, { minLength: 1, maxLength: 4 }), 200, async (frames) => {
    const response = await exchangeBytes(
      stack.port,
      Buffer.concat([buildUpgrade(token), ...frames]),
      (received) => findCloseCode(received) !== undefined,
    );
    expect(response.toString('latin1', 0, 12)).toBe('HTTP/1.1 101');
    const code = findCloseCode(response);
    // The server echoes the close code of the client (RFC 6455 §5.5.1).
    const isEchoed = code !== undefined && Buffer.concat(frames).includes(Buffer.of(code >> 8, code & 255));
    if (code !== undefined && !isEchoed) expect(CLOSE_CODES).toContain(code);
  });
}, 60_000);

it('keeps serving clients while an adapter with a valid key sends arbitrary frames', async () => {
  const attackedSite = stack.site('t1-s2');
  const client = await openClientProbe(attackedSite, 'ann');
  let adapter = await openAdapterProbe(attackedSite);
  const replyCounts: Record<string, number> = { mi: 0, 'in-dialog': 0 };
  const hellos = fc.constantFrom(undefined, HELLO, IN_DIALOG_HELLO, IN_DIALOG_HELLO);
  await fuzz(
    fc.tuple(hellos, fc.constantFrom(...CALL_COMMANDS), linkFrame, fc.array(replyFields, { maxLength: 3 })),
    250,
    async ([sentHello, [method, params], frame, replies]) => {
      if (!adapter.isOpen) adapter = await openAdapterProbe(attackedSite);
      if (sentHello) adapter.send(JSON.stringify({ ...sentHello, stream: `stream-${inputCount}` }));
      if (sentHello) await adapter.waitForFrame('"welcome"');
      const request = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
      expectResponse('{"id":1}', await client.sendAndWait(request, SENTINEL_REQUEST, SENTINEL_ID));
      const requests = adapter.takeRequests();
      for (const [n, fields] of replies.entries()) {
        // Replies to a request of the edge, if there was one.
        const { id = 'x', type = '' } = requests[n] ?? {};
        if (type in replyCounts) replyCounts[type] = (replyCounts[type] ?? 0) + 1;
        adapter.send(JSON.stringify({ type: 'reply', seq: n + 1, id, ...fields }));
      }
      adapter.send(frame);
      const reaction = await adapter.sendAndWait('ping', 'ping', PONG);
      if ('closeCode' in reaction) expect(ADAPTER_CLOSE_CODES).toContain(reaction.closeCode);
      const echo = '{"jsonrpc":"2.0","id":1,"method":"Echo"}';
      expectResponse('{"id":1}', await client.sendAndWait(echo, SENTINEL_REQUEST, SENTINEL_ID));
    },
  );
  expect(replyCounts['mi'], 'some replies are to MI requests of the edge').toBeGreaterThan(20);
  expect(replyCounts['in-dialog'], 'and some to its requests within a call').toBeGreaterThan(20);
  adapter.close();
  client.close();
}, 240_000);

it('keeps at most eight adapter sockets that have not sent hello', async () => {
  const attackedSite = stack.site('t2-s2');
  const probes: Probe[] = [];
  for (let n = 0; n < 40; n++) probes.push(await openAdapterProbe(attackedSite));
  await waitUntil(() => probes.filter(({ isOpen }) => isOpen).length <= 8);
  expect(probes.at(-1)?.isOpen).toBe(true);
  for (const probe of probes) probe.close();
});

it('ends every command and notifies its client, however long the error of OpenSIPS is', async () => {
  const attackedSite = stack.site('t2-s2');
  const client = await stack.connectClient(attackedSite.siteKey);
  for (const [errorLength, isAccepted] of [
    [100_000, true],
    [900_000, false],
  ] as const) {
    const adapter = await openAdapterProbe(attackedSite);
    adapter.send(JSON.stringify({ ...HELLO, stream: `long-${errorLength}` }));
    await adapter.waitForFrame('"welcome"');
    const commands = await Promise.all(
      Array.from({ length: 8 }, () => client.start('CallEnd', { callid: 'x' })),
    );
    const ids = new Set<string>();
    await waitUntil(() => {
      for (const { id } of adapter.takeRequests()) ids.add(id);
      return ids.size === commands.length;
    });
    const error = { code: 500, message: 'm'.repeat(errorLength / 8) };
    const replies = [...ids].map((id, n) => ({ type: 'reply', seq: n + 1, id, error }));
    const additional = isAccepted ? [] : [{ type: 'gap', seq: 9, reason: 'x' }];
    const reaction = await adapter.sendAndWait(JSON.stringify([...replies, ...additional]), 'ping', PONG);
    if (!isAccepted) expect(reaction).toEqual({ closeCode: 4413 });
    else for (const { ended } of commands) expect(eventNames(await ended)).toEqual(['Error', 'Ended']);
    adapter.close();
  }
  // The next adapter, or a deadline, answers the requests of the one that was disconnected.
  expect(eventNames(await client.runToEnd('Echo', {}))).toEqual(['Reply', 'Ended']);
});

it('ignores invalid datagrams, and forged events from other addresses', async () => {
  const owner = { siteMarker: site.marker, marker: `${site.marker}-ann` };
  const caller = markedAddress('keep', owner);
  const client = await stack.connectClient(await stack.mintToken(site.siteKey, { subject: 'ann', caller }));
  const started = await client.runToEnd('CallStart', { caller, callee: markedAddress('bob', owner) });
  const callid = callidOf(started, 'CalleeAnswered');
  const opensipsSender = await openSender('127.0.0.1');
  const foreignSender = await openSender('127.0.0.2');
  const ports = [site.eventsPort, ...findConnectedPorts(site.simulator.mi.port)];
  await fuzz(fc.tuple(invalidDatagram, fc.constantFrom(...ports)), 300, async ([datagram, port]) => {
    await opensipsSender.send(datagram, port);
    await foreignSender.send(datagram, port);
    await foreignSender.send(forgeEndEvent(callid), site.eventsPort);
  });
  await waitUntil(() => site.adapter?.log().includes('Ignored an event') === true);
  expect(site.adapter?.log()).toContain('Dropped an unreadable event');
  // If the edge had accepted a forged event, the call would have ended.
  const held = await client.runToEnd('CallHold', { callid });
  expect(eventNames(held)).toContain('CallHoldSuccessful');
  for (const sender of [opensipsSender, foreignSender]) sender.close();
}, 60_000);

it('has run more than two thousand inputs', () => {
  expect(inputCount).toBeGreaterThanOrEqual(2_000);
});
