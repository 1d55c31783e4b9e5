/** Transfers by REFER of the adapter, whose reply is the phone's answer. */
import { describe, expect, it } from 'vitest';
import { featuresOf } from '../../opensips/features.ts';
import type { Input } from '../command.ts';
import { MAX_REFER_ATTEMPTS } from '../deadlines.ts';
import { CommandHarness, FIRST_CALL, NEW_CALL, type ScriptStep } from '../testing/command-harness.ts';
import {
  dialogEvent,
  dialogPage,
  ENDED_WITHOUT_STATUS,
  listedDialog,
  miError,
  miResult,
  noReply,
  notifyEvent,
  notRun,
  REFUSED_BEFORE_RINGING,
  timer,
  transferEvent,
} from '../testing/inputs.ts';
import { callAttendedTransfer } from './call-attended-transfer.ts';
import { callBlindTransfer } from './call-blind-transfer.ts';

const features = featuresOf({ in_dialog: { refer: true, hold: true, timeout_ms: 5_000 } });
const destination = 'sip:carol@10.0.0.12';
const startCommand = (context = {}) =>
  new CommandHarness(
    callBlindTransfer,
    { callid: FIRST_CALL, leg: 'callee', destination },
    () => undefined,
    [FIRST_CALL],
    { features, ...context },
  );

const DIALOG_ID = `id-of-${FIRST_CALL}`;
const referReply = (status: string) =>
  miResult('transfer', { status, dialog_id: DIALOG_ID, contact: 'sip:bob@10.0.0.7:5070' });
const accepted: ScriptStep = [referReply('202 Accepted'), 'Transferring'];
const started: ScriptStep[] = [accepted, [transferEvent('start'), 'TransferStart']];
const failedWith = (status: string) => `Error: transfer failed with status ${status}`;
const success = ['TransferSuccessful', `MI dlg_end_dlg ${FIRST_CALL}`];

const readNewDialog = `MI dlg_list ${NEW_CALL}`;
const notListed = miError('read-new-dialog', 404, 'No such dialog');
const listed = (state: number, id = `id-of-${NEW_CALL}`) =>
  miResult('read-new-dialog', { Dialog: listedDialog(NEW_CALL, { state, ID: id }) });

function refusedEvent(osid: string, status: string, callid = 'refused@phone'): Input {
  return {
    type: 'event',
    at: 0,
    event: { name: 'E_CALL_REFUSED', params: { callid, osid, status } },
  };
}

describe('a transfer by REFER', () => {
  it('names the party and the destination, and waits as long as OpenSIPS waits for the phone', () => {
    expect(startCommand().pendingRequests.get('transfer')).toEqual({
      method: 'refer',
      params: { callid: FIRST_CALL, leg: 'callee', destination },
    });
  });

  it('names the call to be replaced in an attended transfer', () => {
    const params = { callidA: FIRST_CALL, legA: 'caller', callidB: 'other', legB: 'callee' } as const;
    const harness = new CommandHarness(callAttendedTransfer, params, () => undefined, [], { features });
    expect(harness.pendingRequests.get('transfer')?.params).toEqual({
      callid: FIRST_CALL,
      leg: 'caller',
      destination: '',
      replaced_callid: 'other',
      replaced_leg: 'callee',
    });
  });

  it('takes the events of the replaced call, for which alone callops raises any', () => {
    const params = { callidA: FIRST_CALL, legA: 'caller', callidB: 'other', legB: 'callee' } as const;
    const harness = new CommandHarness(callAttendedTransfer, params, () => undefined, [], { features });
    harness.run(
      accepted,
      [transferEvent('start', '', { callid: 'other' }), 'TransferStart'],
      [transferEvent('fail', '486 Busy Here', { callid: 'other' }), failedWith('486 Busy Here'), 'Ended'],
    );
  });

  it('has the configured transport in the destination, which the client does not see', () => {
    const harness = startCommand({ features: { ...features, transport: 'tcp' } });
    expect(harness.pendingRequests.get('transfer')?.params).toMatchObject({
      destination: `${destination};transport=tcp`,
    });
    harness.run(accepted);
    expect(harness.notifications).toEqual([{ event: 'Transferring', data: { destination } }]);
  });

  it('reports ringing by the state of the new call, once', () => {
    const harness = startCommand().run(
      ...started,
      [dialogEvent(NEW_CALL, 1, 2), 'TransferPending'],
      [notifyEvent('180 Ringing')],
      [dialogEvent(NEW_CALL, 2, 3)],
      [transferEvent('ok', '200 OK'), ...success],
    );
    expect(harness.notifications[2]).toMatchObject({
      event: 'TransferPending',
      data: { extra: '180 Ringing' },
    });
  });

  it.each(['603 Decline', '405 Method Not Allowed', '408 Request Timeout'])(
    'fails at once with the phone’s own response: %s',
    (status) => {
      const harness = startCommand().run([referReply(status), failedWith(status), 'Ended']);
      expect(harness.isFinished).toBe(true);
      expect(harness.notifications[0]?.error).toMatchObject({
        code: -32010,
        sip: { status: Number(status.slice(0, 3)) },
      });
    },
  );

  it('is requested again after the ACK of the call, or after half a second', () => {
    startCommand().run(
      [miError('transfer', 410, 'Dialog not ready')],
      [dialogEvent(FIRST_CALL, 3, 4), `MI refer ${FIRST_CALL}`],
      [miError('transfer', 410, 'Dialog not ready')],
      [timer('ready'), `MI refer ${FIRST_CALL}`],
      accepted,
    );
  });

  it('is never sent twice: after a lost reply the new call is searched', () => {
    const lost: ScriptStep[] = [[noReply('transfer')], [timer('new-call'), 'MI dlg_list 0+12']];
    startCommand().run(...lost, [
      miResult(
        'list-dialogs',
        dialogPage(
          listedDialog(FIRST_CALL),
          listedDialog(NEW_CALL, { to_uri: `${destination};osid=${DIALOG_ID}` }),
        ),
      ),
      'Transferring',
      'TransferStart',
      ...success,
    ]);
    const harness = startCommand().run(...lost, [
      miResult('list-dialogs', dialogPage(listedDialog(FIRST_CALL))),
      'Error: No reply to the transfer has arrived, and no new call was found. The phone may or may not have received it.',
      'Ended',
    ]);
    expect(harness.notifications[0]?.error).toMatchObject({ code: -32013 });
  });

  it('is requested again while no adapter is connected, and then fails', () => {
    const { startOutcome } = startCommand();
    const retries = Array.from(
      { length: MAX_REFER_ATTEMPTS - 1 },
      (): ScriptStep => [notRun('transfer'), ...startOutcome.filter((each) => each.startsWith('MI refer'))],
    );
    startCommand().run(...retries, [
      notRun('transfer'),
      'Error: REFER was not sent to OpenSIPS: no adapter was connected. The command was not carried out.',
      'Ended',
    ]);
  });

  it('fails while another command is transferring the call', () => {
    const harness = startCommand({ isTransferring: (callid: string) => callid === FIRST_CALL });
    expect(harness.startOutcome).toEqual(['Error: 491 Request Pending', 'Ended']);
    expect(harness.isFinished).toBe(true);
  });
});

