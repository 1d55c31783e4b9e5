/** Three transfers of one call in a row: to a busy phone, to one that is not registered, and to one that answers. @module */
import { callidOf } from '../../harness/client.ts';
import type { OpenSipsHarness } from '../harness.ts';
import type { Phone } from '../phone.ts';
import {
  connectPhones,
  errorText,
  expectCalls,
  hasRefer,
  LEGS,
  type Leg,
  type Part,
  repeat,
  runCommand,
  type Suite,
  settle,
  throwError,
  withRig,
} from './rig.ts';

const ATTEMPTS = 40;

export const runTransfersInARow: Part = (suite) =>
  withRig(suite, {}, async (harness) => {
    const [busy, carol] = [await harness.openPhone('busy'), await harness.openPhone()];
    const callids: string[] = [];
    const targets = { busy, carol };
    for (const isAfterCallops of [false, true]) {
      const count = suite.scale(ATTEMPTS);
      const problems = await repeat(count, async (round) => {
        const leg = LEGS[round % 2] ?? 'callee';
        if (hasRefer(suite)) callids.push(await transferThreeTimes(harness, targets, leg, isAfterCallops));
        else callids.push(await transferWithCallops(harness, targets, leg, isAfterCallops));
      });
      suite.report.count(nameOf(suite, isAfterCallops), count, problems);
    }
    return callids;
  });

function nameOf(suite: Suite, isAfterCallops: boolean): string {
  const before = isAfterCallops ? 'after call_transfer: ' : '';
  return hasRefer(suite)
    ? `${before}486, 404, answered`
    : `${before}callops allows one transfer of a call: ${isAfterCallops ? '491' : '486, then 491'}`;
}

interface Targets {
  readonly busy: Phone;
  readonly carol: Phone;
}

async function transferThreeTimes(
  harness: OpenSipsHarness,
  { busy, carol }: Targets,
  leg: Leg,
  isAfterCallops: boolean,
): Promise<string> {
  const { alice, bob, callid } = await connectPhones(harness);
  if (isAfterCallops) await failWithCallops(harness, callid, leg, busy);
  await expectTransferError(harness, callid, leg, busy.uri, /^transfer failed with status 486 Busy Here$/);
  await expectTransferError(
    harness,
    callid,
    leg,
    harness.unregisteredUri,
    /^transfer failed with status 404 Not Found$/,
  );
  await expectCalls([alice, [callid]], [bob, [callid]]);
  const outcome = await runCommand(harness, 'CallBlindTransfer', { callid, leg, destination: carol.uri });
  throwError(outcome);
  const newCallid = callidOf(outcome.notifications, 'TransferSuccessful');
  const [transferred, other] = leg === 'caller' ? [alice, bob] : [bob, alice];
  await expectCalls([transferred, [newCallid]], [carol, [newCallid]], [other, []]);
  await runCommand(harness, 'CallEnd', { callid: newCallid });
  await expectCalls([transferred, []], [carol, []]);
  return newCallid;
}

/** With OpenSIPS 3.4 the first transfer fails with the phone's status, and all later ones are refused. The call stands. */
async function transferWithCallops(
  harness: OpenSipsHarness,
  { busy, carol }: Targets,
  leg: Leg,
  isAfterCallops: boolean,
): Promise<string> {
  const { alice, bob, callid } = await connectPhones(harness);
  if (isAfterCallops) await failWithCallops(harness, callid, leg, busy);
  else
    await expectTransferError(harness, callid, leg, busy.uri, /^transfer failed with status 486 Busy Here$/);
  await expectTransferError(harness, callid, leg, carol.uri, /491|once/);
  await expectCalls([alice, [callid]], [bob, [callid]]);
  await runCommand(harness, 'CallEnd', { callid });
  return callid;
}

async function expectTransferError(
  harness: OpenSipsHarness,
  callid: string,
  leg: Leg,
  destination: string,
  expected: RegExp,
): Promise<void> {
  const text = errorText(await runCommand(harness, 'CallBlindTransfer', { callid, leg, destination }));
  if (text === undefined || !expected.test(text))
    throw new Error(`not ${expected.source}: ${text ?? 'success'}`);
}

/** Lets the command of callops fail, after which it refuses this call for good. */
async function failWithCallops(
  harness: OpenSipsHarness,
  callid: string,
  leg: Leg,
  busy: Phone,
): Promise<void> {
  const { opensips } = harness;
  const reply = await opensips.requestMi('call_transfer', { callid, leg, destination: busy.uri });
  if (reply.error) throw new Error(`call_transfer: ${reply.error.message}`);
  await settle(
    () => opensips.transferEvents.some((event) => event['callid'] === callid && event['state'] === 'fail'),
    () => 'call_transfer did not fail',
  );
}
