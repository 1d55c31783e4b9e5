import { describe, expect, it } from 'vitest';
import { callStart } from './call-start.ts';
import {
  answer,
  dialog,
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
import { FIRST, type Row, Stage } from './testing/stage.ts';

const start = () => new Stage(callStart, { caller: 'sip:alice@10.0.0.10', callee: 'sip:bob@10.0.0.11' });
const look = `MI dlg_list ${FIRST}`;
const refer = `MI call_transfer ${FIRST}`;
const ringing: Row = [dialog(FIRST, 1, 2), 'CallerRinging'];
const found = (state: number) => reply('look', { Dialog: shown(FIRST, { state, timestart: 0 }) });
const absent = refusal('look', 404, 'No such dialog');
const looking: Row = [timer('look'), look];
const noSuchCall = 'Error: failed to establish initial call: OpenSIPS knows no such call';
const hasEnded = 'Error: failed to establish initial call: it has ended, and why was lost';

describe('a CallStart whose INVITE was not run', () => {
  it('fails at once, and there is nothing to end', () => {
    const stage = start().play([
      notRun('invite'),
      'Error: t_uac_dlg was not sent to OpenSIPS: no adapter was connected',
      'Ended',
    ]);
    expect(stage.over).toBe(true);
    expect(stage.told[0]?.error?.code).toBe(-32012);
  });
});

describe('a CallStart whose INVITE may have run never sends it again: the dialog tells', () => {
  it('it was answered, as events said: the list has the contact too, then on it goes', () => {
    start().play(
      ringing,
      [dialog(FIRST, 2, 3)],
      [unknown('invite'), look],
      [found(4), 'CallerAnswered', refer],
    );
  });

  it('it is answered later, as events say: the list is read at once', () => {
    const stage = start().play(ringing, [unknown('invite'), look], [found(2)], [dialog(FIRST, 2, 3)]);
    expect(stage.timers.get('look')).toBe(0);
    stage.play(looking, [found(3), 'CallerAnswered'], [dialog(FIRST, 3, 4), refer]);
  });

  it('it was answered, as the list says', () => {
    start().play([unknown('invite'), look], [found(4), 'CallerAnswered', refer]);
  });

  it('it rings: asked again until it is answered', () => {
    const stage = start().play(ringing, [unknown('invite'), look], [found(2)]);
    expect(stage.timers.get('look')).toBe(5_000);
    stage.play([timer('look'), look], [found(4), 'CallerAnswered', refer]);
  });

  it('it rings for too long: ended as ever', () => {
    start().play(
      ringing,
      [unknown('invite'), look],
      [found(2)],
      [
        timer('caller'),
        'Error: failed to establish initial call: 408 Request Timeout',
        `MI dlg_end_dlg ${FIRST}`,
      ],
    );
  });

  it('there is no such dialog: the call failed, and nothing of it stands', () => {
    const stage = start().play(
      [unknown('invite'), look],
      [absent],
      looking,
      [absent, noSuchCall, `MI dlg_end_dlg ${FIRST}`],
      [refusal(`release ${FIRST}`, 404, 'Requested Dialog not found'), 'Ended'],
    );
    expect(stage.told[0]?.error?.code).toBe(-32014);
    expect(stage.over).toBe(true);
  });

  it.each([
    ['over', found(5)],
    ['gone', absent],
  ])('its answer is just behind a list that says %s: it is awaited, for it says why', (_, list) => {
    const stage = start().play(ringing);
    stage.play([settle], [timer('look'), look], [list]);
    expect(stage.timers.get('look')).toBe(1_000);
    stage.play([
      reply('invite', { Status: '408 Request Timeout' }),
      'Error: failed to establish initial call: 408 Request Timeout',
      'Ended',
    ]);
  });

  it('it has ended, as the list says: it was never answered for all we know', () => {
    start().play([unknown('invite'), look], [found(5), hasEnded, 'Ended']);
  });

  it('it was refused, as its dialog said: nobody is told that the caller answered', () => {
    const stage = start().play(
      ringing,
      [dialog(FIRST, 2, 5)],
      [unknown('invite'), look],
      [absent, hasEnded, 'Ended'],
    );
    expect(stage.over).toBe(true);
  });

  it('it goes on to the callee by the contact that the list shows', () => {
    const contact = 'sip:alice@10.0.0.5:5070';
    const dialogShown = shown(FIRST, { CALLEES: [{ callee_contact: contact }] });
    const stage = start().play(
      [unknown('invite'), look],
      [reply('look', { Dialog: dialogShown }), 'CallerAnswered', refer],
      [reply('transfer', 'Accepted'), 'Transferring'],
      [dialog(FIRST, 4, 5)],
      [timer('search'), 'MI dlg_list 0+12'],
      [
        reply('find', {
          Dialogs: [shown('new', { caller_contact: contact, to_uri: 'sip:bob@10.0.0.11' })],
        }),
        'TransferStart',
        'CalleeAnswered',
        'Ended',
      ],
    );
    expect(stage.over).toBe(true);
  });

  it.each([
    ['is not answered', unknown('look')],
    ['is refused, but not as not found', refusal('look', 500, 'Internal error')],
    ['makes no sense', reply('look', 'nonsense')],
  ])('looking %s: it is tried again, for as long as the caller may ring', (_, outcome) => {
    const stage = start().play([unknown('invite'), look], [outcome]);
    expect(stage.timers.get('look')).toBe(5_000);
    stage.play(
      looking,
      [outcome],
      [
        timer('caller'),
        'Error: failed to establish initial call: 408 Request Timeout',
        `MI dlg_end_dlg ${FIRST}`,
      ],
    );
    expect(stage.over).toBe(false);
  });
});

describe('a CallStart whose INVITE or its reply is lost finds out before anybody says so', () => {
  it('nothing is heard of it for 5 s: the list is read', () => {
    const stage = start();
    expect(stage.timers.get('look')).toBe(5_000);
    stage.play(looking);
  });

  it('it rings: then there is nothing to find out', () => {
    expect(start().play(ringing).timers.has('look')).toBe(false);
    expect(
      start()
        .play(looking, [found(1)])
        .timers.has('look'),
    ).toBe(false);
  });

  it('the INVITE never was: told when the list has been read twice, for what was asked last may come first', () => {
    const stage = start().play(looking, [absent]);
    expect(stage.timers.get('look')).toBe(1_000);
    stage.play(
      looking,
      [absent, noSuchCall, `MI dlg_end_dlg ${FIRST}`],
      [refusal(`release ${FIRST}`, 404, 'Requested Dialog not found'), 'Ended'],
    );
    expect(stage.over, 'a call that comes all the same is ended').toBe(false);
    stage.play([dialog(FIRST, 1, 2), `MI dlg_end_dlg ${FIRST}`]);
  });

  it('the INVITE was only slow: on it goes', () => {
    start().play(
      looking,
      [absent],
      ringing,
      [dialog(FIRST, 2, 3)],
      [reply('invite', answer), 'CallerAnswered'],
    );
  });

  it('events say that it is answered, and the reply does not come within a second: the list tells', () => {
    const stage = start().play(ringing, [dialog(FIRST, 2, 3)], [dialog(FIRST, 3, 4)]);
    expect(stage.timers.get('look')).toBe(1_000);
    stage.play(looking, [found(4), 'CallerAnswered', refer]);
    stage.play([reply('invite', answer)]);
  });

  it('events say that it is over, and the reply does not come: nobody can tell why', () => {
    const stage = start().play(ringing, [dialog(FIRST, 2, 5)]);
    expect(stage.timers.get('look')).toBe(1_000);
    stage.play(looking, [absent], looking, [absent, hasEnded, 'Ended']);
    expect(stage.over).toBe(true);
  });

  it('a list that was asked for before they said so does not count: the reply may still be under way', () => {
    start().play(
      looking,
      [dialog(FIRST, 1, 5)],
      [absent],
      [
        reply('invite', { Status: '408 Request Timeout' }),
        'Error: failed to establish initial call: 408 Request Timeout',
        'Ended',
      ],
    );
  });

  it('the reply comes within that second', () => {
    const stage = start().play(
      ringing,
      [dialog(FIRST, 2, 3)],
      [dialog(FIRST, 3, 4)],
      [reply('invite', answer), 'CallerAnswered', refer],
    );
    expect(stage.timers.has('look')).toBe(false);
  });
});

describe('a CallStart that may have missed events asks how its dialog stands', () => {
  it('while the caller is called: a second later, for a reply may be under way', () => {
    const stage = start().play(ringing, [settle]);
    expect(stage.timers.get('look')).toBe(1_000);
    stage.play(looking, [found(4), 'CallerAnswered', refer]);
  });

  it('after the answer: the REFER need not wait for the event of the ACK', () => {
    start().play([reply('invite', answer)], [settle, look], [found(4), 'CallerAnswered', refer]);
  });

  it('after the answer, and the ACK is not through yet', () => {
    start().play(
      [reply('invite', answer)],
      [settle, look],
      [found(3), 'CallerAnswered'],
      [timer('acknowledged'), refer],
    );
  });

  it('after the answer, and it is gone', () => {
    const stage = start().play(
      ringing,
      [dialog(FIRST, 2, 3)],
      [reply('invite', answer), 'CallerAnswered'],
      [settle, look],
      [absent, 'Error: failed to establish initial call: 487 the caller hung up', 'Ended'],
    );
    expect(stage.over).toBe(true);
  });

  it.each([
    ['no answer', unknown('look')],
    ['a refusal for other reasons', refusal('look', 500, 'Internal error')],
  ])('after the answer, and %s tells nothing: on it goes', (_, outcome) => {
    start().play(
      [reply('invite', answer)],
      [settle, look],
      [outcome],
      [timer('acknowledged'), 'CallerAnswered', refer],
    );
  });

  it('while it is being ended: by asking for that again', () => {
    start().play(
      [
        timer('caller'),
        'Error: failed to establish initial call: 408 Request Timeout',
        `MI dlg_end_dlg ${FIRST}`,
      ],
      [reply(`release ${FIRST}`, 'OK'), 'Ended'],
      [settle, `MI dlg_end_dlg ${FIRST}`],
    );
  });
});

describe('a CallStart whose REFER may have run', () => {
  const referred: Row[] = [
    [dialog(FIRST, 1, 2), 'CallerRinging'],
    [dialog(FIRST, 2, 3)],
    [dialog(FIRST, 3, 4)],
    [reply('invite', answer), 'CallerAnswered', refer],
  ];

  it('goes on with the events, in order', () => {
    start().play(
      ...referred,
      [transfer('start')],
      [unknown('transfer'), refer],
      [refusal('transfer', 491, 'Request Pending'), 'Transferring', 'TransferStart'],
    );
  });

  it('fails within 10 s where nothing happens', () => {
    const stage = start().play(...referred, [unknown('transfer'), refer], [unknown('transfer')]);
    expect(stage.timers.get('taken')).toBe(10_000);
    stage.play(
      [timer('taken'), 'MI dlg_list 0+12'],
      [reply('find', page()), notReached, `MI dlg_end_dlg ${FIRST}`],
    );
  });

  it('and one that was not run waits for an adapter, for half a minute', () => {
    const again: Row = [notRun('transfer'), refer];
    start().play(...referred, again, again, again, again, again, [
      notRun('transfer'),
      'Error: call_transfer was not sent to OpenSIPS: no adapter was connected',
      `MI dlg_end_dlg ${FIRST}`,
    ]);
  });
});
