import { describe, expect, it } from 'vitest';
import { callBlindTransfer } from './call-blind-transfer.ts';
import {
  dialog,
  notify,
  notReached,
  notRun,
  page,
  refusal,
  reply,
  settle,
  shown,
  timer,
  transfer,
  unknown,
} from './testing/inputs.ts';
import { FIRST, NEW, type Row, Stage } from './testing/stage.ts';

/** A blind transfer shows the course of any transfer. */
const start = () =>
  new Stage(callBlindTransfer, { callid: FIRST, leg: 'callee', destination: 'sip:carol@10.0.0.12' });
const endFirst = `MI dlg_end_dlg ${FIRST}`;
const accepted: Row = [reply('transfer', 'Accepted'), 'Transferring'];
const begun: Row[] = [accepted, [transfer('start'), 'TransferStart']];
const failedWith = (status: string) => `Error: transfer failed with status ${status}`;
const refer = `MI call_transfer ${FIRST}`;
const list = 'MI dlg_list 0+12';
const lastSearch: Row = [timer('taken'), list];
const lookNew = `MI dlg_list ${NEW}`;
const ours = (state: number) => shown(NEW, { state, to_uri: `sip:carol@10.0.0.12;osid=id-of-${FIRST}` });
const found = (state: number) => reply('look-new', { Dialog: ours(state) });
const absent = refusal('look-new', 404, 'No such dialog');

describe('a transfer tells in order what OpenSIPS raises in any order', () => {
  it.each<[string, Row[]]>([
    [
      'start, ok',
      [
        accepted,
        [transfer('start'), 'TransferStart'],
        [transfer('ok', '200 OK'), 'TransferSuccessful', endFirst],
      ],
    ],
    [
      'ok alone: start was lost',
      [accepted, [transfer('ok', '200 OK'), 'TransferStart', 'TransferSuccessful', endFirst]],
    ],
    [
      'ok, start',
      [
        accepted,
        [transfer('ok', '200 OK'), 'TransferStart', 'TransferSuccessful', endFirst],
        [transfer('start')],
      ],
    ],
    [
      'notify before start',
      [
        accepted,
        [notify('180 Ringing'), 'TransferStart', 'TransferPending'],
        [transfer('start')],
        [transfer('ok', '200 OK'), 'TransferSuccessful', endFirst],
      ],
    ],
    [
      'the phone’s last word before ok',
      [
        ...begun,
        [notify('200 OK'), 'TransferPending'],
        [transfer('ok', '200 OK'), 'TransferSuccessful', endFirst],
      ],
    ],
    [
      'fail alone',
      [accepted, [transfer('fail', '486 Busy Here'), 'TransferStart', failedWith('486 Busy Here'), 'Ended']],
    ],
    ['start, fail', [...begun, [transfer('fail', '486 Busy Here'), failedWith('486 Busy Here'), 'Ended']]],
    [
      'start twice',
      [...begun, [transfer('start')], [transfer('ok', '200 OK'), 'TransferSuccessful', endFirst]],
    ],
    [
      'a state that nobody knows',
      [...begun, [transfer('state')], [transfer('ok', '200 OK'), 'TransferSuccessful', endFirst]],
    ],
  ])('%s', (_, rows) => {
    start().play(...rows);
  });

  it('all of it before the reply (trace `attended-refused`)', () => {
    start().play(
      [transfer('start')],
      [dialog(NEW, 1, 2)],
      [transfer('ok', '200 OK')],
      [reply('transfer', 'Accepted'), 'Transferring', 'TransferStart', 'TransferSuccessful', endFirst],
    );
  });

  it('events before a refusal are another transfer’s', () => {
    const stage = start().play(
      [transfer('start')],
      [refusal('transfer', 491, 'Request Pending'), 'Error: 491 Request Pending', 'Ended'],
    );
    expect(stage.over).toBe(true);
  });

  it('the destination is as asked, then as OpenSIPS looked it up; an empty one in a `notify` changes nothing', () => {
    const looked = 'sip:carol@10.0.0.7:5090';
    const stage = start().play(
      accepted,
      [transfer('start', '', { destination: looked }), 'TransferStart'],
      [notify('180 Ringing'), 'TransferPending'],
      [transfer('ok', '200 OK', { destination: looked }), 'TransferSuccessful', endFirst],
    );
    expect(stage.told.map(({ data }) => data)).toEqual([
      { destination: 'sip:carol@10.0.0.12' },
      { callid: NEW, destination: looked },
      { callid: NEW, destination: looked, extra: '180 Ringing' },
      { callid: NEW, destination: looked },
    ]);
  });

  it('an attempt that is not the one begun is passed over', () => {
    start().play(
      ...begun,
      [transfer('fail', '486 Busy Here', { newCallid: 'stray' })],
      [transfer('ok', '200 OK'), 'TransferSuccessful', endFirst],
    );
  });
});

