/** Limits on the resources that a command uses, counted in the running system. `npm run bench -- --counts` prints the actual numbers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { estimatePrice } from '../bench/counts/price.ts';
import { ResourceCounter } from '../bench/counts/resource-counter.ts';

let counter: ResourceCounter;
beforeAll(async () => {
  counter = await ResourceCounter.start();
});
afterAll(() => counter[Symbol.asyncDispose]());

describe('one command in flight, with the delays of a real OpenSIPS', () => {
  it('CallStart uses at most 10 rows and 14 frames on the link', async () => {
    const counts = await counter.count('CallStart', { commands: 10, inFlight: 1 });
    expect(counts.rowsWritten).toBeLessThanOrEqual(10);
    expect(counts.adapter.in + counts.adapter.out).toBeLessThanOrEqual(14);
    expect(counts.rowsRead).toBeLessThanOrEqual(12);
  });

  // Commands share alarms, so only one that is alone shows all of its own.
  it('a single CallStart sets at most three alarms until its last deadline has passed, and costs less than $13 per million', async () => {
    const counts = await counter.countDuring(async () => {
      const { caller, callee } = { caller: 'sip:alice.alone@127.0.0.1', callee: 'sip:bob.alone@127.0.0.1' };
      const client = await counter.stack.connectClient();
      await client.runToEnd('CallStart', { caller, callee });
      await counter.waitForAlarm();
    });
    expect(counts.alarmsSet).toBeGreaterThanOrEqual(1);
    expect(counts.alarmsSet).toBeLessThanOrEqual(3);
    expect(estimatePrice(counts, 1).total * 1e6).toBeLessThan(13);
  });

  it.each([
    ['Echo', 0, 0],
    ['CallHold', 4, 6],
    ['CallUnhold', 4, 6],
    ['CallEnd', 4, 4],
  ] as const)('%s uses at most %i rows and %i frames on the link', async (command, rows, frames) => {
    const counts = await counter.count(command, { commands: 5, inFlight: 1 });
    expect(counts.rowsWritten).toBeLessThanOrEqual(rows);
    expect(counts.adapter.in + counts.adapter.out).toBeLessThanOrEqual(frames);
  });
});

it('64 CallStarts in flight share frames and rows: at most 6 frames on the link and 2 rows per command', async () => {
  const counts = await counter.count('CallStart', { commands: 256, inFlight: 64 });
  expect(counts.adapter.in + counts.adapter.out).toBeLessThanOrEqual(6);
  expect(counts.rowsWritten).toBeLessThanOrEqual(2);
});

it('an external call that no client watches writes at most two rows and sends no frame to a client', async () => {
  const before = await counter.countDuring(() => counter.stack.simulator.dial({ from: 'carol', to: 'dave' }));
  expect(before.adapter.in).toBeGreaterThan(0);
  expect(before).toMatchObject({ client: { out: 0 } });
  const counts = await counter.countDuring(async () => {
    await counter.stack.simulator.dial({ from: 'carol', to: 'busy' }).catch(() => {});
    const callid = await counter.stack.simulator.dial({ from: 'carol', to: 'dave' });
    counter.stack.simulator.hangUp(callid);
  });
  expect(counts.rowsWritten).toBeLessThanOrEqual(4);
  expect(counts.client.out).toBe(0);
});

it('ten external calls that no client watches send at most 15 frames: what nobody waits for shares them', async () => {
  const counts = await counter.countDuring(async () => {
    for (let n = 0; n < 10; n++) await counter.stack.simulator.dial({ from: `carol.${n}`, to: `dave.${n}` });
  });
  expect(counts.adapter.in).toBeGreaterThan(0);
  expect(counts.adapter.in).toBeLessThanOrEqual(15);
});
