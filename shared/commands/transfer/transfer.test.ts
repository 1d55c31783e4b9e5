import { describe, expect, it } from 'vitest';
import { CommandHarness, FIRST_CALL, NEW_CALL, type ScriptStep } from '../testing/command-harness.ts';
import {
  dialogEvent,
  dialogPage,
  ENDED_WITHOUT_STATUS,
  listedDialog,
  miError,
  miResult,
  NOT_REACHED_ERROR,
  noReply,
  notifyEvent,
  notRun,
  resync,
  timer,
  transferEvent,
} from '../testing/inputs.ts';
import { callBlindTransfer } from './call-blind-transfer.ts';

/** A blind transfer, which behaves like any transfer. */
const startCommand = () =>
  new CommandHarness(callBlindTransfer, {
    callid: FIRST_CALL,
    leg: 'callee',
    destination: 'sip:carol@10.0.0.12',
  });
const endFirst = `MI dlg_end_dlg ${FIRST_CALL}`;
const accepted: ScriptStep = [miResult('transfer', 'Accepted'), 'Transferring'];
const started: ScriptStep[] = [accepted, [transferEvent('start'), 'TransferStart']];
const failedWith = (status: string) => `Error: transfer failed with status ${status}`;
const refer = `MI call_transfer ${FIRST_CALL}`;
const firstPage = 'MI dlg_list 0+12';
const finalSearch: ScriptStep = [timer('new-call'), firstPage];
const newDialogRequest = `MI dlg_list ${NEW_CALL}`;
const newDialog = (state: number) =>
  listedDialog(NEW_CALL, { state, to_uri: `sip:carol@10.0.0.12;osid=id-of-${FIRST_CALL}` });
const listed = (state: number) => miResult('read-new-dialog', { Dialog: newDialog(state) });
const notListed = miError('read-new-dialog', 404, 'No such dialog');