describe('a phone that accepts the REFER', () => {
  it('and does nothing: the failure says so', () => {
    const harness = startCommand().run(
      accepted,
      [timer('new-call'), 'MI dlg_list 0+12'],
      [
        miResult('list-dialogs', dialogPage(listedDialog(FIRST_CALL))),
        'Error: transfer failed: the phone accepted the transfer and did not dial within 10 s, or its call was refused before it rang',
        'Ended',
      ],
    );
    expect(harness.notifications.at(-2)?.error).toMatchObject({ code: -32012 });
  });

  it('and whose new call the script refuses: fails after a search', () => {
    const harness = startCommand().run(
      accepted,
      [dialogEvent('refused@phone', 1, 5, 'other', null)],
      [timer('refused'), 'MI dlg_list 0+12'],
      [miResult('list-dialogs', dialogPage(listedDialog(FIRST_CALL))), REFUSED_BEFORE_RINGING, 'Ended'],
    );
    expect(harness.notifications.at(-2)?.error).toMatchObject({ code: -32010 });
  });

  it('and whose call starts although another one was refused: continues', () => {
    startCommand().run(
      accepted,
      [dialogEvent('refused@phone', 1, 5, 'other', null)],
      [transferEvent('start'), 'TransferStart'],
    );
  });

  it('and whose new call the script refuses with an event of its own: fails at once with the status', () => {
    startCommand().run(accepted, [
      refusedEvent(DIALOG_ID, '404 Not Found'),
      failedWith('404 Not Found'),
      'Ended',
    ]);
  });

  it.each(['other', ''])('ignores the refusal of a call that is not its own: osid "%s"', (osid) => {
    startCommand().run(
      accepted,
      [refusedEvent(osid, '404 Not Found')],
      [transferEvent('start'), 'TransferStart'],
    );
  });
});

