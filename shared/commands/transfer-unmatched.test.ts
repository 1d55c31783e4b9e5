import { describe, expect, it } from 'vitest';
import type { Dialog } from '../mi.ts';
import { callBlindTransfer } from './call-blind-transfer.ts';
import {
  dialog,
  notReached,
  page,
  refusal,
  reply,
  shown,
  timer,
  transfer,
  unknown,
} from './testing/inputs.ts';
import { FIRST, NEW, type Row, Stage } from './testing/stage.ts';

const carol = 'sip:carol@10.0.0.12';
const osid = `;osid=id-of-${FIRST}`;
const start = (leg: 'caller' | 'callee' = 'callee') =>
  new Stage(callBlindTransfer, { callid: FIRST, leg, destination: carol });

/** The phone hangs the old dialog up before its new INVITE comes, so OpenSIPS raises no E_CALL_TRANSFER. */
const left: Row[] = [[reply('transfer', 'Accepted'), 'Transferring'], [dialog(FIRST, 4, 5)]];
const search: Row = [timer('search'), 'MI dlg_list 0+12'];
const ours = (state: number, differs: Partial<Dialog> = {}) =>
  shown(NEW, { state, to_uri: `${carol}${osid}`, ...differs });

describe('a transfer that OpenSIPS could not match is found in the list of dialogs', () => {
  it('300 ms after the old dialog ended', () => {
    expect(
      start()
        .play(...left)
        .timers.get('search'),
    ).toBe(300);
  });

  it('and goes on as if `start` had come, with the destination as asked', () => {
    const stage = start().play(...left, search, [
      reply('find', page(shown('other'), ours(4))),
      'TransferStart',
      'TransferSuccessful',
      'Ended',
    ]);
    expect(stage.told.slice(1, 3)).toEqual([
      { event: 'TransferStart', data: { callid: NEW, destination: carol } },
      { event: 'TransferSuccessful', data: { callid: NEW, destination: carol } },
    ]);
  });

  it('while it rings: the dialog’s own events tell the rest', () => {
    start().play(
      ...left,
      search,
      [reply('find', page(ours(2))), 'TransferStart'],
      [dialog(NEW, 2, 3), 'TransferSuccessful', 'Ended'],
    );
    start().play(
      ...left,
      search,
      [reply('find', page(ours(1))), 'TransferStart'],
      [dialog(NEW, 1, 2)],
      [dialog(NEW, 2, 5), 'Error: transfer failed with status 487 Request Terminated', 'Ended'],
    );
  });

  it('also where the old dialog ended before the reply to the REFER was here', () => {
    start().play([dialog(FIRST, 4, 5)], [reply('transfer', 'Accepted'), 'Transferring'], search);
  });

  it('an event that comes after all takes over from the search', () => {
    const stage = start().play(...left, [transfer('start'), 'TransferStart']);
    expect(stage.timers.has('search')).toBe(false);
  });

  it('an event that overtakes the list is not told twice', () => {
    start().play(...left, search, [transfer('start'), 'TransferStart'], [reply('find', page(ours(2)))]);
  });
});

describe('the list is read page by page', () => {
  const full = (name: string, size: number) => Array.from({ length: size }, (_, at) => shown(`${name}${at}`));

  it('until the call is found', () => {
    start().play(
      ...left,
      search,
      [reply('find', page(...full('a', 12))), 'MI dlg_list 12+12'],
      [reply('find', page(...full('b', 12))), 'MI dlg_list 24+12'],
      [reply('find', page(...full('c', 3), ours(4))), 'TransferStart', 'TransferSuccessful', 'Ended'],
    );
  });

  it('in shorter pages where a page does not fit into a datagram', () => {
    start().play(
      ...left,
      search,
      [refusal('find', 500, 'Internal error'), 'MI dlg_list 0+6'],
      [reply('find', page(...full('a', 6))), 'MI dlg_list 6+6'],
      [refusal('find', 500, 'Internal error'), 'MI dlg_list 6+3'],
      [refusal('find', 500, 'Internal error'), 'MI dlg_list 6+2'],
      [refusal('find', 500, 'Internal error'), 'MI dlg_list 6+1'],
    );
  });

  it('again later, ever later, where it is not found', () => {
    const stage = start().play(...left);
    const pauses: (number | undefined)[] = [];
    for (const outcome of [reply('find', page()), unknown('find'), reply('find', 'nonsense')]) {
      pauses.push(stage.timers.get('search'));
      stage.play(search, [outcome]);
    }
    expect([...pauses, stage.timers.get('search')]).toEqual([300, 600, 1_200, 2_400]);
  });

  it('again later where not even one dialog fits', () => {
    const stage = start().play(...left, search);
    for (const size of [6, 3, 2, 1]) {
      stage.play([refusal('find', 500, 'Internal error'), `MI dlg_list 0+${size}`]);
    }
    stage.play([refusal('find', 500, 'Internal error')]);
    expect(stage.timers.has('search')).toBe(true);
  });

  it('and where it is not there by the deadline, the destination was not reached', () => {
    start().play(
      ...left,
      search,
      [reply('find', page())],
      [timer('taken'), 'MI dlg_list 0+12'],
      [reply('find', page()), notReached, 'Ended'],
    );
  });
});

describe('a phone that strips `osid` is known by its contact', () => {
  const bare = (contact: string) => ours(4, { to_uri: carol, caller_contact: contact });

  it('the callee’s, as the list shows the old dialog', () => {
    const old = shown(FIRST, { state: 5, CALLEES: [{ callee_contact: 'sip:bob@10.0.0.7:5080' }] });
    start('callee').play(...left, search, [
      reply('find', page(old, bare('sip:bob@10.0.0.7:5080'))),
      'TransferStart',
      'TransferSuccessful',
      'Ended',
    ]);
  });

  it('or the caller’s', () => {
    const old = shown(FIRST, { state: 5, caller_contact: 'sip:alice@10.0.0.5:5070' });
    start('caller').play(...left, search, [
      reply('find', page(old, bare('sip:alice@10.0.0.5:5070'))),
      'TransferStart',
      'TransferSuccessful',
      'Ended',
    ]);
  });
});
