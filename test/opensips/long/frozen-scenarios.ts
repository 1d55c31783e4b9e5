/** When a phone loses its network, and what the command must report. @module */
import type { OpenSipsHarness } from '../harness.ts';
import type { Phone } from '../phone.ts';
import type { BehaviorName } from '../phone-behavior.ts';
import { connectPhones, errorText, type Leg, type Outcome, runCommand, settle } from './rig.ts';

export interface FrozenScenario {
  readonly name: string;
  /** The error, or `Ended`, followed by what the phones that are alive have. */
  readonly expected: RegExp;
  /** The same where the command uses callops, which does not report what a phone has answered. */
  readonly expectedWithCallops?: RegExp;
  /** How long the command may take, in milliseconds: the timer of OpenSIPS or of the protocol that ends it. */
  readonly limitMs: number;
  readonly run: (harness: OpenSipsHarness) => Promise<{ readonly ms: number; readonly result: string }>;
}

/** `fr_timeout` of the script: for a phone that does not react. */
const FR_TIMEOUT_MS = 5_000;
/** `fr_inv_timeout` of the script, and the limit of the protocol for a destination to answer. */
const RINGING_TIMEOUT_MS = 120_000;
/** The limit of the protocol for a phone to accept a transfer, where OpenSIPS does not report it. */
const ACCEPT_TIMEOUT_MS = 10_000;
/** A caller that does not answer. */
const CALLER_TIMEOUT_S = 8;

const describe = (outcome: Outcome, alive: readonly Phone[] = []) => ({
  ms: outcome.ms,
  result: [
    errorText(outcome) ?? outcome.notifications.map(({ event }) => event).join(' '),
    ...alive.map(({ isIdle }) => (isIdle ? 'other: idle' : 'other: in a call')),
  ].join('; '),
});

/** Runs a CallStart in which `freeze` may act on both phones. */
async function start(
  harness: OpenSipsHarness,
  behaviors: readonly [BehaviorName, BehaviorName],
  freeze: (phones: { readonly alice: Phone; readonly bob: Phone }) => void | Promise<void>,
  alive: 'alice' | 'bob',
) {
  const phones = {
    alice: await harness.openPhone(behaviors[0]),
    bob: await harness.openPhone(behaviors[1]),
  };
  const frozen = freeze(phones);
  const { alice: caller, bob: callee } = phones;
  const params = { caller: caller.uri, callee: callee.uri, timeout: CALLER_TIMEOUT_S };
  const outcome = await runCommand(harness, 'CallStart', params);
  await frozen;
  return describe(outcome, [phones[alive]]);
}

const whenRinging = async (ringing: Phone, frozen = ringing) => {
  await settle(
    () => ringing.isRinging,
    () => `${ringing.uri} does not ring`,
  );
  frozen.freeze();
};

/** Runs a command in a call in which one phone freezes from the next request with that method on. */
async function within(
  harness: OpenSipsHarness,
  leg: Leg,
  freezeAt: string | undefined,
  run: (call: { readonly callid: string; readonly frozen: Phone; readonly other: Phone }) => Promise<Outcome>,
  prepare: (callid: string) => Promise<unknown> = async () => {},
) {
  const { alice, bob, callid } = await connectPhones(harness);
  await prepare(callid);
  const [frozen, other] = leg === 'caller' ? [alice, bob] : [bob, alice];
  frozen.freeze(freezeAt);
  const outcome = await run({ callid, frozen, other });
  const { ms, result } = describe(outcome);
  return { ms, result: `${result}; other: ${other.isHeld(callid) ? 'held' : 'not held'}` };
}

