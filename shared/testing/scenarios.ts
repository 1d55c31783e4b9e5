/**
 * Generates random scenarios. Most phones in them behave well, so that the later parts of a command are reached too.
 * @module
 */
import fc from 'fast-check';
import type { CallCommand } from '../protocol/rpc/commands.ts';
import type { PhoneBehavior } from './phone-behavior.ts';
import type { ClientCommand, Gap, Network, Outage, Scenario } from './site-simulation.ts';

/** Generates mostly the first value, to which a failing scenario shrinks. */
function mostly<T>(usual: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof(
    { weight: 10, arbitrary: fc.constant(usual) },
    { weight: others.length, arbitrary: fc.constantFrom(...others) },
  );
}

const behavior: fc.Arbitrary<PhoneBehavior> = fc.record({
  ringsAfterMs: mostly<number | null>(1, null, 0, 3_000, 61_000),
  answersAfterMs: mostly<number | null>(2, null, 1, 400, 2_500, 59_999, 60_001, 70_000),
  finalStatus: mostly('200 OK', '486 Busy Here', '404 Not Found'),
  answersOnCancel: fc.boolean(),
  actsOnReferAfterMs: mostly<number | null>(1, null, 0, 700, 9_000),
  hangsUp: mostly<PhoneBehavior['hangsUp']>('never', 'before the new call', 'after the new call started'),
  stripsParameters: mostly(false, true),
  sendsNotify: mostly(false, true),
  isDestinationRejected: mostly(false, true),
  calleeRingsAfterMs: mostly<number | null>(1, null, 0, 1_000),
  calleeAnswersAfterMs: mostly<number | null>(2, null, 1, 1_500, 40_000, 119_000),
  calleeFinalStatus: mostly('200 OK', '486 Busy Here', '603 Decline', '302 Moved Temporarily'),
  reinviteOutcomes: fc.tuple(
    mostly<'ok' | 'fail' | null>('ok', 'fail', null),
    mostly<'ok' | 'fail' | null>('ok', 'fail', null),
  ),
});

const clientCommand: fc.Arbitrary<ClientCommand> = fc.record({
  at: fc.oneof(fc.nat(50), fc.nat(3_000), fc.nat(70_000)),
  method: fc.constantFrom<CallCommand>(
    ...(['CallStart', 'CallStart', 'CallStart', 'CallEnd', 'CallEnd', 'CallHold', 'CallUnhold'] as const),
    ...(['CallBlindTransfer', 'CallAttendedTransfer'] as const),
  ),
  byCmdId: fc.boolean(),
  targetIndex: fc.nat(11),
});

const outage: fc.Arbitrary<Outage> = fc.record({
  at: fc.oneof(fc.nat(50), fc.nat(5_000), fc.nat(70_000)),
  durationMs: fc.constantFrom(1, 500, 4_000, 20_000),
  restartsAdapter: fc.boolean(),
});

const gap: fc.Arbitrary<Gap> = fc.record({
  at: fc.oneof(fc.nat(50), fc.nat(5_000), fc.nat(70_000)),
  durationMs: fc.constantFrom(1, 20, 1_000, 15_000),
});

const network: fc.Arbitrary<Network> = fc.record({
  eventLoss: mostly(0, 0.05, 0.3),
  eventDuplication: mostly(0, 0.2),
  replyLoss: mostly(0, 0.05, 0.3),
  requestRejection: mostly(0, 0.05),
  maxDelayMs: mostly(1, 4, 60),
});

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.nat(),
  hasInDialog: fc.boolean(),
  behaviors: fc.array(behavior, { minLength: 1, maxLength: 6 }),
  commands: fc.array(clientCommand, { minLength: 1, maxLength: 8 }),
  network,
  outages: fc.oneof(fc.constant([]), fc.constant([]), fc.array(outage, { maxLength: 3 })),
  gaps: fc.oneof(fc.constant([]), fc.constant([]), fc.array(gap, { maxLength: 3 })),
  hibernationRate: fc.constantFrom(0.3, 1, 0.02),
  alarmDelayMs: mostly(0, 40, 60_000),
});
