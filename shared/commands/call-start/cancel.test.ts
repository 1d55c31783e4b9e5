import { describe, expect, it } from 'vitest';
import { CommandHarness, FIRST_CALL, NEW_CALL, type ScriptStep } from '../testing/command-harness.ts';
import {
  answeredInvite,
  cancel,
  dialogEvent,
  dialogPage,
  listedDialog,
  miError,
  miResult,
  noReply,
  notRun,
  resync,
  timer,
  transferEvent,
} from '../testing/inputs.ts';
import { callStart } from './call-start.ts';

const startCommand = () =>
  new CommandHarness(callStart, { caller: 'sip:alice@10.0.0.10', callee: 'sip:bob@10.0.0.11' });
const endFirst = `MI dlg_end_dlg ${FIRST_CALL}`;
const endNew = `MI dlg_end_dlg ${NEW_CALL}`;
const notEstablished = 'Error: failed to establish initial call: 487 Request Terminated';
const notTransferred = 'Error: transfer failed with status 487 Request Terminated';
const ringing: ScriptStep = [dialogEvent(FIRST_CALL, 1, 2), 'CallerRinging'];
const terminated = { Status: '487 Request Terminated' };

describe('a CallEnd while the caller’s phone rings', () => {
  it('cancels the call, and `Ended` follows OpenSIPS’s reply', () => {
    const harness = startCommand().run(
      ringing,
      [cancel, notEstablished, endFirst],
      [miResult(`end ${FIRST_CALL}`, 'OK'), 'Ended'],
      [dialogEvent(FIRST_CALL, 2, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('finishes with the INVITE’s 487 if the event of its end is lost', () => {
    const harness = startCommand().run(
      ringing,
      [cancel, notEstablished, endFirst],
      [miResult(`end ${FIRST_CALL}`, 'OK'), 'Ended'],
      [miResult('invite', terminated)],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('hangs up if the phone has answered while the CANCEL was in transit', () => {
    const harness = startCommand().run(
      ringing,
      [cancel, notEstablished, endFirst],
      [miResult(`end ${FIRST_CALL}`, 'OK'), 'Ended'],
      [dialogEvent(FIRST_CALL, 2, 3), endFirst],
      [miResult('invite', answeredInvite)],
      [miResult(`end ${FIRST_CALL}`, 'OK')],
      [dialogEvent(FIRST_CALL, 3, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });
});

describe('a CallEnd before anything rings cannot cancel the INVITE', () => {
  /** OpenSIPS replies OK, and the INVITE continues (trace `caller-silent`). */
  const endWithoutEffect: ScriptStep[] = [
    [cancel, notEstablished, endFirst],
    [miResult(`end ${FIRST_CALL}`, 'OK'), 'Ended'],
  ];

  it('so the client receives `Ended`, and the leg is still followed', () => {
    const harness = startCommand().run(...endWithoutEffect);
    expect(harness.isFinished).toBe(false);
    expect(harness.followedCallids).toContain(FIRST_CALL);
  });

  it('the request is repeated when the phone rings, without a notification', () => {
    const harness = startCommand().run(
      ...endWithoutEffect,
      [dialogEvent(FIRST_CALL, 1, 2), endFirst],
      [miResult(`end ${FIRST_CALL}`, 'OK')],
      [dialogEvent(FIRST_CALL, 2, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('the phone gets a BYE if it answers without ringing', () => {
    const harness = startCommand().run(
      ...endWithoutEffect,
      [dialogEvent(FIRST_CALL, 1, 3), endFirst],
      [miResult('invite', answeredInvite)],
      [miResult(`end ${FIRST_CALL}`, 'OK')],
      [dialogEvent(FIRST_CALL, 3, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('the phone gets a BYE if only the reply shows its answer', () => {
    const harness = startCommand().run(
      ...endWithoutEffect,
      [miResult('invite', answeredInvite), endFirst],
      [miResult(`end ${FIRST_CALL}`, 'OK')],
      [dialogEvent(FIRST_CALL, 3, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('the request is repeated with increasing delays', () => {
    const harness = startCommand().run(...endWithoutEffect);
    const delays: (number | undefined)[] = [];
    for (let attempt = 0; attempt < 6; attempt++) {
      delays.push(harness.timers.get('end-retry'));
      harness.run([timer('end-retry'), endFirst], [miResult(`end ${FIRST_CALL}`, 'OK')]);
    }
    expect(delays).toEqual([500, 1_000, 2_000, 4_000, 8_000, 8_000]);
  });

  it('the command finishes with the INVITE', () => {
    const harness = startCommand().run(...endWithoutEffect, [
      miResult('invite', { Status: '408 Request Timeout' }),
    ]);
    expect(harness.isFinished).toBe(true);
  });

  it('"not found" may mean "not there yet" while the INVITE has no reply', () => {
    const harness = startCommand().run(
      [cancel, notEstablished, endFirst],
      [miError(`end ${FIRST_CALL}`, 404, 'Requested Dialog not found'), 'Ended'],
    );
    expect(harness.isFinished).toBe(false);
    harness.run([dialogEvent(FIRST_CALL, 1, 2), endFirst]);
  });

  it('"not found" from before the call started is ignored once it is answered', () => {
    startCommand().run(
      [cancel, notEstablished, endFirst],
      [miResult('invite', answeredInvite)],
      [miError(`end ${FIRST_CALL}`, 404, 'Requested Dialog not found'), endFirst, 'Ended'],
      [miResult(`end ${FIRST_CALL}`, 'OK')],
    );
  });

  it('the request is repeated on a resync, unless one is pending', () => {
    startCommand().run(
      ...endWithoutEffect,
      [resync, endFirst],
      [resync],
      [miResult(`end ${FIRST_CALL}`, 'OK')],
      [resync, endFirst],
    );
  });

  it('the command finishes if the INVITE’s reply is lost and OpenSIPS no longer knows the call', () => {
    const harness = startCommand().run(
      ...endWithoutEffect,
      [noReply('invite')],
      [timer('end-retry'), endFirst],
      [miError(`end ${FIRST_CALL}`, 404, 'Requested Dialog not found')],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('the command gives up after the longest life of an INVITE', () => {
    const harness = startCommand().run(...endWithoutEffect);
    expect(harness.timers.get('end-give-up')).toBe(200_000);
    harness.run([timer('end-give-up')]);
    expect(harness.isFinished).toBe(true);
  });
});

describe('a caller’s phone that rings too long', () => {
  it('is canceled like by a CallEnd, with the failure 408', () => {
    const harness = startCommand().run(
      ringing,
      [timer('caller'), 'Error: failed to establish initial call: 408 Request Timeout', endFirst],
      [miResult(`end ${FIRST_CALL}`, 'OK'), 'Ended'],
    );
    expect(harness.notifications.at(-2)?.error).toMatchObject({
      code: -32012,
    });
  });
});

describe('a CallEnd after the caller has answered', () => {
  const answered: ScriptStep[] = [
    ringing,
    [dialogEvent(FIRST_CALL, 2, 3)],
    [miResult('invite', answeredInvite), 'CallerAnswered'],
  ];
  const referred: ScriptStep[] = [
    ...answered,
    [dialogEvent(FIRST_CALL, 3, 4), `MI call_transfer ${FIRST_CALL}`],
  ];
  const started: ScriptStep[] = [
    ...referred,
    [miResult('transfer', 'Accepted'), 'Transferring'],
    [transferEvent('start'), 'TransferStart'],
  ];

  it('ends the first leg before the REFER', () => {
    const harness = startCommand().run(
      ...answered,
      [cancel, notEstablished, endFirst],
      [miResult(`end ${FIRST_CALL}`, 'OK'), 'Ended'],
      [dialogEvent(FIRST_CALL, 3, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('ends both legs while the callee rings, because the new call outlives the first (trace `end-mid-transfer`)', () => {
    const harness = startCommand().run(
      ...started,
      [dialogEvent(NEW_CALL, 1, 2)],
      [cancel, notTransferred, endFirst, endNew],
      [miResult(`end ${FIRST_CALL}`, 'OK')],
      [miResult(`end ${NEW_CALL}`, 'OK'), 'Ended'],
      [dialogEvent(FIRST_CALL, 4, 5)],
      [dialogEvent(NEW_CALL, 2, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('also ends a call that starts before the reply to the REFER', () => {
    startCommand().run(...referred, [transferEvent('start')], [cancel, notTransferred, endFirst, endNew]);
  });

  it('ends a call that starts after `Accepted` when its first event arrives', () => {
    const harness = startCommand().run(
      ...referred,
      [miResult('transfer', 'Accepted'), 'Transferring'],
      [cancel, notTransferred, endFirst],
      [transferEvent('start'), endNew],
      [miResult(`end ${FIRST_CALL}`, 'OK')],
      [miResult(`end ${NEW_CALL}`, 'OK'), 'Ended'],
      [dialogEvent(FIRST_CALL, 4, 5)],
      [dialogEvent(NEW_CALL, 1, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('searches for the new call of a phone that has hung up the first leg, and ends it', () => {
    const found = listedDialog(NEW_CALL, { state: 2, to_uri: `sip:bob@10.0.0.11;osid=id-of-${FIRST_CALL}` });
    const harness = startCommand().run(
      ...referred,
      [miResult('transfer', 'Accepted'), 'Transferring'],
      [dialogEvent(FIRST_CALL, 4, 5)],
      [cancel, notTransferred, 'Ended'],
      [timer('search'), 'MI dlg_list 0+12'],
      [miResult('list-dialogs', dialogPage(found)), endNew],
      [miResult(`end ${NEW_CALL}`, 'OK')],
      [dialogEvent(NEW_CALL, 2, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('stops the search 10 s after `Accepted` if no call starts', () => {
    const harness = startCommand().run(
      ...referred,
      [miResult('transfer', 'Accepted'), 'Transferring'],
      [cancel, notTransferred, endFirst],
      [miResult(`end ${FIRST_CALL}`, 'OK'), 'Ended'],
      [dialogEvent(FIRST_CALL, 4, 5)],
    );
    expect(harness.isFinished).toBe(false);
    harness.run([timer('new-call'), 'MI dlg_list 0+12'], [miResult('list-dialogs', dialogPage())]);
    expect(harness.isFinished).toBe(true);
  });

  it('stops the search later if the final search has no reply', () => {
    const harness = startCommand().run(
      ...referred,
      [miResult('transfer', 'Accepted'), 'Transferring'],
      [cancel, notTransferred, endFirst],
      [miResult(`end ${FIRST_CALL}`, 'OK'), 'Ended'],
      [dialogEvent(FIRST_CALL, 4, 5)],
      [timer('new-call'), 'MI dlg_list 0+12'],
      [noReply('list-dialogs')],
    );
    expect(harness.isFinished).toBe(false);
    harness.run([timer('search'), 'MI dlg_list 0+12'], [miResult('list-dialogs', dialogPage())]);
    expect(harness.isFinished).toBe(true);
  });

  it('searches for a call that may have started while events were lost, and ends it', () => {
    startCommand().run(
      ...referred,
      [miResult('transfer', 'Accepted'), 'Transferring'],
      [cancel, notTransferred, endFirst],
      [resync, 'MI dlg_list 0+12'],
      [
        miResult(
          'list-dialogs',
          dialogPage(
            listedDialog(NEW_CALL, { state: 2, to_uri: `sip:bob@10.0.0.11;osid=id-of-${FIRST_CALL}` }),
          ),
        ),
        endNew,
      ],
    );
  });

  it('does not repeat a REFER whose reply is lost, but searches for its call', () => {
    const harness = startCommand().run(
      ...referred,
      [cancel, notTransferred, endFirst],
      [noReply('transfer')],
      [miResult(`end ${FIRST_CALL}`, 'OK'), 'Ended'],
      [timer('search'), 'MI dlg_list 0+12'],
    );
    expect(harness.isFinished).toBe(false);
  });

  it('does not search after a REFER that was not run', () => {
    const harness = startCommand().run(
      ...referred,
      [cancel, notTransferred, endFirst],
      [notRun('transfer')],
      [miResult(`end ${FIRST_CALL}`, 'OK'), 'Ended'],
      [dialogEvent(FIRST_CALL, 4, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('right after CalleeAnswered also ends the new call', () => {
    const harness = startCommand().run(
      ...started,
      [dialogEvent(NEW_CALL, 1, 2)],
      [dialogEvent(NEW_CALL, 2, 3)],
      [transferEvent('ok', '200 OK'), 'CalleeAnswered', endFirst],
      [cancel, endNew],
      [miResult(`end ${FIRST_CALL}`, 'OK')],
      [miResult(`end ${NEW_CALL}`, 'OK'), 'Ended'],
      [dialogEvent(FIRST_CALL, 4, 5)],
      [dialogEvent(NEW_CALL, 4, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('has no further effect if it is repeated', () => {
    startCommand().run(...started, [cancel, notTransferred, endFirst, endNew], [cancel]);
  });
});