const holdScenario = (method: string, leg: Leg, freezeAt: string | undefined): FrozenScenario => ({
  name: `${method}: ${leg} ${freezeAt === undefined ? 'before it' : `at its ${freezeAt}`}`,
  expected:
    method === 'CallHold'
      ? /the (caller|callee) responded 408 Request Timeout.*; other: not held$/
      : /the (caller|callee) responded 408 Request Timeout.*; other: held$/,
  limitMs: 2 * FR_TIMEOUT_MS,
  run: (harness) =>
    within(
      harness,
      leg,
      freezeAt,
      ({ callid }) => runCommand(harness, method, { callid }),
      method === 'CallUnhold' ? (callid) => runCommand(harness, 'CallHold', { callid }) : undefined,
    ),
});

async function blind(
  harness: OpenSipsHarness,
  target: BehaviorName,
  freeze: (phones: { readonly transferred: Phone; readonly carol: Phone }) => void | Promise<void>,
  transferredBehavior: BehaviorName = 'keep',
) {
  const { alice, bob, callid } = await connectPhones(harness, 'keep', transferredBehavior);
  const carol = await harness.openPhone(target);
  const frozen = freeze({ transferred: bob, carol });
  const params = { callid, leg: 'callee', destination: carol.uri };
  const outcome = await runCommand(harness, 'CallBlindTransfer', params);
  await frozen;
  return describe(outcome, [alice]);
}

async function attended(harness: OpenSipsHarness, freeze: (bob: Phone, dave: Phone) => void) {
  const [first, second] = [await connectPhones(harness), await connectPhones(harness)];
  freeze(first.bob, second.bob);
  const outcome = await runCommand(harness, 'CallAttendedTransfer', {
    callidA: first.callid,
    legA: 'callee',
    callidB: second.callid,
    legB: 'callee',
  });
  return describe(outcome, [first.alice, second.alice]);
}

const NOT_ACCEPTED = /did not accept it, or did not reach/;

