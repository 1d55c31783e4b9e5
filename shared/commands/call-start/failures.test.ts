import { describe, expect, it } from 'vitest';
import { CommandHarness, FIRST_CALL, NEW_CALL, type ScriptStep } from '../testing/command-harness.ts';
import {
  answeredInvite,
  dialogEvent,
  dialogPage,
  listedDialog,
  miError,
  miResult,
  NOT_REACHED_ERROR,
  noReply,
  notifyEvent,
  timer,
  transferEvent,
} from '../testing/inputs.ts';
import { callStart } from './call-start.ts';

const startCommand = () =>
  new CommandHarness(callStart, { caller: 'sip:alice@10.0.0.10', callee: 'sip:bob@10.0.0.11' });
const endFirst = `MI dlg_end_dlg ${FIRST_CALL}`;
const endNew = `MI dlg_end_dlg ${NEW_CALL}`;

/** The caller has answered, and the REFER is requested. */
const referred: ScriptStep[] = [
  [dialogEvent(FIRST_CALL, 1, 2), 'CallerRinging'],
  [dialogEvent(FIRST_CALL, 2, 3)],
  [dialogEvent(FIRST_CALL, 3, 4)],
  [miResult('invite', answeredInvite), 'CallerAnswered', `MI call_transfer ${FIRST_CALL}`],
];
const started: ScriptStep[] = [
  ...referred,
  [miResult('transfer', 'Accepted'), 'Transferring'],
  [transferEvent('start'), 'TransferStart'],
];
const finalSearch: ScriptStep = [timer('new-call'), 'MI dlg_list 0+12'];

