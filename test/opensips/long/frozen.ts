/** Phones that lose their network at each step of each command. @module */
import type { OpenSipsHarness } from '../harness.ts';
import { FROZEN_SCENARIOS, type FrozenScenario } from './frozen-scenarios.ts';
import { type Part, runCommand, type Suite, settle, withRig } from './rig.ts';

const FROZEN_PHONES = 200;
/** What the adapter needs at most for the reply of OpenSIPS, beyond its timer. */
const MARGIN_MS = 5_000;

export const runFrozenPhones: Part = async (suite) => {
  await withRig(suite, {}, async (harness) => {
    await Promise.all(FROZEN_SCENARIOS.map((scenario) => runScenario(suite, harness, scenario)));
    return [];
  });
  await withRig(suite, {}, (harness) => measureEndBesideFrozenPhones(suite, harness));
};

async function runScenario(suite: Suite, harness: OpenSipsHarness, scenario: FrozenScenario): Promise<void> {
  const { name, expected, expectedWithCallops, limitMs } = scenario;
  const { report } = suite;
  try {
    const { ms, result } = await scenario.run(harness);
    harness.opensips.assertAlive();
    const isExpected = expected.test(result) || (expectedWithCallops?.test(result) ?? false);
    const isInTime = ms <= limitMs + MARGIN_MS;
    report.check(name, isExpected && isInTime, `${(ms / 1_000).toFixed(1)} s: ${result}`);
  } catch (error) {
    report.check(name, false, String(error));
  }
}

/** While many phones leave a hold unanswered, another call is ended again and again. */
async function measureEndBesideFrozenPhones(suite: Suite, harness: OpenSipsHarness): Promise<string[]> {
  const count = suite.scale(FROZEN_PHONES);
  const caller = await harness.openPhone();
  const [alice, bob] = [await harness.openPhone(), await harness.openPhone()];
  const callids: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const callee = await harness.openPhone();
    callids.push((await caller.dial(callee.uri)).callid);
    callee.freeze();
  }
  const endCall = async () => {
    const { callid } = await alice.dial(bob.uri);
    const { ms } = await runCommand(harness, 'CallEnd', { callid });
    await settle(
      () => alice.isIdle && bob.isIdle,
      () => 'the call of CallEnd stands',
    );
    return ms;
  };
  const aloneMs: number[] = [];
  for (let n = 0; n < 10; n += 1) aloneMs.push(await endCall());

  let pending = count;
  const holds = await Promise.all(
    callids.map((callid) => harness.client.start('CallHold', { callid, leg: 'callee' })),
  );
  const ended = holds.map((hold) => hold.ended.finally(() => (pending -= 1)));
  const besideMs: number[] = [];
  const pendingAt: number[] = [];
  while (pending > 0 && besideMs.length < 50) {
    pendingAt.push(pending);
    besideMs.push(await endCall());
  }
  const outcomes = (await Promise.all(ended)).map((notifications) =>
    String(notifications.find(({ event }) => event === 'Error')?.data ?? 'success').replace(
      /[\da-f]{16}/g,
      '…',
    ),
  );
  suite.report.time('CallEnd with no other phone', aloneMs);
  suite.report.time(`CallEnd beside ${pendingAt[0]} to ${pendingAt.at(-1)} pending holds`, besideMs, 200);
  for (const [text, { length }] of Map.groupBy(outcomes, (outcome) => outcome))
    suite.report.check(`${length} holds ended with`, text.includes('408'), text);
  return callids;
}
