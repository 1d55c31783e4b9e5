import { describe, expect, it } from 'vitest';
import { callStart } from './call-start.ts';
import {
  answer,
  dialog,
  notify,
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

const start = () => new Stage(callStart, { caller: 'sip:alice@10.0.0.10', callee: 'sip:bob@10.0.0.11' });
const endFirst = `MI dlg_end_dlg ${FIRST}`;
const endNew = `MI dlg_end_dlg ${NEW}`;

/** The caller has answered and the REFER is out. */
const referred: Row[] = [
  [dialog(FIRST, 1, 2), 'CallerRinging'],
  [dialog(FIRST, 2, 3)],
  [dialog(FIRST, 3, 4)],
  [reply('invite', answer), 'CallerAnswered', `MI call_transfer ${FIRST}`],
];
const begun: Row[] = [
  ...referred,
  [reply('transfer', 'Accepted'), 'Transferring'],
  [transfer('start'), 'TransferStart'],
];
const lastSearch: Row = [timer('taken'), 'MI dlg_list 0+12'];

describe('a CallStart that fails after CallerAnswered ends every leg that stands', () => {
  it.each<[string, Row[]]>([
    [
      'OpenSIPS refuses the REFER',
      [...referred, [refusal('transfer', 491, 'Request Pending'), 'Error: 491 Request Pending', endFirst]],
    ],
    [
      'the phone does not take the transfer',
      [
        ...referred,
        [reply('transfer', 'Accepted'), 'Transferring'],
        lastSearch,
        [reply('find', page(shown('other'))), notReached, endFirst],
      ],
    ],
    [
      'the callee declines, its leg is gone',
      [
        ...begun,
        [dialog(NEW, 1, 5)],
        [transfer('fail', '603 Decline'), 'Error: transfer failed with status 603 Decline', endFirst],
      ],
    ],
  ])('%s: the first leg', (_, rows) => {
    const stage = start().play(...rows, [reply(`release ${FIRST}`, 'OK'), 'Ended'], [dialog(FIRST, 4, 5)]);
    expect(stage.over).toBe(true);
  });

  it('the callee does not answer in time: the new call too', () => {
    const stage = start().play(
      ...begun,
      [dialog(NEW, 1, 2)],
      [timer('callee'), 'Error: transfer failed with status 408 Request Timeout', endFirst, endNew],
      [reply(`release ${FIRST}`, 'OK')],
      [reply(`release ${NEW}`, 'OK'), 'Ended'],
    );
    expect(stage.told.at(-2)?.error).toEqual({
      code: -32012,
      message: 'transfer failed with status 408 Request Timeout',
      sip: { status: 408, reason: 'Request Timeout' },
    });
  });

  it('the caller gave the first leg up itself: there is nothing left to end', () => {
    const stage = start().play(
      ...begun,
      [dialog(FIRST, 4, 5)],
      [dialog(NEW, 1, 5)],
      [
        transfer('fail', '408 Request Timeout'),
        'Error: transfer failed with status 408 Request Timeout',
        'Ended',
      ],
    );
    expect(stage.over).toBe(true);
  });

  it('a new call that has not rung is asked again when it rings, then it is gone', () => {
    const stage = start().play(
      ...begun,
      [timer('callee'), 'Error: transfer failed with status 408 Request Timeout', endFirst, endNew],
      [dialog(FIRST, 4, 5)],
      [reply(`release ${NEW}`, 'OK'), 'Ended'],
    );
    expect(stage.over, 'it cannot be cancelled yet').toBe(false);
    stage.play([dialog(NEW, 1, 2), endNew], [reply(`release ${NEW}`, 'OK')], [dialog(NEW, 2, 5)]);
    expect(stage.over).toBe(true);
  });

  it('a callee who answers as the CANCEL is under way gets a BYE', () => {
    const stage = start().play(
      ...begun,
      [dialog(NEW, 1, 2)],
      [timer('callee'), 'Error: transfer failed with status 408 Request Timeout', endFirst, endNew],
      [dialog(FIRST, 4, 5)],
      [reply(`release ${NEW}`, 'OK'), 'Ended'],
      [dialog(NEW, 2, 3), endNew],
      [reply(`release ${NEW}`, 'OK')],
      [dialog(NEW, 3, 5)],
    );
    expect(stage.over).toBe(true);
  });

  it('also where the news of that answer overtakes the OK to the CANCEL', () => {
    const stage = start().play(
      ...begun,
      [dialog(NEW, 1, 2)],
      [timer('callee'), 'Error: transfer failed with status 408 Request Timeout', endFirst, endNew],
      [dialog(FIRST, 4, 5)],
      [dialog(NEW, 2, 3)],
      [reply(`release ${NEW}`, 'OK'), endNew, 'Ended'],
      [reply(`release ${NEW}`, 'OK')],
      [dialog(NEW, 3, 5)],
    );
    expect(stage.over).toBe(true);
  });

  it('a phone that takes the REFER after all: its call is ended as soon as it is heard of', () => {
    const stage = start().play(
      ...referred,
      [reply('transfer', 'Accepted'), 'Transferring'],
      lastSearch,
      [reply('find', page()), notReached, endFirst],
      [transfer('start'), endNew],
      [reply(`release ${FIRST}`, 'OK')],
      [refusal(`release ${NEW}`, 404, 'Requested Dialog not found'), 'Ended'],
      [dialog(FIRST, 4, 5)],
    );
    expect(stage.over).toBe(true);
  });

  it('a late `notify` after `fail` is told to nobody', () => {
    start().play(
      ...begun,
      [transfer('fail', '603 Decline'), 'Error: transfer failed with status 603 Decline', endFirst, endNew],
      [notify('603 Decline')],
    );
  });

  it('the script refuses the callee, so no E_CALL_TRANSFER comes: told when the list has been read in vain', () => {
    const stage = start().play(
      ...referred,
      [reply('transfer', 'Accepted'), 'Transferring'],
      [dialog(FIRST, 4, 5)],
      [timer('search'), 'MI dlg_list 0+12'],
      [reply('find', page(shown('other')))],
      [timer('search'), 'MI dlg_list 0+12'],
      [reply('find', page())],
      lastSearch,
      [reply('find', page()), notReached, 'Ended'],
    );
    expect(stage.over).toBe(true);
  });

  it('the last search has no answer: the client is told that nobody knows, and the call is looked for on', () => {
    const stage = start().play(
      ...referred,
      [reply('transfer', 'Accepted'), 'Transferring'],
      lastSearch,
      [unknown('find')],
      [
        timer('last-search'),
        'Error: OpenSIPS did not answer dlg_list (so how the transfer went is not known): it may have been done or not',
        endFirst,
      ],
      [reply(`release ${FIRST}`, 'OK'), 'Ended'],
    );
    expect(stage.told.at(-2)?.error?.code).toBe(-32013);
    expect(stage.over).toBe(false);
    expect(stage.timers.get('taken')).toBe(10_000);
    stage.play(
      [dialog(FIRST, 4, 5)],
      lastSearch,
      [reply('find', page(shown(NEW, { to_uri: `sip:bob@10.0.0.11;osid=id-of-${FIRST}` }))), endNew],
      [reply(`release ${NEW}`, 'OK')],
      [dialog(NEW, 4, 5)],
    );
    expect(stage.over).toBe(true);
  });
});