describe('a CallStart that fails after CallerAnswered', () => {
  it.each<[string, ScriptStep[]]>([
    [
      'OpenSIPS refuses the REFER',
      [...referred, [miError('transfer', 491, 'Request Pending'), 'Error: 491 Request Pending', endFirst]],
    ],
    [
      'the phone rejects the transfer',
      [
        ...referred,
        [miResult('transfer', 'Accepted'), 'Transferring'],
        finalSearch,
        [miResult('list-dialogs', dialogPage(listedDialog('other'))), NOT_REACHED_ERROR, endFirst],
      ],
    ],
    [
      'the callee declines, so its leg has ended',
      [
        ...started,
        [dialogEvent(NEW_CALL, 1, 5)],
        [transferEvent('fail', '603 Decline'), 'Error: transfer failed with status 603 Decline', endFirst],
      ],
    ],
  ])('ends the first leg if %s', (_, rows) => {
    const harness = startCommand().run(
      ...rows,
      [miResult(`end ${FIRST_CALL}`, 'OK'), 'Ended'],
      [dialogEvent(FIRST_CALL, 4, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('also ends the new call if the callee does not answer in time', () => {
    const harness = startCommand().run(
      ...started,
      [dialogEvent(NEW_CALL, 1, 2)],
      [timer('destination'), 'Error: transfer failed with status 408 Request Timeout', endFirst, endNew],
      [miResult(`end ${FIRST_CALL}`, 'OK')],
      [miResult(`end ${NEW_CALL}`, 'OK'), 'Ended'],
    );
    expect(harness.notifications.at(-2)?.error).toEqual({
      code: -32012,
      message: 'transfer failed with status 408 Request Timeout',
    });
  });

  it('ends nothing if the caller has hung up the first leg', () => {
    const harness = startCommand().run(
      ...started,
      [dialogEvent(FIRST_CALL, 4, 5)],
      [dialogEvent(NEW_CALL, 1, 5)],
      [
        transferEvent('fail', '408 Request Timeout', { at: 5_000 }),
        'Error: transfer failed with status 408 Request Timeout',
        'Ended',
      ],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('repeats the request for a new call when it starts to ring', () => {
    const harness = startCommand().run(
      ...started,
      [timer('destination'), 'Error: transfer failed with status 408 Request Timeout', endFirst, endNew],
      [dialogEvent(FIRST_CALL, 4, 5)],
      [miResult(`end ${NEW_CALL}`, 'OK'), 'Ended'],
    );
    expect(harness.isFinished, 'it cannot be canceled yet').toBe(false);
    harness.run(
      [dialogEvent(NEW_CALL, 1, 2), endNew],
      [miResult(`end ${NEW_CALL}`, 'OK')],
      [dialogEvent(NEW_CALL, 2, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('sends a BYE to a callee who answers while the CANCEL is in transit', () => {
    const harness = startCommand().run(
      ...started,
      [dialogEvent(NEW_CALL, 1, 2)],
      [timer('destination'), 'Error: transfer failed with status 408 Request Timeout', endFirst, endNew],
      [dialogEvent(FIRST_CALL, 4, 5)],
      [miResult(`end ${NEW_CALL}`, 'OK'), 'Ended'],
      [dialogEvent(NEW_CALL, 2, 3), endNew],
      [miResult(`end ${NEW_CALL}`, 'OK')],
      [dialogEvent(NEW_CALL, 3, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('sends a BYE also if the event of the answer overtakes the OK to the CANCEL', () => {
    const harness = startCommand().run(
      ...started,
      [dialogEvent(NEW_CALL, 1, 2)],
      [timer('destination'), 'Error: transfer failed with status 408 Request Timeout', endFirst, endNew],
      [dialogEvent(FIRST_CALL, 4, 5)],
      [dialogEvent(NEW_CALL, 2, 3)],
      [miResult(`end ${NEW_CALL}`, 'OK'), endNew, 'Ended'],
      [miResult(`end ${NEW_CALL}`, 'OK')],
      [dialogEvent(NEW_CALL, 3, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('ends the call of a phone that follows the REFER too late when its first event arrives', () => {
    const harness = startCommand().run(
      ...referred,
      [miResult('transfer', 'Accepted'), 'Transferring'],
      finalSearch,
      [miResult('list-dialogs', dialogPage()), NOT_REACHED_ERROR, endFirst],
      [transferEvent('start'), endNew],
      [miResult(`end ${FIRST_CALL}`, 'OK')],
      [miError(`end ${NEW_CALL}`, 404, 'Requested Dialog not found'), 'Ended'],
      [dialogEvent(FIRST_CALL, 4, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('does not report a `notify` after `fail`', () => {
    startCommand().run(
      ...started,
      [
        transferEvent('fail', '603 Decline'),
        'Error: transfer failed with status 603 Decline',
        endFirst,
        endNew,
      ],
      [notifyEvent('603 Decline')],
    );
  });

  it('fails after the final search if the script rejects the callee, because there is no E_CALL_TRANSFER', () => {
    const harness = startCommand().run(
      ...referred,
      [miResult('transfer', 'Accepted'), 'Transferring'],
      [dialogEvent(FIRST_CALL, 4, 5)],
      [timer('search'), 'MI dlg_list 0+12'],
      [miResult('list-dialogs', dialogPage(listedDialog('other')))],
      [timer('search'), 'MI dlg_list 0+12'],
      [miResult('list-dialogs', dialogPage())],
      finalSearch,
      [miResult('list-dialogs', dialogPage()), NOT_REACHED_ERROR, 'Ended'],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('fails with an unknown outcome if the final search has no reply, and continues to search for the call', () => {
    const harness = startCommand().run(
      ...referred,
      [miResult('transfer', 'Accepted'), 'Transferring'],
      finalSearch,
      [noReply('list-dialogs')],
      [
        timer('final-search'),
        'Error: No usable reply of OpenSIPS to dlg_list: no reply arrived in time, so the result of the transfer is unknown. The command may or may not have been carried out.',
        endFirst,
      ],
      [miResult(`end ${FIRST_CALL}`, 'OK'), 'Ended'],
    );
    expect(harness.notifications.at(-2)?.error?.code).toBe(-32013);
    expect(harness.isFinished).toBe(false);
    expect(harness.timers.get('new-call')).toBe(10_000);
    harness.run(
      [dialogEvent(FIRST_CALL, 4, 5)],
      finalSearch,
      [
        miResult(
          'list-dialogs',
          dialogPage(listedDialog(NEW_CALL, { to_uri: `sip:bob@10.0.0.11;osid=id-of-${FIRST_CALL}` })),
        ),
        endNew,
      ],
      [miResult(`end ${NEW_CALL}`, 'OK')],
      [dialogEvent(NEW_CALL, 4, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });
});
