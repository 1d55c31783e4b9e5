/** Each command many times, one in flight: whether it was right, and how long it took. @module */
import { callidOf } from '../../harness/client.ts';
import type { OpenSipsHarness } from '../harness.ts';
import type { Phone } from '../phone.ts';
import {
  errorText,
  expectCalls,
  LEGS,
  type Outcome,
  type Part,
  runCommand,
  type Suite,
  settle,
  startCall,
  throwError,
  withRig,
} from './rig.ts';

const CALLS = 100;
const BLIND_TRANSFERS = 60;
const ATTENDED_TRANSFERS = 40;
/** Rounds that are not counted, because they compile code and open sockets. */
const WARM_UP_ROUNDS = 5;

/** Medians on an idle machine with two cores, in milliseconds, and how much more is accepted. */
const MEDIANS_MS: Readonly<
  Record<string, { readonly start: number; readonly hold: number; readonly blind: number }>
> = {
  '3.4': { start: 24, hold: 9, blind: 17 },
  '3.6': { start: 40, hold: 13, blind: 14 },
  '4.0': { start: 30, hold: 19, blind: 24 },
};
const TOLERANCE = 1.2;

export const runCommands: Part = (suite) =>
  withRig(suite, { adapterEnv: { LOG_LEVEL: 'warn' } }, async (harness) => {
    const calls = await measureCalls(suite, harness);
    const blind = await measureBlindTransfers(suite, harness);
    const attended = await measureAttendedTransfers(suite, harness);
    return [...calls, ...blind, ...attended];
  });

/** Times and problems of one command. */
class Series {
  readonly timesMs: number[] = [];
  readonly problems: string[] = [];
  readonly #isCounted: () => boolean;

  constructor(isCounted: () => boolean) {
    this.#isCounted = isCounted;
  }

