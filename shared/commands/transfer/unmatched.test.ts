import { describe, expect, it } from 'vitest';
import type { Dialog } from '../../opensips/mi.ts';
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
  timer,
  transferEvent,
} from '../testing/inputs.ts';
import { callBlindTransfer } from './call-blind-transfer.ts';

const carol = 'sip:carol@10.0.0.12';
const osid = `;osid=id-of-${FIRST_CALL}`;
const startCommand = (leg: 'caller' | 'callee' = 'callee') =>
  new CommandHarness(callBlindTransfer, { callid: FIRST_CALL, leg, destination: carol });

/** The phone hangs up before its new INVITE, so OpenSIPS raises no E_CALL_TRANSFER. */
const hungUp: ScriptStep[] = [
  [miResult('transfer', 'Accepted'), 'Transferring'],
  [dialogEvent(FIRST_CALL, 4, 5)],
];
const search: ScriptStep = [timer('search'), 'MI dlg_list 0+12'];
const newDialog = (state: number, overrides: Partial<Dialog> = {}) =>
  listedDialog(NEW_CALL, { state, to_uri: `${carol}${osid}`, ...overrides });

describe('a transfer that OpenSIPS could not match', () => {
  it('is searched in the list of dialogs 300 ms after the end of the old dialog', () => {
    expect(
      startCommand()
        .run(...hungUp)
        .timers.get('search'),
    ).toBe(300);
  });

  it('continues as after `start`, with the requested destination', () => {
    const harness = startCommand().run(...hungUp, search, [
      miResult('list-dialogs', dialogPage(listedDialog('other'), newDialog(4))),
      'TransferStart',
      'TransferSuccessful',
      'Ended',
    ]);
    expect(harness.notifications.slice(1, 3)).toEqual([
      { event: 'TransferStart', data: { callid: NEW_CALL, destination: carol } },
      { event: 'TransferSuccessful', data: { callid: NEW_CALL, destination: carol } },
    ]);
  });

  it('continues with the events of the new dialog if that rings', () => {
    startCommand().run(
      ...hungUp,
      search,
      [miResult('list-dialogs', dialogPage(newDialog(2))), 'TransferStart'],
      [dialogEvent(NEW_CALL, 2, 3), 'TransferSuccessful', 'Ended'],
    );
    startCommand().run(
      ...hungUp,
      search,
      [miResult('list-dialogs', dialogPage(newDialog(1))), 'TransferStart'],
      [dialogEvent(NEW_CALL, 1, 2)],
      [dialogEvent(NEW_CALL, 2, 5)],
      [timer('follow-up'), `MI dlg_list ${NEW_CALL}`],
      [miError('read-new-dialog', 404, 'No such dialog'), ENDED_WITHOUT_STATUS, 'Ended'],
    );
  });

  it('is searched also if the old dialog has ended before the reply to the REFER', () => {
    startCommand().run(
      [dialogEvent(FIRST_CALL, 4, 5)],
      [miResult('transfer', 'Accepted'), 'Transferring'],
      search,
    );
  });

  it('is no longer searched after an event for it', () => {
    const harness = startCommand().run(...hungUp, [transferEvent('start'), 'TransferStart']);
    expect(harness.timers.has('search')).toBe(false);
  });

  it('is reported once if its event overtakes the list', () => {
    startCommand().run(
      ...hungUp,
      search,
      [transferEvent('start'), 'TransferStart'],
      [miResult('list-dialogs', dialogPage(newDialog(2)))],
    );
  });
});

describe('the list is read page by page', () => {
  const full = (name: string, size: number) =>
    Array.from({ length: size }, (_, at) => listedDialog(`${name}${at}`));

  it('until the new call is found', () => {
    startCommand().run(
      ...hungUp,
      search,
      [miResult('list-dialogs', dialogPage(...full('a', 12))), 'MI dlg_list 12+12'],
      [miResult('list-dialogs', dialogPage(...full('b', 12))), 'MI dlg_list 24+12'],
      [
        miResult('list-dialogs', dialogPage(...full('c', 3), newDialog(4))),
        'TransferStart',
        'TransferSuccessful',
        'Ended',
      ],
    );
  });

  it('in shorter pages if one does not fit into a datagram', () => {
    startCommand().run(
      ...hungUp,
      search,
      [miError('list-dialogs', 500, 'Internal error'), 'MI dlg_list 0+6'],
      [miResult('list-dialogs', dialogPage(...full('a', 6))), 'MI dlg_list 6+6'],
      [miError('list-dialogs', 500, 'Internal error'), 'MI dlg_list 6+3'],
      [miError('list-dialogs', 500, 'Internal error'), 'MI dlg_list 6+2'],
      [miError('list-dialogs', 500, 'Internal error'), 'MI dlg_list 6+1'],
    );
  });

  it('again, with increasing delays, if the new call is not found', () => {
    const harness = startCommand().run(...hungUp);
    const delays: (number | undefined)[] = [];
    for (const outcome of [
      miResult('list-dialogs', dialogPage()),
      noReply('list-dialogs'),
      miResult('list-dialogs', 'nonsense'),
    ]) {
      delays.push(harness.timers.get('search'));
      harness.run(search, [outcome]);
    }
    expect([...delays, harness.timers.get('search')]).toEqual([300, 600, 1_200, 2_400]);
  });

  it('again later if not even one dialog fits', () => {
    const harness = startCommand().run(...hungUp, search);
    for (const size of [6, 3, 2, 1]) {
      harness.run([miError('list-dialogs', 500, 'Internal error'), `MI dlg_list 0+${size}`]);
    }
    harness.run([miError('list-dialogs', 500, 'Internal error')]);
    expect(harness.timers.has('search')).toBe(true);
  });

  it('until the command fails because the new call is not found in time', () => {
    startCommand().run(
      ...hungUp,
      search,
      [miResult('list-dialogs', dialogPage())],
      [timer('new-call'), 'MI dlg_list 0+12'],
      [miResult('list-dialogs', dialogPage()), NOT_REACHED_ERROR, 'Ended'],
    );
  });
});

describe('the new call of a phone that strips `osid`', () => {
  const withoutOsid = (contact: string) => newDialog(4, { to_uri: carol, caller_contact: contact });

  it('is found by the callee’s contact in the old dialog', () => {
    const old = listedDialog(FIRST_CALL, {
      state: 5,
      CALLEES: [{ callee_contact: 'sip:bob@10.0.0.7:5080' }],
    });
    startCommand('callee').run(...hungUp, search, [
      miResult('list-dialogs', dialogPage(old, withoutOsid('sip:bob@10.0.0.7:5080'))),
      'TransferStart',
      'TransferSuccessful',
      'Ended',
    ]);
  });

  it('is found by the caller’s contact in the old dialog', () => {
    const old = listedDialog(FIRST_CALL, { state: 5, caller_contact: 'sip:alice@10.0.0.5:5070' });
    startCommand('caller').run(...hungUp, search, [
      miResult('list-dialogs', dialogPage(old, withoutOsid('sip:alice@10.0.0.5:5070'))),
      'TransferStart',
      'TransferSuccessful',
      'Ended',
    ]);
  });
});