describe('a transfer whose `ok` or `fail` is lost is decided by the new dialog', () => {
  it('it is answered: success, 300 ms later', () => {
    const stage = start().play(...begun, [dialog(NEW, 1, 2)], [dialog(NEW, 2, 3)]);
    expect(stage.timers.get('verdict')).toBe(300);
    stage.play([timer('verdict'), 'TransferSuccessful', endFirst]);
  });

  it('it has ended: failed, with the phone’s own last word', () => {
    start().play(
      ...begun,
      [notify('486 Busy Here'), 'TransferPending'],
      [dialog(NEW, 1, 5)],
      [timer('verdict'), failedWith('486 Busy Here'), 'Ended'],
    );
  });

  it('it has ended, and nobody says why: 487', () => {
    start().play(
      ...begun,
      [dialog(NEW, 1, 5)],
      [timer('verdict'), failedWith('487 Request Terminated'), 'Ended'],
    );
  });

  it('no dialog event comes either: the phone’s own last word decides', () => {
    start().play(
      ...begun,
      [notify('200 OK'), 'TransferPending'],
      [timer('verdict'), 'TransferSuccessful', endFirst],
    );
    start().play(
      ...begun,
      [notify('603 Decline'), 'TransferPending'],
      [timer('verdict'), failedWith('603 Decline'), 'Ended'],
    );
  });

  it('progress decides nothing', () => {
    const stage = start().play(
      ...begun,
      [notify('100 Trying'), 'TransferPending'],
      [notify('180 Ringing'), 'TransferPending'],
    );
    expect(stage.timers.has('verdict')).toBe(false);
  });
});

describe('a transfer that comes to nothing', () => {
  it('a phone that refuses the REFER raises nothing: 10 s after `Accepted` a last search decides', () => {
    const stage = start().play(accepted);
    expect(stage.timers.get('taken')).toBe(10_000);
    stage.play(lastSearch, [reply('find', page()), notReached, 'Ended']);
    expect(stage.told[1]?.error?.code).toBe(-32012);
    expect(stage.over).toBe(true);
  });

  it('a phone that tells how it refused is believed at once', () => {
    start().play(accepted, [notify('603 Decline', ''), failedWith('603 Decline'), 'Ended']);
  });

  it('but its progress before any new call says nothing', () => {
    start().play(accepted, [notify('100 Trying', '')], [transfer('start'), 'TransferStart']);
  });

  it('a destination that never answers: 408 after 120 s', () => {
    const stage = start().play(...begun);
    expect(stage.timers.get('callee')).toBe(120_000);
    stage.play(
      [timer('callee'), failedWith('408 Request Timeout'), `MI dlg_end_dlg ${NEW}`],
      [reply(`release ${NEW}`, 'OK'), 'Ended'],
      [dialog(NEW, 1, 5)],
    );
    expect(stage.over).toBe(true);
  });

  it.each([
    [404, 'Dialog not found'],
    [491, 'Request Pending'],
  ])('OpenSIPS refuses with %i %s', (code, message) => {
    const stage = start().play([refusal('transfer', code, message), `Error: ${code} ${message}`, 'Ended']);
    expect(stage.told[0]?.error).toEqual({
      code: -32011,
      message: `OpenSIPS refused call_transfer: ${code} ${message}`,
      sip: { status: code, reason: message },
    });
  });

  it('while no adapter is there it is asked again, for half a minute', () => {
    const again: Row = [notRun('transfer'), refer];
    start().play(again, again, again, again, again, [
      notRun('transfer'),
      'Error: call_transfer was not sent to OpenSIPS: no adapter was connected',
      'Ended',
    ]);
  });

  it('whether it ran is not known, and nothing happens', () => {
    start().play([unknown('transfer'), refer], [unknown('transfer')], lastSearch, [
      reply('find', page()),
      notReached,
      'Ended',
    ]);
  });
});

describe('a transfer whose answer is lost is asked for once more', () => {
  it('taken only now', () => {
    start().play([unknown('transfer'), refer], accepted, [transfer('start'), 'TransferStart']);
  });

  it.each([
    ['OpenSIPS had taken it the first time', refusal('transfer', 491, 'Request Pending')],
    ['the dialog is gone: its phone may have been sent away', refusal('transfer', 404, 'Dialog not found')],
    ['that answer is lost as well', unknown('transfer')],
    ['that was not even sent, but the first was', notRun('transfer')],
  ])('%s: what happened is searched for', (_, outcome) => {
    const stage = start().play([unknown('transfer'), refer], [outcome]);
    expect(stage.timers.get('taken')).toBe(10_000);
    expect(stage.timers.get('search')).toBe(300);
    stage.play(
      [timer('search'), list],
      [reply('find', page())],
      [timer('search'), list],
      [
        reply('find', page(shown(FIRST), ours(4))),
        'Transferring',
        'TransferStart',
        'TransferSuccessful',
        endFirst,
      ],
    );
  });

  it('and refused: it has failed', () => {
    start().play(
      [unknown('transfer'), refer],
      [refusal('transfer', 500, 'Internal error'), 'Error: 500 Internal error', 'Ended'],
    );
  });
});

