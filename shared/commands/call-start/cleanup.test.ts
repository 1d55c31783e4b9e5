/** What the reply to the INVITE says about the leg that a CallStart cleans up. */
import { expect, it } from 'vitest';
import { CommandHarness, FIRST_CALL, type ScriptStep } from '../testing/command-harness.ts';
import { cancel, dialogEvent, miError, miResult, notRun } from '../testing/inputs.ts';
import { callStart } from './call-start.ts';

const endFirst = `MI dlg_end_dlg ${FIRST_CALL}`;
const canceled: ScriptStep[] = [
  [cancel, 'Error: failed to establish initial call: 487 Request Terminated', endFirst],
  [miError(`end ${FIRST_CALL}`, 404, 'Requested Dialog not found'), 'Ended'],
];
const startCanceled = () =>
  new CommandHarness(callStart, { caller: 'sip:alice@10.0.0.10', callee: 'sip:bob@10.0.0.11' }).run(
    ...canceled,
  );

it('an INVITE that was not run leaves nothing to end', () => {
  expect(startCanceled().run([notRun('invite')]).isFinished).toBe(true);
});

it('a reply that says nothing is no refusal: the leg is ended when it shows', () => {
  const harness = startCanceled().run([miResult('invite', 'OK')]);
  expect(harness.isFinished).toBe(false);
  harness.run([dialogEvent(FIRST_CALL, 1, 2), endFirst]);
});