export const FROZEN_SCENARIOS: readonly FrozenScenario[] = [
  {
    name: 'CallStart: caller before it rings',
    expected: /408.*; other: idle$/,
    limitMs: FR_TIMEOUT_MS + 2_000,
    run: (harness) => start(harness, ['keep', 'keep'], ({ alice }) => alice.freeze(), 'bob'),
  },
  {
    name: 'CallStart: caller while it rings',
    expected: /(did not answer|timeout|487|408).*; other: idle$/i,
    limitMs: CALLER_TIMEOUT_S * 1_000 + 2_000,
    run: (harness) => start(harness, ['ring', 'keep'], ({ alice }) => whenRinging(alice), 'bob'),
  },
  {
    name: 'CallStart: caller after its answer',
    expected: /status 408 Request Timeout.*; other: idle$/,
    expectedWithCallops: NOT_ACCEPTED,
    limitMs: ACCEPT_TIMEOUT_MS + 2_000,
    run: (harness) => start(harness, ['keep', 'keep'], ({ alice }) => alice.freeze('ACK'), 'bob'),
  },
  {
    name: 'CallStart: caller at the REFER',
    expected: /status 408 Request Timeout.*; other: idle$/,
    expectedWithCallops: NOT_ACCEPTED,
    limitMs: ACCEPT_TIMEOUT_MS + 2_000,
    run: (harness) => start(harness, ['keep', 'keep'], ({ alice }) => alice.freeze('REFER'), 'bob'),
  },
  {
    name: 'CallStart: callee before it rings',
    expected: /status 408 Request Timeout; other: idle$/,
    limitMs: FR_TIMEOUT_MS + 2_000,
    run: (harness) => start(harness, ['keep', 'keep'], ({ bob }) => bob.freeze(), 'alice'),
  },
  {
    name: 'CallStart: callee while it rings',
    expected: /(408|did not answer|timeout).*; other: idle$/i,
    limitMs: RINGING_TIMEOUT_MS + 2_000,
    run: (harness) => start(harness, ['keep', 'ring'], ({ bob }) => whenRinging(bob), 'alice'),
  },
  {
    name: 'CallStart: caller while the callee rings',
    expected: /CalleeAnswered Ended; other: in a call$/,
    limitMs: FR_TIMEOUT_MS,
    run: (harness) =>
      start(harness, ['keep', 'answer-1000'], ({ alice, bob }) => whenRinging(bob, alice), 'bob'),
  },
  ...(['CallHold', 'CallUnhold'] as const).flatMap((method) =>
    (['caller', 'callee'] as const).flatMap((leg) => [
      holdScenario(method, leg, undefined),
      holdScenario(method, leg, 'INVITE'),
    ]),
  ),
  {
    name: 'CallHold: callee after its answer',
    expected: /Ended; other: held$/,
    limitMs: FR_TIMEOUT_MS,
    run: (harness) =>
      within(harness, 'callee', 'ACK', ({ callid }) => runCommand(harness, 'CallHold', { callid })),
  },
  {
    name: 'CallBlindTransfer: transferred phone at the REFER',
    expected: /^transfer failed with status 408 Request Timeout; other: in a call$/,
    expectedWithCallops: NOT_ACCEPTED,
    limitMs: ACCEPT_TIMEOUT_MS,
    run: (harness) => blind(harness, 'keep', ({ transferred }) => transferred.freeze('REFER')),
  },
  {
    name: 'CallBlindTransfer: transferred phone after it has accepted',
    expected: /accepted the transfer and did not dial.*; other: in a call$/,
    expectedWithCallops: NOT_ACCEPTED,
    limitMs: ACCEPT_TIMEOUT_MS + 2_000,
    run: (harness) => blind(harness, 'keep', () => {}, 'lazy'),
  },
  {
    name: 'CallBlindTransfer: destination before it rings',
    expected: /^transfer failed with status 408 Request Timeout; other: in a call$/,
    limitMs: FR_TIMEOUT_MS + 2_000,
    run: (harness) => blind(harness, 'keep', ({ carol }) => carol.freeze()),
  },
  {
    name: 'CallBlindTransfer: destination while it rings',
    expected: /(408|did not answer|timeout).*; other: in a call$/i,
    limitMs: RINGING_TIMEOUT_MS + 2_000,
    run: (harness) => blind(harness, 'ring', ({ carol }) => whenRinging(carol)),
  },
  {
    name: 'CallBlindTransfer: transferred phone while the destination rings',
    expected: /TransferSuccessful Ended/,
    limitMs: FR_TIMEOUT_MS,
    run: (harness) =>
      blind(harness, 'answer-1000', ({ carol, transferred }) => whenRinging(carol, transferred)),
  },
  {
    name: 'CallAttendedTransfer: transferred phone at the REFER',
    expected: /^transfer failed with status 408 Request Timeout; other: in a call; other: in a call$/,
    expectedWithCallops: NOT_ACCEPTED,
    limitMs: ACCEPT_TIMEOUT_MS + 2_000,
    run: (harness) => attended(harness, (bob) => bob.freeze('REFER')),
  },
  {
    name: 'CallAttendedTransfer: the other phone at the INVITE',
    expected: /^transfer failed with status 408 Request Timeout; other: in a call; other: in a call$/,
    limitMs: FR_TIMEOUT_MS + 2_000,
    run: (harness) => attended(harness, (_, dave) => dave.freeze('INVITE')),
  },
  {
    name: 'CallEnd: callee before it',
    expected: /^Ended; other: not held$/,
    limitMs: FR_TIMEOUT_MS + 2_000,
    run: (harness) =>
      within(harness, 'callee', undefined, async ({ callid, other }) => {
        const outcome = await runCommand(harness, 'CallEnd', { callid });
        await settle(
          () => other.isIdle,
          () => 'the other phone is still in the call',
        );
        return outcome;
      }),
  },
  {
    name: 'CallEnd: caller at the BYE',
    expected: /^Ended; other: not held$/,
    limitMs: FR_TIMEOUT_MS + 2_000,
    run: (harness) =>
      within(harness, 'caller', 'BYE', async ({ callid, other }) => {
        const outcome = await runCommand(harness, 'CallEnd', { callid });
        await settle(
          () => other.isIdle,
          () => 'the other phone is still in the call',
        );
        return outcome;
      }),
  },
];
