/** Random scenarios: well-behaved ones mostly, so that the rest is reached; each can be shrunk to its cause. @module */
import fc from 'fast-check';
import type { Method } from '../methods.ts';
import type { Manners } from './opensips.ts';
import type { Gap, Network, Outage, Scenario, Wish } from './world.ts';

/** The first value is the usual one; shrinking goes there. */
function usually<T>(usual: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 10, arbitrary: fc.constant(usual) },
    { weight: others.length, arbitrary: fc.constantFrom(...others) },
  );
}

const manners: fc.Arbitrary<Manners> = fc.record({
  rings: usually<number | null>(1, null, 0, 3_000, 61_000),
  answers: usually<number | null>(2, null, 1, 400, 2_500, 59_999, 60_001, 70_000),
  status: usually('200 OK', '486 Busy Here', '404 Not Found'),
  crosses: fc.boolean(),
  takes: usually<number | null>(1, null, 0, 700, 9_000),
  leaves: usually<Manners['leaves']>('never', 'before the new call', 'after the new call began'),
  bare: usually(false, true),
  tells: usually(false, true),
  barred: usually(false, true),
  calleeRings: usually<number | null>(1, null, 0, 1_000),
  calleeAnswers: usually<number | null>(2, null, 1, 1_500, 40_000, 119_000),
  calleeStatus: usually('200 OK', '486 Busy Here', '603 Decline'),
  reinvite: fc.tuple(
    usually<'ok' | 'fail' | null>('ok', 'fail', null),
    usually<'ok' | 'fail' | null>('ok', 'fail', null),
  ),
});

const wish: fc.Arbitrary<Wish> = fc.record({
  at: fc.oneof(fc.nat(50), fc.nat(3_000), fc.nat(70_000)),
  method: fc.constantFrom<Method>(
    ...(['CallStart', 'CallStart', 'CallStart', 'CallEnd', 'CallEnd', 'CallHold', 'CallUnhold'] as const),
    ...(['CallBlindTransfer', 'CallAttendedTransfer', 'Echo'] as const),
  ),
  byName: fc.boolean(),
  target: fc.nat(11),
});

const outage: fc.Arbitrary<Outage> = fc.record({
  at: fc.oneof(fc.nat(50), fc.nat(5_000), fc.nat(70_000)),
  lasts: fc.constantFrom(1, 500, 4_000, 20_000),
  fresh: fc.boolean(),
});

const gap: fc.Arbitrary<Gap> = fc.record({
  at: fc.oneof(fc.nat(50), fc.nat(5_000), fc.nat(70_000)),
  lasts: fc.constantFrom(1, 20, 1_000, 15_000),
});

const network: fc.Arbitrary<Network> = fc.record({
  eventsDropped: usually(0, 0.05, 0.3),
  eventsDoubled: usually(0, 0.2),
  repliesLost: usually(0, 0.05, 0.3),
  requestsRefused: usually(0, 0.05),
  delay: usually(1, 4, 60),
});

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  manners: fc.array(manners, { minLength: 1, maxLength: 6 }),
  wishes: fc.array(wish, { minLength: 1, maxLength: 8 }),
  network,
  outages: fc.oneof(fc.constant([]), fc.constant([]), fc.array(outage, { maxLength: 3 })),
  gaps: fc.oneof(fc.constant([]), fc.constant([]), fc.array(gap, { maxLength: 3 })),
  sleeps: fc.constantFrom(0.3, 1, 0.02),
  alarmLag: usually(0, 40),
});
