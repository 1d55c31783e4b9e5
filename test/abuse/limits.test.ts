/** The short form of `npm run test:abuse`: what attackers are refused, in counts. The victim is another tenant of the same edge. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Client } from '../harness/client.ts';
import { type Attack, type AttackContext, type AttackRun, delay } from './attack.ts';
import { storeAll, storeEchoes } from './attacks/storage.ts';
import { openSocket, rpc, sendRequest } from './clients.ts';
import { AbuseHarness } from './harness.ts';
import { RawWebSocket } from './raw-websocket.ts';
import { MAX_WAL_BYTES, StorageCheck } from './storage-check.ts';
import { Tally } from './tally.ts';

/** About 130 KB of log. */
const CALLS = 60;
/** A turn reads and sends no more. */
const TURN_BYTES = 262_144;
/** The least `stored_bytes` that can be set. */
const MIN_STORED_BYTES = 16_777_216;
const START_TIMEOUT_MS = 180_000;

let harness: AbuseHarness;
let context: AttackContext;
let victim: Client;
let tally: Tally;
let run: AttackRun;

beforeAll(async () => {
  harness = await AbuseHarness.start({ calls: CALLS });
  victim = await harness.stack.connectClient(harness.stack.site('t1-s1').siteKey);
}, START_TIMEOUT_MS);
afterAll(async () => {
  await harness?.[Symbol.asyncDispose]();
});
beforeEach(async () => {
  await setLimits({});
  context = await harness.attackContext();
  tally = new Tally();
  run = { ...context, tally, isStopped: () => false };
}, START_TIMEOUT_MS);

/** Sets limits of the attacker's tenant; those not given are the defaults. */
async function setLimits(limits: object): Promise<void> {
  const defaults = {
    messages_per_second: 50,
    tenant_messages_per_second: 500,
    replayed_bytes_per_minute: 67_108_864,
    written_bytes_per_minute: 8_388_608,
    tenant_written_bytes_per_minute: 16_777_216,
    connections_per_minute: 600,
    tenant_connections_per_minute: 6_000,
    sessions_per_subject: 100,
    unread_bytes: 1_048_576,
  };
  await harness.stack.adminRequest('PATCH', '/tenants/t2', { limits: { ...defaults, ...limits } });
}

/** Runs an attack until it has sent so many messages. */
async function attackUntil(attack: Attack, count: number): Promise<void> {
  await attack({ ...run, isStopped: () => tally.sent >= count });
}

/** The victim is not disconnected, and gets an answer. */
async function expectVictimServed(): Promise<void> {
  expect(await victim.request('Echo', {})).toMatchObject({ result: { event: 'Started' } });
}

const refused = (name: string) => tally.report().refusals[name] ?? 0;

it('replays no more bytes to a subject than its limit, however often it asks', async () => {
  await setLimits({ replayed_bytes_per_minute: 65_536 });
  const socket = await openSocket(run, context.key);
  for (let n = 0; n < 100; n++) socket?.send(rpc('CallWatch', { since: 1 }, n));
  await expect.poll(() => refused('-32003 replayed_bytes_per_minute')).toBeGreaterThan(40);
  // The limit, and the replay that exceeded it.
  expect(tally.bytes).toBeLessThan(65_536 + 2 * TURN_BYTES);
  expect(await sendRequest(run, context.key, '/v1/events?since=1', { readMs: 1_000 })).toBe(429);
  await expectVictimServed();
  socket?.terminate();
});

it('replays nothing to a token without calls', async () => {
  const socket = await openSocket(run, context.boundToken);
  for (let n = 0; n < 100; n++) socket?.send(rpc('CallWatch', { since: 1 }, n));
  await expect.poll(() => tally.messages).toBeGreaterThanOrEqual(100);
  expect(tally.bytes / tally.messages).toBeLessThan(1_024);
  await expectVictimServed();
  socket?.terminate();
});

