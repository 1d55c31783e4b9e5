import { describe, expect, it } from 'vitest';
import { CommandHarness, FIRST_CALL, type ScriptStep } from '../testing/command-harness.ts';
import {
  answeredInvite,
  dialogEvent,
  dialogPage,
  listedDialog,
  miError,
  miResult,
  NOT_REACHED_ERROR,
  noReply,
  notRun,
  resync,
  timer,
  transferEvent,
} from '../testing/inputs.ts';
import { callStart } from './call-start.ts';

const startCommand = () =>
  new CommandHarness(callStart, { caller: 'sip:alice@10.0.0.10', callee: 'sip:bob@10.0.0.11' });
const dialogRequest = `MI dlg_list ${FIRST_CALL}`;
const refer = `MI call_transfer ${FIRST_CALL}`;
const ringing: ScriptStep = [dialogEvent(FIRST_CALL, 1, 2), 'CallerRinging'];
const listed = (state: number) =>
  miResult('read-dialog', { Dialog: listedDialog(FIRST_CALL, { state, timestart: 0 }) });
const notListed = miError('read-dialog', 404, 'No such dialog');
const dialogPolled: ScriptStep = [timer('poll-dialog'), dialogRequest];
const noSuchCall = 'Error: failed to establish initial call: OpenSIPS does not know the call';
const hasEnded = 'Error: failed to establish initial call: the call has ended, and its SIP status was lost';

describe('a CallStart whose INVITE was not run', () => {
  it('fails immediately, with nothing to end', () => {
    const harness = startCommand().run([
      notRun('invite'),
      'Error: t_uac_dlg was not sent to OpenSIPS: no adapter was connected. The command was not carried out.',
      'Ended',
    ]);
    expect(harness.isFinished).toBe(true);
    expect(harness.notifications[0]?.error?.code).toBe(-32012);
  });
});

