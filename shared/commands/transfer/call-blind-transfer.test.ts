import { describe, expect, it } from 'vitest';
import { CommandHarness, FIRST_CALL, NEW_CALL, type ScriptStep } from '../testing/command-harness.ts';
import { dialogEvent, miError, miResult, notifyEvent, timer, transferEvent } from '../testing/inputs.ts';
import { callBlindTransfer } from './call-blind-transfer.ts';

const startCommand = () =>
  new CommandHarness(callBlindTransfer, {
    callid: FIRST_CALL,
    leg: 'caller',
    destination: 'sip:carol@10.0.0.12',
  });
const succeeded: ScriptStep[] = [
  [miResult('transfer', 'Accepted'), 'Transferring'],
  [transferEvent('start'), 'TransferStart'],
  [transferEvent('ok', '200 OK'), 'TransferSuccessful', `MI dlg_end_dlg ${FIRST_CALL}`],
];

describe('CallBlindTransfer', () => {
  it('transfers the requested leg', () => {
    expect(startCommand().pendingRequests.get('transfer')?.params).toEqual({
      callid: FIRST_CALL,
      leg: 'caller',
      destination: 'sip:carol@10.0.0.12',
    });
  });

  it('sends all documented notifications', () => {
    const destination = 'sip:bob@10.0.0.7';
    const harness = startCommand().run(
      [miResult('transfer', 'Accepted'), 'Transferring'],
      [transferEvent('start'), 'TransferStart'],
      [notifyEvent('180 Ringing'), 'TransferPending'],
      [dialogEvent(FIRST_CALL, 4, 5)],
      [transferEvent('ok', '200 OK'), 'TransferSuccessful', 'Ended'],
    );
    expect(harness.notifications).toEqual([
      { event: 'Transferring', data: { destination: 'sip:carol@10.0.0.12' } },
      { event: 'TransferStart', data: { callid: NEW_CALL, destination } },
      { event: 'TransferPending', data: { callid: NEW_CALL, destination, extra: '180 Ringing' } },
      { event: 'TransferSuccessful', data: { callid: NEW_CALL, destination } },
      { event: 'Ended' },
    ]);
    expect(harness.isFinished).toBe(true);
  });

  it('ends the old call', () => {
    const harness = startCommand().run(...succeeded, [miResult(`end ${FIRST_CALL}`, 'OK'), 'Ended']);
    expect(harness.isFinished, 'OpenSIPS has only queued the BYE').toBe(false);
    harness.run([dialogEvent(FIRST_CALL, 4, 5)]);
    expect(harness.isFinished).toBe(true);
  });

  it('treats "not found" for the old call as success: the phone has hung up by itself', () => {
    const harness = startCommand().run(...succeeded, [
      miError(`end ${FIRST_CALL}`, 404, 'Requested Dialog not found'),
      'Ended',
    ]);
    expect(harness.isFinished).toBe(true);
  });

  it('sends `Ended` after 2 s without a reply, and repeats the request', () => {
    const harness = startCommand().run(...succeeded);
    expect(harness.timers.get('end-timeout')).toBe(2_000);
    harness.run(
      [timer('end-timeout'), 'Ended'],
      [miError(`end ${FIRST_CALL}`, 500, 'Internal error')],
      [timer('end-retry'), `MI dlg_end_dlg ${FIRST_CALL}`],
    );
  });

  it('leaves the old call active if the transfer fails', () => {
    const harness = startCommand().run(
      [miResult('transfer', 'Accepted'), 'Transferring'],
      [
        transferEvent('fail', '486 Busy Here'),
        'TransferStart',
        'Error: transfer failed with status 486 Busy Here',
        'Ended',
      ],
    );
    expect(harness.isFinished).toBe(true);
  });
});