it('counts the messages of all sockets of a subject together', async () => {
  await setLimits({ messages_per_second: 5 });
  const [token = ''] = context.tokens;
  const sockets = await Promise.all(Array.from({ length: 10 }, () => openSocket(run, token)));
  for (const socket of sockets) for (let n = 0; n < 8; n++) socket?.send(rpc('CallList', { limit: 1 }, n));
  await expect.poll(() => tally.messages).toBeGreaterThanOrEqual(80);
  expect(refused('-32003 messages_per_second')).toBeGreaterThan(40);
  await expectVictimServed();
  for (const socket of sockets) socket?.terminate();
});

it('counts the messages of all subjects of a tenant together', async () => {
  await setLimits({ tenant_messages_per_second: 5 });
  const sockets = await Promise.all(context.tokens.slice(0, 10).map((token) => openSocket(run, token)));
  for (const socket of sockets) for (let n = 0; n < 8; n++) socket?.send(rpc('CallList', { limit: 1 }, n));
  await expect.poll(() => tally.messages).toBeGreaterThanOrEqual(80);
  expect(refused('-32003 tenant_messages_per_second')).toBeGreaterThan(40);
  await expectVictimServed();
  for (const socket of sockets) socket?.terminate();
});

it('refuses further connections of a subject for a while, whether they are open or not', async () => {
  await setLimits({ connections_per_minute: 5 });
  const [token = '', other = ''] = context.tokens;
  for (let n = 0; n < 30; n++) (await openSocket(run, token))?.terminate();
  expect(refused('429 connections_per_minute')).toBeGreaterThanOrEqual(15);
  const socket = await openSocket(run, other);
  expect(socket).toBeDefined();
  await expectVictimServed();
  socket?.terminate();
});

it('counts a socket that was superseded and never answers the Close frame', async () => {
  await setLimits({ sessions_per_subject: 3 });
  const [credential = ''] = context.tokens;
  const statuses: number[] = [];
  const sockets: RawWebSocket[] = [];
  for (let n = 0; n < 20; n++) {
    const path = '/call-api?session=same';
    const upgrade = await RawWebSocket.open({ port: context.port, path, credential, reads: true });
    statuses.push(upgrade.status);
    sockets.push(upgrade.socket);
  }
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(10);
  await expectVictimServed();
  for (const socket of sockets) socket.destroy();
});

it('closes a socket that does not read its replies, with 4413', async () => {
  await setLimits({ unread_bytes: 262_144 });
  const socket = await openSocket(run, context.key);
  for (let n = 0; n < 40 && tally.open > 0; n++) {
    // The response repeats the id. An Echo would be refused.
    socket?.send(rpc('CallUnwatch', {}, String(n).padEnd(60_000, 'x')));
    await delay(5);
  }
  await expect.poll(() => tally.report().closes).toEqual({ 4413: 1 });
  await expectVictimServed();
});

it(
  'stores nothing of Echos, however many',
  async () => {
    await setLimits({ messages_per_second: 10_000, tenant_messages_per_second: 100_000 });
    const storage = await StorageCheck.begin(harness.stack, MIN_STORED_BYTES);
    const before = await storage.end();
    await attackUntil(storeEchoes, 500);
    await expectVictimServed();
    const { storedBytes, isGapReported } = await storage.end();
    expect([storedBytes, isGapReported]).toEqual([before.storedBytes, false]);
  },
  START_TIMEOUT_MS,
);

it(
  'stores no more than its budget, also on disk, and tells a session that resumes what is missing',
  async () => {
    await setLimits({
      messages_per_second: 10_000,
      tenant_messages_per_second: 100_000,
      written_bytes_per_minute: 1_024 ** 3,
      tenant_written_bytes_per_minute: 1_024 ** 3,
    });
    const storage = await StorageCheck.begin(harness.stack, MIN_STORED_BYTES);
    await attackUntil(storeAll, 700);
    await expectVictimServed();
    const { diskBytes, storedBytes, isGapReported } = await storage.end();
    expect(storedBytes).toBeLessThanOrEqual(MIN_STORED_BYTES);
    expect(diskBytes).toBeLessThanOrEqual(MIN_STORED_BYTES + MAX_WAL_BYTES);
    // It was enough to drop something.
    expect(storedBytes).toBeGreaterThan(MIN_STORED_BYTES / 2);
    expect(isGapReported).toBe(true);
  },
  START_TIMEOUT_MS,
);
