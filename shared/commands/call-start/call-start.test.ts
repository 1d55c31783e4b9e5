import { describe, expect, it } from 'vitest';
import { ACK_TIMEOUT_MS } from '../deadlines.ts';
import { CommandHarness, FIRST_CALL, NEW_CALL, type ScriptStep } from '../testing/command-harness.ts';
import {
  answeredInvite,
  dialogEvent,
  miError,
  miResult,
  notifyEvent,
  timer,
  transferEvent,
} from '../testing/inputs.ts';
import { callStart } from './call-start.ts';

const caller = 'sip:alice@10.0.0.10';
const callee = 'sip:bob@10.0.0.11';
const startCommand = (timeout?: number) =>
  new CommandHarness(callStart, { caller, callee, ...(timeout === undefined ? {} : { timeout }) });

const ringing: ScriptStep = [dialogEvent(FIRST_CALL, 1, 2), 'CallerRinging'];
const answering: ScriptStep = [dialogEvent(FIRST_CALL, 2, 3)];
const accepted: ScriptStep = [miResult('transfer', 'Accepted'), 'Transferring'];

/** All steps up to the REFER. */
const referred: ScriptStep[] = [
  ringing,
  answering,
  [miResult('invite', answeredInvite), 'CallerAnswered'],
  [dialogEvent(FIRST_CALL, 3, 4), `MI call_transfer ${FIRST_CALL}`],
];

describe('CallStart', () => {
  it('calls the caller with an INVITE that passes the routing script and shows the callee', () => {
    const harness = startCommand();
    expect(harness.startOutcome).toContain(`MI t_uac_dlg ${caller}`);
    const invite = harness.pendingRequests.get('invite');
    expect(invite?.params).toMatchObject({ method: 'INVITE', ruri: caller, next_hop: 'sip:10.0.0.1:5060' });
    const headers = invite?.method === 't_uac_dlg' ? invite.params.headers : '';
    expect(headers.split('\r\n')).toEqual([
      `From: <${caller}>`,
      `To: <${callee}>`,
      'Contact: <sip:call-api@10.0.0.1:5060>',
      'Content-Type: application/sdp',
      'CSeq: 1 INVITE',
      `Call-Id: ${FIRST_CALL}`,
      '',
    ]);
  });

  it('lets the phone ring for 60 s, or for as long as the client requests', () => {
    expect(startCommand().timers.get('caller')).toBe(60_000);
    expect(startCommand(5).timers.get('caller')).toBe(5_000);
  });

  it('stops the ring timer when the phone answers', () => {
    expect(
      startCommand()
        .run([miResult('invite', answeredInvite)])
        .timers.has('caller'),
    ).toBe(false);
  });

  it('sends all documented notifications with their data', () => {
    const harness = startCommand().run(
      ...referred,
      accepted,
      [transferEvent('start'), 'TransferStart'],
      [notifyEvent('180 Ringing'), 'TransferPending'],
      [dialogEvent(NEW_CALL, 2, 3)],
      [transferEvent('ok', '200 OK'), 'CalleeAnswered', `MI dlg_end_dlg ${FIRST_CALL}`],
      [miResult(`end ${FIRST_CALL}`, 'OK'), 'Ended'],
      [dialogEvent(FIRST_CALL, 4, 5)],
    );
    expect(harness.notifications).toEqual([
      { event: 'CallerRinging', data: { caller, callee } },
      { event: 'CallerAnswered', data: { caller, callee } },
      { event: 'Transferring', data: { caller, destination: callee } },
      { event: 'TransferStart', data: { callid: NEW_CALL, caller, callee } },
      { event: 'TransferPending', data: { callid: NEW_CALL, caller, callee, extra: '180 Ringing' } },
      { event: 'CalleeAnswered', data: { callid: NEW_CALL, caller, callee } },
      { event: 'Ended' },
    ]);
    expect(harness.isFinished).toBe(true);
  });

  it('transfers the leg that the phone has answered to the callee', () => {
    const harness = startCommand().run(...referred);
    expect(harness.pendingRequests.get('transfer')).toEqual({
      method: 'call_transfer',
      params: { callid: FIRST_CALL, leg: 'callee', destination: callee },
    });
  });
});

describe('CallStart sends the same notifications in any order of replies and events', () => {
  const rest: ScriptStep[] = [accepted, [transferEvent('start'), 'TransferStart']];
  it.each<[string, ScriptStep[]]>([
    [
      'the reply after all events',
      [
        ringing,
        answering,
        [dialogEvent(FIRST_CALL, 3, 4)],
        [miResult('invite', answeredInvite), 'CallerAnswered', `MI call_transfer ${FIRST_CALL}`],
      ],
    ],
    ['the reply before state 4', referred],
    [
      'the reply before state 3',
      [
        ringing,
        [miResult('invite', answeredInvite)],
        [dialogEvent(FIRST_CALL, 2, 3), 'CallerAnswered'],
        [dialogEvent(FIRST_CALL, 3, 4), `MI call_transfer ${FIRST_CALL}`],
      ],
    ],
    [
      'the reply before all events',
      [
        [miResult('invite', answeredInvite)],
        ringing,
        [dialogEvent(FIRST_CALL, 2, 3), 'CallerAnswered'],
        [dialogEvent(FIRST_CALL, 3, 4), `MI call_transfer ${FIRST_CALL}`],
      ],
    ],
    [
      'a phone that answers without ringing',
      [
        [dialogEvent(FIRST_CALL, 1, 3)],
        [miResult('invite', answeredInvite), 'CallerAnswered'],
        [dialogEvent(FIRST_CALL, 3, 4), `MI call_transfer ${FIRST_CALL}`],
      ],
    ],
    [
      'a lost event for ringing',
      [
        [dialogEvent(FIRST_CALL, 2, 3), 'CallerRinging'],
        [miResult('invite', answeredInvite), 'CallerAnswered'],
        [dialogEvent(FIRST_CALL, 3, 4), `MI call_transfer ${FIRST_CALL}`],
      ],
    ],
  ])('%s', (_, rows) => {
    startCommand().run(...rows, ...rest);
  });

  it('duplicate events are reported once', () => {
    startCommand().run(ringing, [dialogEvent(FIRST_CALL, 1, 2)], answering, [dialogEvent(FIRST_CALL, 2, 3)]);
  });
});