describe('a CallStart whose INVITE may have run never repeats it, but reads the dialog', () => {
  it('continues if an event has shown the answer, with the contact from the list', () => {
    startCommand().run(
      ringing,
      [dialogEvent(FIRST_CALL, 2, 3)],
      [noReply('invite'), dialogRequest],
      [listed(4), 'CallerAnswered', refer],
    );
  });

  it('reports from the list that the phone rings, once, if the event was lost', () => {
    startCommand().run(dialogPolled, [listed(2), 'CallerRinging'], [dialogEvent(FIRST_CALL, 1, 2)]);
  });

  it('reads the list immediately when an event shows the answer', () => {
    const harness = startCommand().run(
      ringing,
      [noReply('invite'), dialogRequest],
      [listed(2)],
      [dialogEvent(FIRST_CALL, 2, 3)],
    );
    expect(harness.timers.get('poll-dialog')).toBe(0);
    harness.run(dialogPolled, [listed(3), 'CallerAnswered'], [dialogEvent(FIRST_CALL, 3, 4), refer]);
  });

  it('continues if the list shows the answer', () => {
    startCommand().run([noReply('invite'), dialogRequest], [listed(4), 'CallerAnswered', refer]);
  });

  it('polls the dialog while it rings', () => {
    const harness = startCommand().run(ringing, [noReply('invite'), dialogRequest], [listed(2)]);
    expect(harness.timers.get('poll-dialog')).toBe(5_000);
    harness.run([timer('poll-dialog'), dialogRequest], [listed(4), 'CallerAnswered', refer]);
  });

  it('ends the call if it rings for too long', () => {
    startCommand().run(
      ringing,
      [noReply('invite'), dialogRequest],
      [listed(2)],
      [
        timer('caller'),
        'Error: failed to establish initial call: 408 Request Timeout',
        `MI dlg_end_dlg ${FIRST_CALL}`,
      ],
    );
  });

  it('fails if there is no such dialog, with nothing left behind', () => {
    const harness = startCommand().run(
      [noReply('invite'), dialogRequest],
      [notListed],
      dialogPolled,
      [notListed, noSuchCall, `MI dlg_end_dlg ${FIRST_CALL}`],
      [miError(`end ${FIRST_CALL}`, 404, 'Requested Dialog not found'), 'Ended'],
    );
    expect(harness.notifications[0]?.error?.code).toBe(-32014);
    expect(harness.isFinished).toBe(true);
  });

  it.each([
    ['as ended', listed(5)],
    ['no longer', notListed],
  ])('waits for the reply if the list has the dialog %s, because the reply has the reason', (_, list) => {
    const harness = startCommand().run(ringing);
    harness.run([resync], [timer('poll-dialog'), dialogRequest], [list]);
    expect(harness.timers.get('poll-dialog')).toBe(1_000);
    harness.run([
      miResult('invite', { Status: '408 Request Timeout' }),
      'Error: failed to establish initial call: 408 Request Timeout',
      'Ended',
    ]);
  });

  it('fails if the list shows the dialog as ended, because the answer is unknown', () => {
    startCommand().run([noReply('invite'), dialogRequest], [listed(5), hasEnded, 'Ended']);
  });

  it('does not report an answer if an event has shown the end of the dialog', () => {
    const harness = startCommand().run(
      ringing,
      [dialogEvent(FIRST_CALL, 2, 5)],
      [noReply('invite'), dialogRequest],
      [notListed, hasEnded, 'Ended'],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('finds the new call by the contact from the list', () => {
    const contact = 'sip:alice@10.0.0.5:5070';
    const dialogShown = listedDialog(FIRST_CALL, { CALLEES: [{ callee_contact: contact }] });
    const harness = startCommand().run(
      [noReply('invite'), dialogRequest],
      [miResult('read-dialog', { Dialog: dialogShown }), 'CallerAnswered', refer],
      [miResult('transfer', 'Accepted'), 'Transferring'],
      [dialogEvent(FIRST_CALL, 4, 5)],
      [timer('search'), 'MI dlg_list 0+12'],
      [
        miResult('list-dialogs', {
          Dialogs: [listedDialog('new', { caller_contact: contact, to_uri: 'sip:bob@10.0.0.11' })],
        }),
        'TransferStart',
        'CalleeAnswered',
        'Ended',
      ],
    );
    expect(harness.isFinished).toBe(true);
  });

  it.each([
    ['has no reply', noReply('read-dialog')],
    ['fails with another error than not found', miError('read-dialog', 500, 'Internal error')],
    ['has a malformed reply', miResult('read-dialog', 'nonsense')],
  ])('reads the dialog again for as long as the caller may ring if the request %s', (_, outcome) => {
    const harness = startCommand().run([noReply('invite'), dialogRequest], [outcome]);
    expect(harness.timers.get('poll-dialog')).toBe(5_000);
    harness.run(
      dialogPolled,
      [outcome],
      [
        timer('caller'),
        'Error: failed to establish initial call: 408 Request Timeout',
        `MI dlg_end_dlg ${FIRST_CALL}`,
      ],
    );
    expect(harness.isFinished).toBe(false);
  });
});

describe('a CallStart detects that its INVITE or the reply is lost', () => {
  it('reads the dialog after 5 s without an event', () => {
    const harness = startCommand();
    expect(harness.timers.get('poll-dialog')).toBe(5_000);
    harness.run(dialogPolled);
  });

  it('does not poll the dialog after it has rung', () => {
    expect(startCommand().run(ringing).timers.has('poll-dialog')).toBe(false);
    expect(
      startCommand()
        .run(dialogPolled, [listed(1)])
        .timers.has('poll-dialog'),
    ).toBe(false);
  });

  it('fails after two reads without the dialog, because the later request can arrive first', () => {
    const harness = startCommand().run(dialogPolled, [notListed]);
    expect(harness.timers.get('poll-dialog')).toBe(1_000);
    harness.run(
      dialogPolled,
      [notListed, noSuchCall, `MI dlg_end_dlg ${FIRST_CALL}`],
      [miError(`end ${FIRST_CALL}`, 404, 'Requested Dialog not found'), 'Ended'],
    );
    expect(harness.isFinished, 'a call that starts later must be ended').toBe(false);
    harness.run([dialogEvent(FIRST_CALL, 1, 2), `MI dlg_end_dlg ${FIRST_CALL}`]);
  });

  it('continues if the INVITE was only slow', () => {
    startCommand().run(
      dialogPolled,
      [notListed],
      ringing,
      [dialogEvent(FIRST_CALL, 2, 3)],
      [miResult('invite', answeredInvite), 'CallerAnswered'],
    );
  });

  it('reads the dialog if an event shows the answer and the reply does not arrive within a second', () => {
    const harness = startCommand().run(
      ringing,
      [dialogEvent(FIRST_CALL, 2, 3)],
      [dialogEvent(FIRST_CALL, 3, 4)],
    );
    expect(harness.timers.get('poll-dialog')).toBe(1_000);
    harness.run(dialogPolled, [listed(4), 'CallerAnswered', refer]);
    harness.run([miResult('invite', answeredInvite)]);
  });

  it('fails without a reason if an event shows the end and the reply does not arrive', () => {
    const harness = startCommand().run(ringing, [dialogEvent(FIRST_CALL, 2, 5)]);
    expect(harness.timers.get('poll-dialog')).toBe(1_000);
    harness.run(dialogPolled, [notListed], dialogPolled, [notListed, hasEnded, 'Ended']);
    expect(harness.isFinished).toBe(true);
  });

  it('ignores a list that was requested before the event, because the reply may still be in transit', () => {
    startCommand().run(
      dialogPolled,
      [dialogEvent(FIRST_CALL, 1, 5)],
      [notListed],
      [
        miResult('invite', { Status: '408 Request Timeout' }),
        'Error: failed to establish initial call: 408 Request Timeout',
        'Ended',
      ],
    );
  });

  it('does not read the dialog if the reply arrives within a second', () => {
    const harness = startCommand().run(
      ringing,
      [dialogEvent(FIRST_CALL, 2, 3)],
      [dialogEvent(FIRST_CALL, 3, 4)],
      [miResult('invite', answeredInvite), 'CallerAnswered', refer],
    );
    expect(harness.timers.has('poll-dialog')).toBe(false);
  });
});

describe('a CallStart reads its dialog on a resync', () => {
  it('a second later while the caller is called, because the reply may be in transit', () => {
    const harness = startCommand().run(ringing, [resync]);
    expect(harness.timers.get('poll-dialog')).toBe(1_000);
    harness.run(dialogPolled, [listed(4), 'CallerAnswered', refer]);
  });

  it('after the answer, and sends the REFER without the event of the ACK', () => {
    startCommand().run(
      [miResult('invite', answeredInvite)],
      [resync, dialogRequest],
      [listed(4), 'CallerAnswered', refer],
    );
  });

  it('after the answer, and waits if there was no ACK yet', () => {
    startCommand().run(
      [miResult('invite', answeredInvite)],
      [resync, dialogRequest],
      [listed(3), 'CallerAnswered'],
      [timer('ack'), refer],
    );
  });

  it('after the answer, and fails if the dialog has ended', () => {
    const harness = startCommand().run(
      ringing,
      [dialogEvent(FIRST_CALL, 2, 3)],
      [miResult('invite', answeredInvite), 'CallerAnswered'],
      [resync, dialogRequest],
      [notListed, 'Error: failed to establish initial call: the caller hung up', 'Ended'],
    );
    expect(harness.isFinished).toBe(true);
  });

  it.each([
    ['there is no reply', noReply('read-dialog')],
    ['there is another error', miError('read-dialog', 500, 'Internal error')],
  ])('after the answer, and continues if %s', (_, outcome) => {
    startCommand().run(
      [miResult('invite', answeredInvite)],
      [resync, dialogRequest],
      [outcome],
      [timer('ack'), 'CallerAnswered', refer],
    );
  });

  it('or repeats the request to end it', () => {
    startCommand().run(
      [
        timer('caller'),
        'Error: failed to establish initial call: 408 Request Timeout',
        `MI dlg_end_dlg ${FIRST_CALL}`,
      ],
      [miResult(`end ${FIRST_CALL}`, 'OK'), 'Ended'],
      [resync, `MI dlg_end_dlg ${FIRST_CALL}`],
    );
  });
});

describe('a CallStart whose REFER may have run', () => {
  const referred: ScriptStep[] = [
    [dialogEvent(FIRST_CALL, 1, 2), 'CallerRinging'],
    [dialogEvent(FIRST_CALL, 2, 3)],
    [dialogEvent(FIRST_CALL, 3, 4)],
    [miResult('invite', answeredInvite), 'CallerAnswered', refer],
  ];

  it('continues with the events in order', () => {
    startCommand().run(
      ...referred,
      [transferEvent('start')],
      [noReply('transfer'), refer],
      [miError('transfer', 491, 'Request Pending'), 'Transferring', 'TransferStart'],
    );
  });

  it('fails after 10 s if nothing happens', () => {
    const harness = startCommand().run(...referred, [noReply('transfer'), refer], [noReply('transfer')]);
    expect(harness.timers.get('new-call')).toBe(10_000);
    harness.run(
      [timer('new-call'), 'MI dlg_list 0+12'],
      [miResult('list-dialogs', dialogPage()), NOT_REACHED_ERROR, `MI dlg_end_dlg ${FIRST_CALL}`],
    );
  });

  it('waits half a minute for an adapter if the REFER was not run', () => {
    const retry: ScriptStep = [notRun('transfer'), refer];
    startCommand().run(...referred, retry, retry, retry, retry, retry, [
      notRun('transfer'),
      'Error: call_transfer was not sent to OpenSIPS: no adapter was connected. The command was not carried out.',
      `MI dlg_end_dlg ${FIRST_CALL}`,
    ]);
  });
});