describe('a transfer reports in order what OpenSIPS raises in any order', () => {
  it.each<[string, ScriptStep[]]>([
    [
      'start, ok',
      [
        accepted,
        [transferEvent('start'), 'TransferStart'],
        [transferEvent('ok', '200 OK'), 'TransferSuccessful', endFirst],
      ],
    ],
    [
      'ok only, because start was lost',
      [accepted, [transferEvent('ok', '200 OK'), 'TransferStart', 'TransferSuccessful', endFirst]],
    ],
    [
      'ok, start',
      [
        accepted,
        [transferEvent('ok', '200 OK'), 'TransferStart', 'TransferSuccessful', endFirst],
        [transferEvent('start')],
      ],
    ],
    [
      'notify before start',
      [
        accepted,
        [notifyEvent('180 Ringing'), 'TransferStart', 'TransferPending'],
        [transferEvent('start')],
        [transferEvent('ok', '200 OK'), 'TransferSuccessful', endFirst],
      ],
    ],
    [
      'the phone’s final NOTIFY before ok',
      [
        ...started,
        [notifyEvent('200 OK'), 'TransferPending'],
        [transferEvent('ok', '200 OK'), 'TransferSuccessful', endFirst],
      ],
    ],
    [
      'fail only',
      [
        accepted,
        [transferEvent('fail', '486 Busy Here'), 'TransferStart', failedWith('486 Busy Here'), 'Ended'],
      ],
    ],
    [
      'start, fail',
      [...started, [transferEvent('fail', '486 Busy Here'), failedWith('486 Busy Here'), 'Ended']],
    ],
    [
      'start twice',
      [...started, [transferEvent('start')], [transferEvent('ok', '200 OK'), 'TransferSuccessful', endFirst]],
    ],
    [
      'an unknown state',
      [...started, [transferEvent('state')], [transferEvent('ok', '200 OK'), 'TransferSuccessful', endFirst]],
    ],
  ])('%s', (_, rows) => {
    startCommand().run(...rows);
  });

  it('all events before the reply (trace `attended-refused`)', () => {
    startCommand().run(
      [transferEvent('start')],
      [dialogEvent(NEW_CALL, 1, 2)],
      [transferEvent('ok', '200 OK')],
      [miResult('transfer', 'Accepted'), 'Transferring', 'TransferStart', 'TransferSuccessful', endFirst],
    );
  });

  it('ignores events before a refusal: they belong to another transfer', () => {
    const harness = startCommand().run(
      [transferEvent('start')],
      [miError('transfer', 491, 'Request Pending'), 'Error: 491 Request Pending', 'Ended'],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('reports the requested destination, then the one that OpenSIPS has looked up, and ignores an empty one in `notify`', () => {
    const resolved = 'sip:carol@10.0.0.7:5090';
    const harness = startCommand().run(
      accepted,
      [transferEvent('start', '', { destination: resolved }), 'TransferStart'],
      [notifyEvent('180 Ringing'), 'TransferPending'],
      [transferEvent('ok', '200 OK', { destination: resolved }), 'TransferSuccessful', endFirst],
    );
    expect(harness.notifications.map(({ data }) => data)).toEqual([
      { destination: 'sip:carol@10.0.0.12' },
      { callid: NEW_CALL, destination: resolved },
      { callid: NEW_CALL, destination: resolved, extra: '180 Ringing' },
      { callid: NEW_CALL, destination: resolved },
    ]);
  });

  it('ignores events of another new call', () => {
    startCommand().run(
      ...started,
      [transferEvent('fail', '486 Busy Here', { newCallid: 'stray' })],
      [transferEvent('ok', '200 OK'), 'TransferSuccessful', endFirst],
    );
  });
});

describe('a transfer whose `ok` or `fail` is lost', () => {
  it('succeeds 300 ms after the new dialog is answered', () => {
    const harness = startCommand().run(
      ...started,
      [dialogEvent(NEW_CALL, 1, 2)],
      [dialogEvent(NEW_CALL, 2, 3)],
    );
    expect(harness.timers.get('outcome')).toBe(300);
    harness.run([timer('outcome'), 'TransferSuccessful', endFirst]);
  });

  it('fails with the phone’s final NOTIFY after the new dialog has ended', () => {
    startCommand().run(
      ...started,
      [notifyEvent('486 Busy Here'), 'TransferPending'],
      [dialogEvent(NEW_CALL, 1, 5)],
      [timer('outcome'), failedWith('486 Busy Here'), 'Ended'],
    );
  });

  it('fails without a status 3 s after the new dialog has ended without a reason', () => {
    const harness = startCommand().run(
      ...started,
      [dialogEvent(NEW_CALL, 1, 5)],
      [timer('outcome')],
      [timer('follow-up'), newDialogRequest],
      [notListed, ENDED_WITHOUT_STATUS, 'Ended'],
    );
    expect(harness.notifications.at(-2)?.error).not.toHaveProperty('sip');
  });

  it('is decided by the phone’s final NOTIFY if there is no dialog event either', () => {
    startCommand().run(
      ...started,
      [notifyEvent('200 OK'), 'TransferPending'],
      [timer('outcome'), 'TransferSuccessful', endFirst],
    );
    startCommand().run(
      ...started,
      [notifyEvent('603 Decline'), 'TransferPending'],
      [timer('outcome'), failedWith('603 Decline'), 'Ended'],
    );
  });

  it('is not decided by a provisional NOTIFY', () => {
    const harness = startCommand().run(
      ...started,
      [notifyEvent('100 Trying'), 'TransferPending'],
      [notifyEvent('180 Ringing'), 'TransferPending'],
    );
    expect(harness.timers.has('outcome')).toBe(false);
  });
});

describe('a transfer without a new call', () => {
  it('is decided by a final search 10 s after `Accepted`, because there is no event if the phone rejects the REFER', () => {
    const harness = startCommand().run(accepted);
    expect(harness.timers.get('new-call')).toBe(10_000);
    harness.run(finalSearch, [miResult('list-dialogs', dialogPage()), NOT_REACHED_ERROR, 'Ended']);
    expect(harness.notifications[1]?.error?.code).toBe(-32012);
    expect(harness.isFinished).toBe(true);
  });

  it('fails immediately if the phone sends a final NOTIFY', () => {
    startCommand().run(accepted, [notifyEvent('603 Decline', ''), failedWith('603 Decline'), 'Ended']);
  });

  it('continues if the phone sends a provisional NOTIFY', () => {
    startCommand().run(accepted, [notifyEvent('100 Trying', '')], [transferEvent('start'), 'TransferStart']);
  });

  it('fails with 408 after 120 s if the destination never answers', () => {
    const harness = startCommand().run(...started);
    expect(harness.timers.get('destination')).toBe(120_000);
    harness.run(
      [timer('destination'), failedWith('408 Request Timeout'), `MI dlg_end_dlg ${NEW_CALL}`],
      [miResult(`end ${NEW_CALL}`, 'OK'), 'Ended'],
      [dialogEvent(NEW_CALL, 1, 5)],
    );
    expect(harness.isFinished).toBe(true);
  });

  it('fails if OpenSIPS refuses it', () => {
    const harness = startCommand().run([
      miError('transfer', 491, 'Request Pending'),
      'Error: 491 Request Pending',
      'Ended',
    ]);
    expect(harness.notifications[0]?.error).toEqual({
      code: -32011,
      message: expect.stringMatching(
        /^OpenSIPS has rejected call_transfer: 491 Request Pending\. The module callops transfers a call only once\./,
      ),
      sip: { status: 491, reason: 'Request Pending' },
    });
  });

  it('fails if OpenSIPS does not know the call', () => {
    const harness = startCommand().run([
      miError('transfer', 404, 'Dialog not found'),
      'Error: 404 Dialog not found',
      'Ended',
    ]);
    expect(harness.notifications[0]?.error).toMatchObject({ code: -32005 });
  });

  it('is requested for half a minute while no adapter is connected', () => {
    const retry: ScriptStep = [notRun('transfer'), refer];
    startCommand().run(retry, retry, retry, retry, retry, [
      notRun('transfer'),
      'Error: call_transfer was not sent to OpenSIPS: no adapter was connected. The command was not carried out.',
      'Ended',
    ]);
  });

  it('fails if it may have run and nothing happens', () => {
    startCommand().run([noReply('transfer'), refer], [noReply('transfer')], finalSearch, [
      miResult('list-dialogs', dialogPage()),
      NOT_REACHED_ERROR,
      'Ended',
    ]);
  });
});

describe('a transfer whose reply is lost is requested once more', () => {
  it('and accepted', () => {
    startCommand().run([noReply('transfer'), refer], accepted, [transferEvent('start'), 'TransferStart']);
  });

  it.each([
    ['and refused, because OpenSIPS had accepted the first one', miError('transfer', 491, 'Request Pending')],
    [
      'and refused, because the dialog of the transferred phone has ended',
      miError('transfer', 404, 'Dialog not found'),
    ],
    ['and its reply is lost as well', noReply('transfer')],
    ['and not sent, but the first one was', notRun('transfer')],
  ])('%s: a search follows', (_, outcome) => {
    const harness = startCommand().run([noReply('transfer'), refer], [outcome]);
    expect(harness.timers.get('new-call')).toBe(10_000);
    expect(harness.timers.get('search')).toBe(300);
    harness.run(
      [timer('search'), firstPage],
      [miResult('list-dialogs', dialogPage())],
      [timer('search'), firstPage],
      [
        miResult('list-dialogs', dialogPage(listedDialog(FIRST_CALL), newDialog(4))),
        'Transferring',
        'TransferStart',
        'TransferSuccessful',
        endFirst,
      ],
    );
  });

  it('and fails if it is refused for another reason', () => {
    startCommand().run(
      [noReply('transfer'), refer],
      [miError('transfer', 500, 'Internal error'), 'Error: 500 Internal error', 'Ended'],
    );
  });
});

describe('the final search', () => {
  it('finds a call without any event', () => {
    startCommand().run(accepted, finalSearch, [
      miResult('list-dialogs', dialogPage(listedDialog(FIRST_CALL), newDialog(4))),
      'TransferStart',
      'TransferSuccessful',
      endFirst,
    ]);
  });

  it('reads all pages', () => {
    const others = Array.from({ length: 12 }, (_, at) => listedDialog(`other${at}`));
    startCommand().run(
      accepted,
      finalSearch,
      [miResult('list-dialogs', dialogPage(...others)), 'MI dlg_list 12+12'],
      [miResult('list-dialogs', dialogPage())],
      [timer('search'), 'MI dlg_list 0+12'],
      [miResult('list-dialogs', dialogPage(...others)), 'MI dlg_list 12+12'],
      [miResult('list-dialogs', dialogPage()), NOT_REACHED_ERROR, 'Ended'],
    );
  });

  it('is repeated once after several pages, because a dialog that ends shifts them', () => {
    const others = Array.from({ length: 12 }, (_, at) => listedDialog(`other${at}`));
    startCommand().run(
      accepted,
      finalSearch,
      [miResult('list-dialogs', dialogPage(...others)), 'MI dlg_list 12+12'],
      [miResult('list-dialogs', dialogPage())],
      [timer('search'), 'MI dlg_list 0+12'],
      [
        miResult('list-dialogs', dialogPage(listedDialog(FIRST_CALL), newDialog(4))),
        'TransferStart',
        'TransferSuccessful',
        endFirst,
      ],
    );
  });

  it('is repeated without a reply, and fails with an unknown outcome after a minute', () => {
    const harness = startCommand().run(
      accepted,
      finalSearch,
      [noReply('list-dialogs')],
      [timer('search'), 'MI dlg_list 0+12'],
      [
        timer('final-search'),
        'Error: No usable reply of OpenSIPS to dlg_list: no reply arrived in time, so the result of the transfer is unknown. The command may or may not have been carried out.',
        'Ended',
      ],
    );
    expect(harness.notifications.at(-2)?.error?.code).toBe(-32013);
    expect(harness.isFinished).toBe(true);
  });

  it.each([
    ['that finds nothing', miResult('list-dialogs', dialogPage())],
    ['without a reply', noReply('list-dialogs')],
    ['with an error', miError('list-dialogs', 500, 'Internal error')],
  ])('%s has no effect once an event has shown the call', (_, outcome) => {
    startCommand().run(
      accepted,
      finalSearch,
      [transferEvent('start'), 'TransferStart'],
      [outcome],
      [transferEvent('ok', '200 OK'), 'TransferSuccessful', endFirst],
    );
  });
});

describe('a started transfer is polled', () => {
  const dialogPolled: ScriptStep = [timer('poll-new-dialog'), newDialogRequest];

  it('with increasing delays while it rings, whether OpenSIPS replies or not', () => {
    const harness = startCommand().run(...started);
    const delays: (number | undefined)[] = [];
    for (const outcome of [
      listed(1),
      noReply('read-new-dialog'),
      miError('read-new-dialog', 500, 'Internal error'),
      listed(2),
    ]) {
      delays.push(harness.timers.get('poll-new-dialog'));
      harness.run(dialogPolled, [outcome]);
    }
    expect([...delays, harness.timers.get('poll-new-dialog')]).toEqual([
      5_000, 5_000, 10_000, 20_000, 20_000,
    ]);
  });

  it('and succeeds if the list shows the answer', () => {
    startCommand().run(...started, dialogPolled, [listed(3), 'TransferSuccessful', endFirst]);
  });

  it.each([
    ['no longer', notListed],
    ['as ended', listed(5)],
  ])('and waits for its last event if the list has it %s', (_, outcome) => {
    const harness = startCommand().run(...started, dialogPolled, [outcome]);
    expect(harness.timers.get('outcome')).toBe(300);
    harness.run([transferEvent('fail', '486 Busy Here'), failedWith('486 Busy Here'), 'Ended']);
  });

  it('and fails without a status if the list no longer has it and there is no event', () => {
    startCommand().run(
      ...started,
      dialogPolled,
      [notListed],
      [timer('outcome')],
      [timer('follow-up'), newDialogRequest],
      [notListed, ENDED_WITHOUT_STATUS, 'Ended'],
    );
  });

  it('and succeeds if the list no longer has it after the answer', () => {
    startCommand().run(
      ...started,
      [resync, newDialogRequest],
      [dialogEvent(NEW_CALL, 2, 3)],
      [notListed],
      [timer('outcome'), 'TransferSuccessful', endFirst],
    );
  });
});

describe('on a resync a transfer', () => {
  it('searches after its reply', () => {
    const harness = startCommand().run([resync], accepted);
    expect(harness.timers.get('search')).toBe(300);
  });

  it('searches immediately after its reply, and again later', () => {
    const harness = startCommand().run(
      accepted,
      [resync, firstPage],
      [miResult('list-dialogs', dialogPage())],
    );
    expect(harness.timers.get('search')).toBe(600);
    harness.run(
      [timer('search'), firstPage],
      [miResult('list-dialogs', dialogPage(listedDialog(FIRST_CALL), newDialog(2))), 'TransferStart'],
    );
    expect(harness.timers.get('poll-new-dialog'), 'there may be no event for it').toBe(1_000);
  });

  it('reads the new dialog once it has started', () => {
    startCommand().run(...started, [resync, newDialogRequest], [listed(4), 'TransferSuccessful', endFirst]);
  });

  it('repeats the request to end the old call', () => {
    startCommand().run(
      ...started,
      [transferEvent('ok', '200 OK'), 'TransferSuccessful', endFirst],
      [noReply(`end ${FIRST_CALL}`), 'Ended'],
      [resync, endFirst],
    );
  });
});