describe('CallStart without an event for the ACK', () => {
  it('sends the REFER 500 ms after the answer', () => {
    const harness = startCommand().run([miResult('invite', answeredInvite)]);
    expect(harness.timers.get('ack')).toBe(ACK_TIMEOUT_MS);
    harness.run([timer('ack'), 'CallerAnswered', `MI call_transfer ${FIRST_CALL}`]);
  });

  it('does not report ringing after the answer', () => {
    startCommand().run(
      [miResult('invite', answeredInvite)],
      [timer('ack'), 'CallerAnswered', `MI call_transfer ${FIRST_CALL}`],
      [dialogEvent(FIRST_CALL, 1, 2)],
    );
  });
});

describe('CallStart fails with upstream’s text if the caller does not answer', () => {
  it.each(['486 Busy Here', '404 Not Found', '408 Request Timeout', '603 Decline'])('%s', (status) => {
    const sentence = `failed to establish initial call: ${status}`;
    const harness = startCommand().run([
      miResult('invite', { Status: status }),
      `Error: ${sentence}`,
      'Ended',
    ]);
    expect(harness.isFinished).toBe(true);
    expect(harness.notifications[0]?.error).toEqual({
      code: -32010,
      message: sentence,
      sip: { status: Number(status.slice(0, 3)), reason: status.slice(4) },
    });
  });

  it('an MI error has OpenSIPS’s code in its own field', () => {
    const harness = startCommand().run([
      miError('invite', -32602, 'Invalid params'),
      'Error: -32602 Invalid params',
      'Ended',
    ]);
    expect(harness.notifications[0]?.error).toMatchObject({
      code: -32011,
      opensips: { code: -32602, message: 'Invalid params' },
    });
  });

  it('a malformed reply has an unknown outcome, so the leg is ended', () => {
    startCommand().run([
      miResult('invite', 'OK'),
      'Error: No usable reply of OpenSIPS to t_uac_dlg: the reply is not valid. The command may or may not have been carried out.',
      `MI dlg_end_dlg ${FIRST_CALL}`,
    ]);
  });

  it('the caller hangs up before the REFER', () => {
    startCommand().run(
      ringing,
      answering,
      [miResult('invite', answeredInvite), 'CallerAnswered'],
      [dialogEvent(FIRST_CALL, 3, 5), 'Error: failed to establish initial call: the caller hung up', 'Ended'],
    );
  });

  it('the caller has hung up before the reply: the answer is reported before the failure', () => {
    startCommand().run(
      ringing,
      answering,
      [dialogEvent(FIRST_CALL, 4, 5)],
      [
        miResult('invite', answeredInvite),
        'CallerAnswered',
        'Error: failed to establish initial call: the caller hung up',
        'Ended',
      ],
    );
  });
});

describe('CallStart ends the first leg when the callee has answered', () => {
  const answered: ScriptStep[] = [...referred, accepted, [transferEvent('start'), 'TransferStart']];

  it('and treats "not found" as success', () => {
    const harness = startCommand().run(
      ...answered,
      [transferEvent('ok', '200 OK'), 'CalleeAnswered', `MI dlg_end_dlg ${FIRST_CALL}`],
      [miError(`end ${FIRST_CALL}`, 404, 'Requested Dialog not found'), 'Ended'],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('unless the phone has hung up by itself', () => {
    const harness = startCommand().run(
      ...answered,
      [dialogEvent(FIRST_CALL, 4, 5)],
      [transferEvent('ok', '200 OK'), 'CalleeAnswered', 'Ended'],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('and sends `Ended` after OpenSIPS’s reply, or after 2 s', () => {
    const harness = startCommand().run(...answered, [
      transferEvent('ok', '200 OK'),
      'CalleeAnswered',
      `MI dlg_end_dlg ${FIRST_CALL}`,
    ]);
    expect(harness.timers.get('end-timeout')).toBe(2_000);
    harness.run([timer('end-timeout'), 'Ended']);
    expect(harness.isFinished, 'the leg has not ended yet').toBe(false);
    harness.run([dialogEvent(FIRST_CALL, 4, 5)]);
    expect(harness.isFinished).toBe(true);
  });

  it('and does not report a `notify` after that', () => {
    startCommand().run(
      ...answered,
      [transferEvent('ok', '200 OK'), 'CalleeAnswered', `MI dlg_end_dlg ${FIRST_CALL}`],
      [notifyEvent('200 OK')],
      [miResult(`end ${FIRST_CALL}`, 'OK'), 'Ended'],
    );
  });
});