describe('a new call that is refused with a status after which the phone may go on', () => {
  const refused = (status: string): ScriptStep[] => [
    ...started,
    [dialogEvent(NEW_CALL, 1, 5)],
    [transferEvent('fail', status)],
  ];

  it.each([
    ['401 Unauthorized', 'is unknown', notListed],
    ['407 Proxy Authentication Required', 'has ended', listed(5)],
    ['302 Moved Temporarily', 'is unknown', notListed],
  ])('fails with %s after 3 s if OpenSIPS replies that the call %s', (status, _, reply) => {
    const harness = startCommand().run(...refused(status));
    expect(harness.timers.get('follow-up')).toBe(3_000);
    harness.run([timer('follow-up'), readNewDialog], [reply, failedWith(status), 'Ended']);
  });

  it('continues if OpenSIPS lists another dialog, whose events were lost', () => {
    const afterTimeout = () =>
      startCommand().run(...refused('407 Proxy Authentication Required'), [
        timer('follow-up'),
        readNewDialog,
      ]);
    afterTimeout().run([listed(4, 'second'), ...success]);
    afterTimeout().run(
      [listed(2, 'second'), 'TransferPending'],
      [dialogEvent(NEW_CALL, 2, 3, 'second')],
      [transferEvent('ok', '200 OK'), ...success],
    );
    // OpenSIPS was restarted, or no event had told the id of the first dialog.
    afterTimeout().run([listed(4), ...success]);
  });

  it('asks until OpenSIPS replies', () => {
    startCommand().run(
      ...refused('407 Proxy Authentication Required'),
      [timer('follow-up'), readNewDialog],
      [noReply('read-new-dialog')],
      [timer('poll-new-dialog'), readNewDialog],
      [notRun('read-new-dialog')],
      [timer('poll-new-dialog'), readNewDialog],
      [notListed, failedWith('407 Proxy Authentication Required'), 'Ended'],
    );
  });

  it('continues in another dialog, for which callops raises all events (407)', () => {
    startCommand().run(
      ...refused('407 Proxy Authentication Required'),
      [transferEvent('start')],
      [dialogEvent(NEW_CALL, 1, 2, 'second'), 'TransferPending'],
      [dialogEvent(NEW_CALL, 2, 3, 'second')],
      [transferEvent('ok', '200 OK'), ...success],
    );
  });

  it('continues after a 408 that came sooner than any timer (a script that challenges after create_dialog)', () => {
    startCommand().run(
      ...started,
      [dialogEvent(NEW_CALL, 1, 5)],
      [transferEvent('fail', '408 Request Timeout', { at: 999 })],
      [transferEvent('start', '', { at: 1_000 })],
      [dialogEvent(NEW_CALL, 1, 2, 'second'), 'TransferPending'],
      [dialogEvent(NEW_CALL, 2, 3, 'second')],
      [transferEvent('ok', '200 OK'), ...success],
    );
  });

  it('fails with a 408 at once if a timer may have made it, and after 3 s otherwise', () => {
    const status = '408 Request Timeout';
    const timeout = (at: number) => transferEvent('fail', status, { at });
    startCommand().run(...started, [timeout(1_000), failedWith(status), 'Ended']);
    startCommand().run(
      ...started,
      [timeout(999)],
      [timer('follow-up'), readNewDialog],
      [notListed, failedWith(status), 'Ended'],
    );
  });

  it('continues in another dialog, for which callops raises none (302)', () => {
    startCommand().run(
      ...refused('302 Moved Temporarily'),
      [dialogEvent(NEW_CALL, 1, 2, 'second'), 'TransferPending'],
      [dialogEvent(NEW_CALL, 2, 3, 'second')],
      [timer('outcome'), ...success],
    );
  });

  it('continues if the event of the second dialog comes before the refusal of the first', () => {
    startCommand().run(
      ...started,
      [dialogEvent(NEW_CALL, 1, 5)],
      [dialogEvent(NEW_CALL, 1, 2, 'second'), 'TransferPending'],
      [transferEvent('fail', '302 Moved Temporarily')],
      [timer('follow-up')],
      [dialogEvent(NEW_CALL, 2, 3, 'second')],
      [timer('outcome'), ...success],
    );
  });

  it('fails with the status of the second refusal', () => {
    startCommand().run(
      ...refused('407 Proxy Authentication Required'),
      [transferEvent('start')],
      [dialogEvent(NEW_CALL, 1, 5, 'second')],
      [transferEvent('fail', '403 Forbidden'), failedWith('403 Forbidden'), 'Ended'],
    );
  });

  it('is not ended by a late event of the first dialog', () => {
    startCommand().run(
      ...started,
      [dialogEvent(NEW_CALL, 1, 2), 'TransferPending'],
      [dialogEvent(NEW_CALL, 1, 2, 'second')],
      [dialogEvent(NEW_CALL, 2, 5)],
      [dialogEvent(NEW_CALL, 2, 3, 'second')],
      [timer('outcome'), ...success],
    );
  });

  it('fails without a status if none has arrived', () => {
    startCommand().run(
      ...started,
      [dialogEvent(NEW_CALL, 1, 5)],
      [timer('outcome')],
      [timer('follow-up'), readNewDialog],
      [notListed, ENDED_WITHOUT_STATUS, 'Ended'],
    );
  });
});

describe('events of an earlier transfer of the call', () => {
  const EARLIER = 'earlier@phone';

  it('are not taken for those of this one', () => {
    startCommand().run(
      accepted,
      [notifyEvent('100 Trying', EARLIER)],
      [transferEvent('fail', '486 Busy Here', { newCallid: EARLIER })],
      [transferEvent('start'), 'TransferStart'],
      [notifyEvent('486 Busy Here', EARLIER)],
      [transferEvent('ok', '200 OK'), ...success],
    );
  });

  it('are not either if they come before the phone’s answer', () => {
    startCommand().run([notifyEvent('100 Trying', EARLIER)], accepted, [
      transferEvent('start'),
      'TransferStart',
    ]);
  });
});