describe('the last search', () => {
  it('finds a call that nothing was heard of', () => {
    start().play(accepted, lastSearch, [
      reply('find', page(shown(FIRST), ours(4))),
      'TransferStart',
      'TransferSuccessful',
      endFirst,
    ]);
  });

  it('reads all pages', () => {
    const others = Array.from({ length: 12 }, (_, at) => shown(`other${at}`));
    start().play(
      accepted,
      lastSearch,
      [reply('find', page(...others)), 'MI dlg_list 12+12'],
      [reply('find', page())],
      [timer('search'), 'MI dlg_list 0+12'],
      [reply('find', page(...others)), 'MI dlg_list 12+12'],
      [reply('find', page()), notReached, 'Ended'],
    );
  });

  it('that is in vain over several pages is made once more: a dialog that ends moves them', () => {
    const others = Array.from({ length: 12 }, (_, at) => shown(`other${at}`));
    start().play(
      accepted,
      lastSearch,
      [reply('find', page(...others)), 'MI dlg_list 12+12'],
      [reply('find', page())],
      [timer('search'), 'MI dlg_list 0+12'],
      [reply('find', page(shown(FIRST), ours(4))), 'TransferStart', 'TransferSuccessful', endFirst],
    );
  });

  it('without an answer is made again, until a minute has passed: then nobody can tell', () => {
    const stage = start().play(
      accepted,
      lastSearch,
      [unknown('find')],
      [timer('search'), 'MI dlg_list 0+12'],
      [
        timer('last-search'),
        'Error: OpenSIPS did not answer dlg_list (so how the transfer went is not known): it may have been done or not',
        'Ended',
      ],
    );
    expect(stage.told.at(-2)?.error?.code).toBe(-32013);
    expect(stage.over).toBe(true);
  });

  it.each([
    ['in vain', reply('find', page())],
    ['without an answer', unknown('find')],
    ['refused', refusal('find', 500, 'Internal error')],
  ])('%s means nothing once an event has told of the call', (_, outcome) => {
    start().play(
      accepted,
      lastSearch,
      [transfer('start'), 'TransferStart'],
      [outcome],
      [transfer('ok', '200 OK'), 'TransferSuccessful', endFirst],
    );
  });
});

describe('a transfer that has begun is looked at now and then', () => {
  const looking: Row = [timer('look-new'), lookNew];

  it('ever more seldom while it rings, whether OpenSIPS answers or not', () => {
    const stage = start().play(...begun);
    const pauses: (number | undefined)[] = [];
    for (const outcome of [
      found(1),
      unknown('look-new'),
      refusal('look-new', 500, 'Internal error'),
      found(2),
    ]) {
      pauses.push(stage.timers.get('look-new'));
      stage.play(looking, [outcome]);
    }
    expect([...pauses, stage.timers.get('look-new')]).toEqual([5_000, 5_000, 10_000, 20_000, 20_000]);
  });

  it('it is answered, as the list says', () => {
    start().play(...begun, looking, [found(3), 'TransferSuccessful', endFirst]);
  });

  it.each([
    ['no more', absent],
    ['as ended', found(5)],
  ])('the list has it %s: its last event may still be under way', (_, outcome) => {
    const stage = start().play(...begun, looking, [outcome]);
    expect(stage.timers.get('verdict')).toBe(300);
    stage.play([transfer('fail', '486 Busy Here'), failedWith('486 Busy Here'), 'Ended']);
  });

  it('the list has it no more, and no event says why', () => {
    start().play(
      ...begun,
      looking,
      [absent],
      [timer('verdict'), failedWith('487 Request Terminated'), 'Ended'],
    );
  });

  it('the list has it no more after it was answered: it has succeeded, and ended since', () => {
    start().play(
      ...begun,
      [settle, lookNew],
      [dialog(NEW, 2, 3)],
      [absent],
      [timer('verdict'), 'TransferSuccessful', endFirst],
    );
  });
});

describe('a transfer that may have missed events asks for them', () => {
  it('before its answer: once that is here, it searches', () => {
    const stage = start().play([settle], accepted);
    expect(stage.timers.get('search')).toBe(300);
  });

  it('after it: at once, and again later', () => {
    const stage = start().play(accepted, [settle, list], [reply('find', page())]);
    expect(stage.timers.get('search')).toBe(600);
    stage.play([timer('search'), list], [reply('find', page(shown(FIRST), ours(2))), 'TransferStart']);
    expect(stage.timers.get('look-new'), 'OpenSIPS may tell nothing of it').toBe(1_000);
  });

  it('once it has begun: how the new call stands', () => {
    start().play(...begun, [settle, lookNew], [found(4), 'TransferSuccessful', endFirst]);
  });

  it('when the call that was left is being ended: by asking for that again', () => {
    start().play(
      ...begun,
      [transfer('ok', '200 OK'), 'TransferSuccessful', endFirst],
      [unknown(`release ${FIRST}`), 'Ended'],
      [settle, endFirst],
    );
  });
});
