import { describe, expect, it } from 'vitest';
import { CommandHarness, FIRST_CALL, NEW_CALL, type ScriptStep } from '../testing/command-harness.ts';
import { dialogEvent, listedDialog, miError, miResult, timer, transferEvent } from '../testing/inputs.ts';
import { callAttendedTransfer } from './call-attended-transfer.ts';

const OTHER = 'other@phone';
const legs = { callidA: FIRST_CALL, legA: 'callee', callidB: OTHER, legB: 'callee' } as const;
const accepted: ScriptStep = [miResult('transfer', 'Accepted'), 'Transferring'];

describe('CallAttendedTransfer', () => {
  it('requests the transfer with both calls and both legs, and with a destination if the client gave one', () => {
    const params = { callid: FIRST_CALL, leg: 'callee', transfer_callid: OTHER, transfer_leg: 'callee' };
    expect(new CommandHarness(callAttendedTransfer, legs).pendingRequests.get('transfer')?.params).toEqual(
      params,
    );
    const destination = 'sip:dave@10.0.0.13';
    expect(
      new CommandHarness(callAttendedTransfer, { ...legs, destination }).pendingRequests.get('transfer')
        ?.params,
    ).toEqual({ ...params, destination });
  });

  it('sends all documented notifications and ends the old call', () => {
    const harness = new CommandHarness(callAttendedTransfer, legs).run(
      accepted,
      [transferEvent('start'), 'TransferStart'],
      [dialogEvent(NEW_CALL, 2, 3)],
      [transferEvent('ok', '200 OK')],
      [dialogEvent(OTHER, 4, 5), 'TransferSuccessful', `MI dlg_end_dlg ${FIRST_CALL}`],
      [miResult(`end ${FIRST_CALL}`, 'OK'), 'Ended'],
      [dialogEvent(FIRST_CALL, 4, 5)],
    );
    expect(harness.notifications).toEqual([
      { event: 'Transferring' },
      { event: 'TransferStart', data: { callid: NEW_CALL, destination: 'sip:bob@10.0.0.7' } },
      { event: 'TransferSuccessful', data: { callid: NEW_CALL, destination: 'sip:bob@10.0.0.7' } },
      { event: 'Ended' },
    ]);
    expect(harness.isFinished).toBe(true);
  });

  it('ignores the second set of events that OpenSIPS raises for the other call', () => {
    new CommandHarness(callAttendedTransfer, legs).run(
      accepted,
      [transferEvent('start', '', { callid: OTHER })],
      [transferEvent('start'), 'TransferStart'],
      [transferEvent('ok', '200 OK', { callid: OTHER })],
    );
  });

  it('succeeds if the event of the other call’s end is lost: the call is read', () => {
    const answered: ScriptStep[] = [
      accepted,
      [transferEvent('ok', '200 OK'), 'TransferStart'],
      [timer('replaced'), `MI dlg_list ${OTHER}`],
    ];
    const success = ['TransferSuccessful', `MI dlg_end_dlg ${FIRST_CALL}`];
    new CommandHarness(callAttendedTransfer, legs).run(...answered, [
      miError('read-replaced', 404, 'No such dialog'),
      ...success,
    ]);
    new CommandHarness(callAttendedTransfer, legs).run(...answered, [
      miResult('read-replaced', { Dialog: listedDialog(OTHER, { state: 5 }) }),
      ...success,
    ]);
  });

  it('names the three calls if a phone without Replaces has placed a plain call', () => {
    const harness = new CommandHarness(callAttendedTransfer, legs).run(
      accepted,
      [transferEvent('start'), 'TransferStart'],
      [dialogEvent(FIRST_CALL, 4, 5)],
      [transferEvent('ok', '200 OK')],
      [timer('replaced'), `MI dlg_list ${OTHER}`],
      [
        miResult('read-replaced', { Dialog: listedDialog(OTHER) }),
        `Error: transfer failed: the phone probably does not support Replaces: it has called sip:bob@10.0.0.7, and the call to be replaced goes on. New call ${NEW_CALL}: answered. Transferred call ${FIRST_CALL}: ended. Call to be replaced ${OTHER}: active.`,
        'Ended',
      ],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('leaves both calls active if the other phone refuses', () => {
    const harness = new CommandHarness(callAttendedTransfer, legs).run(
      accepted,
      [transferEvent('start'), 'TransferStart'],
      [dialogEvent(NEW_CALL, 1, 5)],
      [transferEvent('fail', '486 Busy Here'), 'Error: transfer failed with status 486 Busy Here', 'Ended'],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('ends the new call if the other phone never answers, and leaves both calls active', () => {
    const harness = new CommandHarness(callAttendedTransfer, legs).run(
      accepted,
      [transferEvent('start'), 'TransferStart'],
      [dialogEvent(NEW_CALL, 1, 2)],
      [
        timer('destination'),
        'Error: transfer failed with status 408 Request Timeout',
        `MI dlg_end_dlg ${NEW_CALL}`,
      ],
      [timer('end-timeout'), 'Ended'],
      [dialogEvent(NEW_CALL, 2, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('treats "not found" for the old call as success', () => {
    const harness = new CommandHarness(callAttendedTransfer, legs).run(
      accepted,
      [dialogEvent(OTHER, 4, 5)],
      [transferEvent('ok', '200 OK'), 'TransferStart', 'TransferSuccessful', `MI dlg_end_dlg ${FIRST_CALL}`],
      [miError(`end ${FIRST_CALL}`, 404, 'Requested Dialog not found'), 'Ended'],
    );
    expect(harness.isFinished).toBe(true);
  });
});
