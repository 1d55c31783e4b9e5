/** Calls that others make, seen through the whole stack: the board is right, also where events are lost on the way. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Random } from './faults/random.ts';
import { CLEAR, type UdpRules } from './faults/rules.ts';
import { Tally } from './faults/tally.ts';
import { UdpProxy } from './faults/udp-proxy.ts';
import { Board } from './stack/board.ts';
import { callidOf, events, phone } from './stack/client.ts';
import { type Stack, startStack, until } from './stack/stack.ts';

/** Calls at once, and how many are ended again. */
const CALLS = 500;
const ENDED = 250;

/** Of the events, so many never come. */
const LOSSY: UdpRules = { ...CLEAR, event: { ...CLEAR.event, drop: 0.05 } };

/** The issue's own bound, in milliseconds. */
const RIGHT_WITHIN_MS = 30_000;

let stack: Stack;
let proxy: UdpProxy;
const tally = new Tally();
beforeAll(async () => {
  stack = await startStack({ adapter: false });
  proxy = await UdpProxy.start(stack.simulator.mi.port, CLEAR, new Random(6), tally);
  await stack.startAdapter({ OPENSIPS_MI: `127.0.0.1:${proxy.port}` });
  await stack.linked(true);
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
});

/** The Call-IDs that truly stand. */
const standing = () =>
  stack.simulator.ledger.dialogs.filter(({ state }) => state < 5).map(({ callid }) => callid);

const board = () => Board.connect(`ws://127.0.0.1:${stack.port}/call-api`);

it('a call is seen by those who watch, step by step; with who speaks, whence it came and what was given to it', async () => {
  const watching = await board();
  const client = await stack.client();
  const metadata = { ticket: 7 };
  const params = { caller: phone('keep.1'), callee: phone('keep.2'), metadata };
  const callid = callidOf(await client.toEnd('CallStart', params), 'CalleeAnswered');
  await client.toEnd('CallHold', { callid });
  const [unheld] = await client.toEnd('CallUnhold', { callid });
  expect(unheld).toMatchObject({ metadata });
  const moved = await client.toEnd('CallBlindTransfer', {
    callid,
    leg: 'callee',
    destination: phone('keep.3'),
  });
  const next = callidOf(moved, 'TransferSuccessful');
  expect(events(await client.toEnd('CallEnd', { callid: next }))).toEqual(['Ended']);
  await until(() => watching.told(next).includes('Ended') && watching.told(callid).includes('Ended'));

  expect(watching.told(callid).filter((event, at, all) => event !== all[at - 1])).toEqual([
    'Ringing',
    'Answered',
    'Held',
    'Resumed',
    'Transferring',
    'Transferred',
    'Ended',
  ]);
  const { seq: _, ...first } = watching.calls.get(callid) ?? { seq: 0 };
  expect(first).toMatchObject({
    state: 'ended',
    caller: phone('keep.1'),
    callee: phone('keep.2'),
    origin: { method: 'CallStart' },
    reason: 'transferred',
    became: next,
    metadata,
  });
  expect(watching.calls.get(next)).toMatchObject({
    caller: phone('keep.2'),
    callee: phone('keep.3'),
    origin: { method: 'CallBlindTransfer' },
    from: callid,
    reason: 'ended by CallEnd',
    metadata,
  });
  const { call, timeline } = await watching.ask<{ call: object; timeline: { event: string }[] }>('CallGet', {
    callid: next,
  });
  expect(call).toEqual(watching.calls.get(next));
  expect(timeline.map(({ event }) => event)).toEqual(watching.told(next));
  watching.close();
});

it(`${CALLS} calls made and ended outside, ${LOSSY.event.drop * 100} % of events lost: within 30 s the board is right`, {
  timeout: 120_000,
}, async () => {
  const watching = await board();
  proxy.rules = LOSSY;
  const dialled = await Promise.all(
    Array.from({ length: CALLS }, (_, n) => stack.simulator.dial({ from: `carol.${n}`, to: `keep.d${n}` })),
  );
  for (const callid of dialled.slice(0, ENDED)) stack.simulator.hangUp(callid);
  await until(() => standing().length === CALLS - ENDED);
  const since = Date.now();
  const truth = standing().sort();
  await until(() => JSON.stringify(watching.standing()) === JSON.stringify(truth));
  expect(Date.now() - since).toBeLessThan(RIGHT_WITHIN_MS);
  expect(tally.counts.get('event dropped')).toBeGreaterThan(CALLS / 20);
  await until(() => truth.every((callid) => watching.calls.get(callid)?.state === 'answered'));
  await until(() => truth.every((callid) => watching.calls.get(callid)?.caller !== null));
  expect(Date.now() - since).toBeLessThan(RIGHT_WITHIN_MS);
  watching.close();
});

it('who comes back is told what it missed, each change once and in order', async () => {
  proxy.rules = CLEAR;
  const always = await board();
  const away = await board();
  const since = away.seq;
  away.close();
  const callid = await stack.simulator.dial({ from: 'carol', to: 'dave' });
  stack.simulator.hangUp(callid);
  await until(() => always.told(callid).includes('Ended'));
  const back = await Board.connect(`ws://127.0.0.1:${stack.port}/call-api`, { since });
  await until(() => back.told(callid).includes('Ended'));
  expect(back.changes.filter(({ seq }) => seq <= always.seq)).toEqual(
    always.changes.filter(({ seq }) => seq > since && seq <= always.seq),
  );
  always.close();
  back.close();
});

it('a restart of OpenSIPS that loses all its calls: all are gone within 30 s', {
  timeout: 60_000,
}, async () => {
  const watching = await board();
  await stack.simulator.dial({ from: 'carol', to: 'dave' });
  await until(() => watching.standing().length > 0);
  const since = Date.now();
  stack.simulator.restart({ keepDialogs: false });
  await until(() => watching.standing().length === 0);
  expect(Date.now() - since).toBeLessThan(RIGHT_WITHIN_MS);
  watching.close();
});
