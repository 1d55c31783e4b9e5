/** What a command may cost, counted in the running system. `npm run bench -- --counts` prints what it does cost. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Counter } from '../bench/counts/count.ts';
import { price } from '../bench/counts/price.ts';

let counter: Counter;
beforeAll(async () => {
  counter = await Counter.start();
});
afterAll(() => counter[Symbol.asyncDispose]());

describe('one in flight, at the pauses of a real OpenSIPS', () => {
  it('a CallStart: 16 rows, 3 alarms, 14 frames on the link, and less than $20 a million', async () => {
    const counts = await counter.count('CallStart', { commands: 10, inFlight: 1 });
    expect(counts.rowsWritten).toBeLessThanOrEqual(16);
    expect(counts.adapter.in + counts.adapter.out).toBeLessThanOrEqual(14);
    expect(counts.rowsRead).toBeLessThanOrEqual(12);
    // Alarms are shared; a call that comes alone sets two of its own, as the test below has it.
    const alone = { ...counts, alarmsSet: 3, alarmsRun: 3 };
    expect(price(alone, 1).total * 1e6).toBeLessThan(20);
  });

  it('a CallStart that comes alone sets three alarms at most, until the last of its deadlines is over', async () => {
    const counts = await counter.during(async () => {
      const { caller, callee } = { caller: 'sip:alice.alone@127.0.0.1', callee: 'sip:bob.alone@127.0.0.1' };
      const client = await counter.stack.client();
      await client.toEnd('CallStart', { caller, callee });
      await counter.alarmRun();
    });
    expect(counts.alarmsSet).toBeGreaterThanOrEqual(1);
    expect(counts.alarmsSet).toBeLessThanOrEqual(3);
  });

  it.each([
    ['Echo', 2, 0],
    ['CallHold', 7, 6],
    ['CallUnhold', 7, 6],
    ['CallEnd', 5, 4],
  ] as const)('%s: %i rows, %i frames on the link', async (command, rows, frames) => {
    const counts = await counter.count(command, { commands: 5, inFlight: 1 });
    expect(counts.rowsWritten).toBeLessThanOrEqual(rows);
    expect(counts.adapter.in + counts.adapter.out).toBeLessThanOrEqual(frames);
  });
});

it('64 CallStarts in flight share their frames: 6 on the link each', async () => {
  const counts = await counter.count('CallStart', { commands: 256, inFlight: 64 });
  expect(counts.adapter.in + counts.adapter.out).toBeLessThanOrEqual(6);
});

it("a call that is not the API's and that nobody watches costs two rows at most, and no frame to a client", async () => {
  const before = await counter.during(() => counter.stack.simulator.dial({ from: 'carol', to: 'dave' }));
  expect(before.adapter.in).toBeGreaterThan(0);
  expect(before).toMatchObject({ client: { out: 0 } });
  const counts = await counter.during(async () => {
    await counter.stack.simulator.dial({ from: 'carol', to: 'busy' }).catch(() => {});
    const callid = await counter.stack.simulator.dial({ from: 'carol', to: 'dave' });
    counter.stack.simulator.hangUp(callid);
  });
  expect(counts.rowsWritten).toBeLessThanOrEqual(4);
  expect(counts.client.out).toBe(0);
});
