/** Watching all calls of a site in the full stack: the watcher's list is correct, even if events are lost. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SeededRandom } from './faults/harness/seeded-random.ts';
import { FaultLog } from './faults/injection/fault-log.ts';
import { NO_UDP_FAULTS, type UdpFaultRates } from './faults/injection/fault-rates.ts';
import { UdpProxy } from './faults/proxies/udp-proxy.ts';
import { CallWatcher } from './harness/call-watcher.ts';
import { callidOf, eventNames, phoneUri } from './harness/client.ts';
import { type Stack, startStack, waitUntil } from './harness/stack.ts';

/** Concurrent calls, and how many of them are ended again. */
const CALLS = 500;
const ENDED = 250;

/** 5 % of the events are lost. */
const LOSSY: UdpFaultRates = { ...NO_UDP_FAULTS, event: { ...NO_UDP_FAULTS.event, drop: 0.05 } };

/** Time until the list is correct again (docs/internals/reliability.md). */
const MAX_CORRECTION_MS = 30_000;

let stack: Stack;
let proxy: UdpProxy;
const tally = new FaultLog();
beforeAll(async () => {
  stack = await startStack({ startsAdapter: false });
  proxy = await UdpProxy.start(stack.simulator.mi.port, NO_UDP_FAULTS, new SeededRandom(6), tally);
  await stack.startAdapter({ OPENSIPS_MI: `127.0.0.1:${proxy.port}` });
  await stack.waitForLink(true);
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
});

/** Returns the Call-IDs of the calls that are active in OpenSIPS. */
const activeCallids = () =>
  stack.simulator.ledger.dialogs.filter(({ state }) => state < 5).map(({ callid }) => callid);

const watchCalls = () => CallWatcher.connect(`ws://127.0.0.1:${stack.port}/call-api`);

it('a watcher receives each state of a call, with its parties, origin and metadata', async () => {
  const watcher = await watchCalls();
  const client = await stack.connectClient();
  const metadata = { ticket: 7 };
  const params = { caller: phoneUri('keep.1'), callee: phoneUri('keep.2'), metadata };
  const callid = callidOf(await client.runToEnd('CallStart', params), 'CalleeAnswered');
  await client.runToEnd('CallHold', { callid });
  const [firstUnhold] = await client.runToEnd('CallUnhold', { callid });
  expect(firstUnhold).toMatchObject({ metadata });
  const transferred = await client.runToEnd('CallBlindTransfer', {
    callid,
    leg: 'callee',
    destination: phoneUri('keep.3'),
  });
  const newCallid = callidOf(transferred, 'TransferSuccessful');
  expect(eventNames(await client.runToEnd('CallEnd', { callid: newCallid }))).toEqual(['Ended']);
  await waitUntil(
    () => watcher.eventNamesOf(newCallid).includes('Ended') && watcher.eventNamesOf(callid).includes('Ended'),
  );

  expect(watcher.eventNamesOf(callid).filter((event, index, all) => event !== all[index - 1])).toEqual([
    'Ringing',
    'Answered',
    'Held',
    'Resumed',
    'Transferring',
    'Transferred',
    'Ended',
  ]);
  const { seq: _, ...firstCall } = watcher.calls.get(callid) ?? { seq: 0 };
  expect(firstCall).toMatchObject({
    state: 'ended',
    caller: phoneUri('keep.1'),
    callee: phoneUri('keep.2'),
    origin: { method: 'CallStart' },
    reason: 'transferred',
    became: newCallid,
    metadata,
  });
  expect(watcher.calls.get(newCallid)).toMatchObject({
    caller: phoneUri('keep.2'),
    callee: phoneUri('keep.3'),
    origin: { method: 'CallBlindTransfer' },
    from: callid,
    reason: 'ended by CallEnd',
    metadata,
  });
  const { call, timeline } = await watcher.request<{ call: object; timeline: { event: string }[] }>(
    'CallGet',
    {
      callid: newCallid,
    },
  );
  expect(call).toEqual(watcher.calls.get(newCallid));
  expect(timeline.map(({ event }) => event)).toEqual(watcher.eventNamesOf(newCallid));
  watcher.close();
});

it(`lists ${CALLS} external calls correctly within 30 s, although ${LOSSY.event.drop * 100} % of the events are lost`, {
  timeout: 120_000,
}, async () => {
  const watcher = await watchCalls();
  proxy.faultRates = LOSSY;
  const callids = await Promise.all(
    Array.from({ length: CALLS }, (_, n) => stack.simulator.dial({ from: `carol.${n}`, to: `keep.d${n}` })),
  );
  for (const callid of callids.slice(0, ENDED)) stack.simulator.hangUp(callid);
  await waitUntil(() => activeCallids().length === CALLS - ENDED);
  const changedAt = Date.now();
  const expected = activeCallids().sort();
  await waitUntil(() => JSON.stringify(watcher.activeCallids()) === JSON.stringify(expected));
  expect(Date.now() - changedAt).toBeLessThan(MAX_CORRECTION_MS);
  expect(tally.counts.get('event dropped')).toBeGreaterThan(CALLS / 20);
  await waitUntil(() => expected.every((callid) => watcher.calls.get(callid)?.state === 'answered'));
  await waitUntil(() => expected.every((callid) => watcher.calls.get(callid)?.caller !== null));
  expect(Date.now() - changedAt).toBeLessThan(MAX_CORRECTION_MS);
  watcher.close();
});

it('a watcher that reconnects receives the changes that it missed, each once and in order', async () => {
  proxy.faultRates = NO_UDP_FAULTS;
  const connected = await watchCalls();
  const interrupted = await watchCalls();
  const since = interrupted.seq;
  interrupted.close();
  const callid = await stack.simulator.dial({ from: 'carol', to: 'dave' });
  stack.simulator.hangUp(callid);
  await waitUntil(() => connected.eventNamesOf(callid).includes('Ended'));
  const reconnected = await CallWatcher.connect(`ws://127.0.0.1:${stack.port}/call-api`, { since });
  await waitUntil(() => reconnected.eventNamesOf(callid).includes('Ended'));
  expect(reconnected.changes.filter(({ seq }) => seq <= connected.seq)).toEqual(
    connected.changes.filter(({ seq }) => seq > since && seq <= connected.seq),
  );
  connected.close();
  reconnected.close();
});

it('removes all calls within 30 s if OpenSIPS restarts without them', {
  timeout: 60_000,
}, async () => {
  const watcher = await watchCalls();
  await stack.simulator.dial({ from: 'carol', to: 'dave' });
  await waitUntil(() => watcher.activeCallids().length > 0);
  const changedAt = Date.now();
  stack.simulator.restart({ keepDialogs: false });
  await waitUntil(() => watcher.activeCallids().length === 0);
  expect(Date.now() - changedAt).toBeLessThan(MAX_CORRECTION_MS);
  watcher.close();
});
