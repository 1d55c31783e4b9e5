/** The system under test of the long suite, and what its parts share. @module */
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { callidOf, eventNames, type Notification } from '../../harness/client.ts';
import { waitUntil } from '../../harness/stack.ts';
import { type HarnessOptions, OpenSipsHarness } from '../harness.ts';
import type { Phone } from '../phone.ts';
import type { BehaviorName } from '../phone-behavior.ts';
import type { Report } from './report.ts';
import type { SearchResult } from './search.ts';

export type Leg = 'caller' | 'callee';
export const LEGS: readonly Leg[] = ['caller', 'callee'];

/** What all parts get. */
export interface Suite {
  /** The version of OpenSIPS: `3.6`. */
  readonly version: string;
  readonly report: Report;
  readonly search: SearchResult;
  /** Returns how many of so many attempts this run makes. */
  scale(count: number): number;
}

export type Part = (suite: Suite) => Promise<void>;

/** Two phones in a call. */
export interface ConnectedCall {
  readonly alice: Phone;
  readonly bob: Phone;
  readonly callid: string;
}

/** A command that has ended. */
export interface Outcome {
  readonly notifications: readonly Notification[];
  /** From the request to `Ended`. */
  readonly ms: number;
}

/** OpenSIPS 3.4 and 3.5 cannot send the headers of a REFER, so transfers use callops there. */
export const hasRefer = ({ version }: Suite): boolean => !/^3\.[0-5]$/.test(version);

/** How long phones may take to reach the state that a command has reported. */
const SETTLE_TIMEOUT_MS = 5_000;
/** `fr_timeout` of the script, in seconds. */
const FR_TIMEOUT_S = '5';

let rigCount = 0;

/** Runs a part of the suite on a system of its own, then searches what it has written. Throws if OpenSIPS has died. */
export async function withRig(
  suite: Suite,
  options: HarnessOptions,
  run: (harness: OpenSipsHarness) => Promise<readonly string[]>,
): Promise<void> {
  const adapterEnv = { FR_TIMEOUT: FR_TIMEOUT_S, LOG_LEVEL: 'trace', ...options.adapterEnv };
  await using harness = await OpenSipsHarness.open({ ...options, adapterEnv });
  const callids = await run(harness);
  harness.opensips.assertAlive();
  rigCount += 1;
  writeFileSync(join(tmpdir(), `adapter-${rigCount}.log`), harness.adapter.log());
  suite.search.run(callids);
}

/** Connects two phones with a CallStart. Throws if they are not in that call afterwards. */
export async function connectPhones(
  harness: OpenSipsHarness,
  caller: BehaviorName = 'keep',
  callee: BehaviorName = 'keep',
): Promise<ConnectedCall> {
  const [alice, bob] = [await harness.openPhone(caller), await harness.openPhone(callee)];
  const { callid } = await startCall(harness, alice, bob);
  return { alice, bob, callid };
}

/** Connects two phones with a CallStart. Throws if they are not in that call afterwards. */
export async function startCall(
  harness: OpenSipsHarness,
  alice: Phone,
  bob: Phone,
): Promise<Outcome & { callid: string }> {
  const outcome = await runCommand(harness, 'CallStart', { caller: alice.uri, callee: bob.uri });
  throwError(outcome);
  const callid = callidOf(outcome.notifications, 'CalleeAnswered');
  await expectCalls([alice, [callid]], [bob, [callid]]);
  return { ...outcome, callid };
}

/** Runs a command to its end. */
export async function runCommand(harness: OpenSipsHarness, method: string, params: object): Promise<Outcome> {
  const startedAt = performance.now();
  const notifications = await harness.client.runToEnd(method, params);
  return { notifications, ms: performance.now() - startedAt };
}

/** Returns the text of a command's error, or nothing if it has succeeded. */
export function errorText({ notifications }: Pick<Outcome, 'notifications'>): string | undefined {
  const error = notifications.find(({ event }) => event === 'Error');
  return error && String(error.data);
}

/** Throws if a command has failed or has not ended with one `Ended`. */
export function throwError(outcome: Outcome): void {
  const text = errorText(outcome);
  if (text !== undefined) throw new Error(text);
  const events = eventNames(outcome.notifications);
  if (events.filter((event) => event === 'Ended').length !== 1 || events.at(-1) !== 'Ended')
    throw new Error(`ended as ${events.join(', ')}`);
}

/** Throws unless each phone has exactly these answered calls soon, and no BYE of it was refused. */
export async function expectCalls(
  ...expected: readonly (readonly [Phone, readonly string[]])[]
): Promise<void> {
  await settle(
    () => expected.every(([phone, callids]) => phone.answeredCalls.join() === callids.join()),
    () => `phones are in [${expected.map(([phone]) => phone.answeredCalls.join()).join('], [')}]`,
  );
  if (expected.some(([{ refusedByes }]) => refusedByes.length > 0)) throw new Error('a BYE was refused');
}

/** Throws with `describe()` unless a condition holds soon. */
export async function settle(
  condition: () => boolean | Promise<boolean>,
  describe: () => string,
): Promise<void> {
  const deadline = performance.now() + SETTLE_TIMEOUT_MS;
  let isSettled = false;
  await waitUntil(async () => {
    isSettled = await condition();
    return isSettled || performance.now() > deadline;
  });
  // Call-IDs differ in each run, and would keep equal problems apart.
  if (!isSettled) throw new Error(describe().replace(/[\da-f]{8,}(-[\da-f]{4,})*/g, '…'));
}

/** Runs an attempt several times, one after another. Returns what was wrong. */
export async function repeat(count: number, attempt: (round: number) => Promise<void>): Promise<string[]> {
  const problems: string[] = [];
  for (let round = 0; round < count; round += 1)
    await attempt(round).catch((error: unknown) => problems.push(String(error)));
  return problems;
}