  /** Runs a command and what must hold after it. */
  async run(
    command: () => Promise<Outcome>,
    verify: (outcome: Outcome) => Promise<void>,
  ): Promise<Outcome | undefined> {
    try {
      const outcome = await command();
      throwError(outcome);
      await verify(outcome);
      if (this.#isCounted()) this.timesMs.push(outcome.ms);
      return outcome;
    } catch (error) {
      if (this.#isCounted()) this.problems.push(String(error));
      return undefined;
    }
  }

  addTo({ report }: Suite, name: string, limitMs?: number): void {
    report.count(name, this.timesMs.length + this.problems.length, this.problems);
    report.time(`${name}, request to Ended`, this.timesMs, limitMs);
  }
}

const limitOf = ({ version }: Suite, command: 'start' | 'hold' | 'blind') => {
  const medianMs = MEDIANS_MS[version]?.[command];
  return medianMs === undefined ? undefined : medianMs * TOLERANCE;
};

async function measureCalls(suite: Suite, harness: OpenSipsHarness): Promise<string[]> {
  let round = -WARM_UP_ROUNDS;
  const [start, hold, unhold, end] = Array.from({ length: 4 }, () => new Series(() => round >= 0));
  if (!start || !hold || !unhold || !end) throw new Error('no series');
  const [alice, bob] = [await harness.openPhone(), await harness.openPhone()];
  const callids: string[] = [];
  const expectHeld = (callid: string, isHeld: boolean) =>
    settle(
      () => [alice, bob].every((phone) => phone.isHeld(callid) === isHeld),
      () => `held: ${[alice, bob].map((phone) => phone.isHeld(callid)).join()}`,
    );
  for (; round < suite.scale(CALLS); round += 1) {
    let callid = '';
    await start.run(
      async () => {
        const started = await startCall(harness, alice, bob);
        callid = started.callid;
        return started;
      },
      async () => {},
    );
    callids.push(callid);
    await hold.run(
      () => runCommand(harness, 'CallHold', { callid }),
      () => expectHeld(callid, true),
    );
    await unhold.run(
      () => runCommand(harness, 'CallUnhold', { callid }),
      () => expectHeld(callid, false),
    );
    await end.run(
      () => runCommand(harness, 'CallEnd', { callid }),
      async () => {
        await expectCalls([alice, []], [bob, []]);
        // OpenSIPS handles the phones' replies to its BYEs shortly after they were sent.
        await settle(
          async () => !(await harness.opensips.isDialogActive(callid)),
          () => 'the dialog is still active',
        );
      },
    );
  }
  start.addTo(suite, 'CallStart', limitOf(suite, 'start'));
  hold.addTo(suite, 'CallHold', limitOf(suite, 'hold'));
  unhold.addTo(suite, 'CallUnhold', limitOf(suite, 'hold'));
  end.addTo(suite, 'CallEnd');
  return callids;
}

async function measureBlindTransfers(suite: Suite, harness: OpenSipsHarness): Promise<string[]> {
  let round = -WARM_UP_ROUNDS;
  const blind = new Series(() => round >= 0);
  const [alice, bob, carol] = [
    await harness.openPhone(),
    await harness.openPhone(),
    await harness.openPhone(),
  ];
  const callids: string[] = [];
  for (; round < suite.scale(BLIND_TRANSFERS); round += 1) {
    const { callid } = await startCall(harness, alice, bob);
    const leg = LEGS[Math.abs(round) % 2] ?? 'callee';
    const [transferred, other] = leg === 'caller' ? [alice, bob] : [bob, alice];
    await blind.run(
      () => runCommand(harness, 'CallBlindTransfer', { callid, leg, destination: carol.uri }),
      async ({ notifications }) => {
        const newCallid = callidOf(notifications, 'TransferSuccessful');
        await expectCalls([transferred, [newCallid]], [carol, [newCallid]], [other, []]);
      },
    );
    callids.push(callid, ...carol.answeredCalls);
    await endAll(harness, alice, bob, carol);
  }
  blind.addTo(suite, 'CallBlindTransfer, both legs', limitOf(suite, 'blind'));
  return callids;
}

async function measureAttendedTransfers(suite: Suite, harness: OpenSipsHarness): Promise<string[]> {
  let round = -WARM_UP_ROUNDS;
  const attended = new Series(() => round >= 0);
  const [alice, bob] = [await harness.openPhone(), await harness.openPhone()];
  const [carol, dave] = [await harness.openPhone(), await harness.openPhone()];
  const callids: string[] = [];
  for (; round < suite.scale(ATTENDED_TRANSFERS); round += 1) {
    const [{ callid: callidA }, { callid: callidB }] = [
      await startCall(harness, alice, bob),
      await startCall(harness, carol, dave),
    ];
    const legA = LEGS[Math.abs(round) % 2] ?? 'callee';
    const legB = LEGS[Math.abs(round >> 1) % 2] ?? 'callee';
    const [first, firstOther] = legA === 'caller' ? [alice, bob] : [bob, alice];
    const [second, secondOther] = legB === 'caller' ? [carol, dave] : [dave, carol];
    await attended.run(
      () => runCommand(harness, 'CallAttendedTransfer', { callidA, legA, callidB, legB }),
      async ({ notifications }) => {
        const newCallid = callidOf(notifications, 'TransferSuccessful');
        await expectCalls([first, [newCallid]], [second, [newCallid]], [firstOther, []], [secondOther, []]);
      },
    );
    callids.push(callidA, callidB);
    await endAll(harness, alice, bob, carol, dave);
  }
  attended.addTo(suite, 'CallAttendedTransfer, all legs');
  return callids;
}

/** Ends the calls of phones, so that the next round begins with idle ones. */
async function endAll(harness: OpenSipsHarness, ...phones: readonly Phone[]): Promise<void> {
  const callids = new Set(phones.flatMap(({ answeredCalls }) => answeredCalls));
  for (const callid of callids) {
    const text = errorText(await runCommand(harness, 'CallEnd', { callid }));
    if (text !== undefined) throw new Error(`CallEnd: ${text}`);
  }
  await expectCalls(...phones.map((phone) => [phone, []] as const));
}
