import { describe, expect, it } from 'vitest';
import { callStart } from './call-start.ts';
import {
  answer,
  cancel,
  dialog,
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

const start = () => new Stage(callStart, { caller: 'sip:alice@10.0.0.10', callee: 'sip:bob@10.0.0.11' });
const endFirst = `MI dlg_end_dlg ${FIRST}`;
const endNew = `MI dlg_end_dlg ${NEW}`;
const notEstablished = 'Error: failed to establish initial call: 487 Request Terminated';
const notTransferred = 'Error: transfer failed with status 487 Request Terminated';
const ringing: Row = [dialog(FIRST, 1, 2), 'CallerRinging'];
const terminated = { Status: '487 Request Terminated' };

describe('a CallEnd while the caller’s phone rings', () => {
  it('cancels the call, and `Ended` waits for OpenSIPS’s word', () => {
    const stage = start().play(
      ringing,
      [cancel, notEstablished, endFirst],
      [reply(`release ${FIRST}`, 'OK'), 'Ended'],
      [dialog(FIRST, 2, 5)],
    );
    expect(stage.over).toBe(true);
  });

  it('is over with the INVITE’s 487 where the event of its end is lost', () => {
    const stage = start().play(
      ringing,
      [cancel, notEstablished, endFirst],
      [reply(`release ${FIRST}`, 'OK'), 'Ended'],
      [reply('invite', terminated)],
    );
    expect(stage.over).toBe(true);
  });

  it('hangs up where the phone answered as the CANCEL was under way', () => {
    const stage = start().play(
      ringing,
      [cancel, notEstablished, endFirst],
      [reply(`release ${FIRST}`, 'OK'), 'Ended'],
      [dialog(FIRST, 2, 3), endFirst],
      [reply('invite', answer)],
      [reply(`release ${FIRST}`, 'OK')],
      [dialog(FIRST, 3, 5)],
    );
    expect(stage.over).toBe(true);
  });
});

describe('a CallEnd before anything rings cannot cancel the INVITE', () => {
  /** OpenSIPS says OK, and the INVITE goes on (trace `caller-silent`). */
  const inVain: Row[] = [
    [cancel, notEstablished, endFirst],
    [reply(`release ${FIRST}`, 'OK'), 'Ended'],
  ];

  it('so the client is told, and the leg is followed on', () => {
    const stage = start().play(...inVain);
    expect(stage.over).toBe(false);
    expect(stage.follows).toContain(FIRST);
  });

  it('it is asked again when the phone rings, which is told to nobody', () => {
    const stage = start().play(
      ...inVain,
      [dialog(FIRST, 1, 2), endFirst],
      [reply(`release ${FIRST}`, 'OK')],
      [dialog(FIRST, 2, 5)],
    );
    expect(stage.over).toBe(true);
  });

  it('it gets a BYE when the phone answers at once', () => {
    const stage = start().play(
      ...inVain,
      [dialog(FIRST, 1, 3), endFirst],
      [reply('invite', answer)],
      [reply(`release ${FIRST}`, 'OK')],
      [dialog(FIRST, 3, 5)],
    );
    expect(stage.over).toBe(true);
  });

  it('it gets a BYE where only the reply tells of the answer', () => {
    const stage = start().play(
      ...inVain,
      [reply('invite', answer), endFirst],
      [reply(`release ${FIRST}`, 'OK')],
      [dialog(FIRST, 3, 5)],
    );
    expect(stage.over).toBe(true);
  });

  it('it is asked again now and then, ever more slowly', () => {
    const stage = start().play(...inVain);
    const pauses: (number | undefined)[] = [];
    for (let time = 0; time < 6; time++) {
      pauses.push(stage.timers.get('release-again'));
      stage.play([timer('release-again'), endFirst], [reply(`release ${FIRST}`, 'OK')]);
    }
    expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 8_000]);
  });

  it('it is over when the INVITE is', () => {
    const stage = start().play(...inVain, [reply('invite', { Status: '408 Request Timeout' })]);
    expect(stage.over).toBe(true);
  });

  it('"not found" may only mean "not there yet" while the INVITE is open', () => {
    const stage = start().play(
      [cancel, notEstablished, endFirst],
      [refusal(`release ${FIRST}`, 404, 'Requested Dialog not found'), 'Ended'],
    );
    expect(stage.over).toBe(false);
    stage.play([dialog(FIRST, 1, 2), endFirst]);
  });

  it('"not found" from before the call was there is not believed once it has been answered', () => {
    start().play(
      [cancel, notEstablished, endFirst],
      [reply('invite', answer)],
      [refusal(`release ${FIRST}`, 404, 'Requested Dialog not found'), endFirst, 'Ended'],
      [reply(`release ${FIRST}`, 'OK')],
    );
  });

  it('it is asked again at once where events may have been missed, unless that is under way', () => {
    start().play(
      ...inVain,
      [settle, endFirst],
      [settle],
      [reply(`release ${FIRST}`, 'OK')],
      [settle, endFirst],
    );
  });

  it('it is over where the INVITE’s answer is lost and OpenSIPS knows it no more', () => {
    const stage = start().play(
      ...inVain,
      [unknown('invite')],
      [timer('release-again'), endFirst],
      [refusal(`release ${FIRST}`, 404, 'Requested Dialog not found')],
    );
    expect(stage.over).toBe(true);
  });

  it('it is given up after the longest life of an INVITE', () => {
    const stage = start().play(...inVain);
    expect(stage.timers.get('release-linger')).toBe(200_000);
    stage.play([timer('release-linger')]);
    expect(stage.over).toBe(true);
  });
});

describe('a caller who rings too long is treated like a CallEnd', () => {
  it('and told as 408', () => {
    const stage = start().play(
      ringing,
      [timer('caller'), 'Error: failed to establish initial call: 408 Request Timeout', endFirst],
      [reply(`release ${FIRST}`, 'OK'), 'Ended'],
    );
    expect(stage.told.at(-2)?.error).toMatchObject({
      code: -32012,
      sip: { status: 408, reason: 'Request Timeout' },
    });
  });
});

describe('a CallEnd after the caller answered ends whatever stands', () => {
  const answered: Row[] = [ringing, [dialog(FIRST, 2, 3)], [reply('invite', answer), 'CallerAnswered']];
  const referred: Row[] = [...answered, [dialog(FIRST, 3, 4), `MI call_transfer ${FIRST}`]];
  const begun: Row[] = [
    ...referred,
    [reply('transfer', 'Accepted'), 'Transferring'],
    [transfer('start'), 'TransferStart'],
  ];

  it('before the REFER: the first leg', () => {
    const stage = start().play(
      ...answered,
      [cancel, notEstablished, endFirst],
      [reply(`release ${FIRST}`, 'OK'), 'Ended'],
      [dialog(FIRST, 3, 5)],
    );
    expect(stage.over).toBe(true);
  });

  it('while the callee rings: both legs, for the new call outlives the first (trace `end-mid-transfer`)', () => {
    const stage = start().play(
      ...begun,
      [dialog(NEW, 1, 2)],
      [cancel, notTransferred, endFirst, endNew],
      [reply(`release ${FIRST}`, 'OK')],
      [reply(`release ${NEW}`, 'OK'), 'Ended'],
      [dialog(FIRST, 4, 5)],
      [dialog(NEW, 2, 5)],
    );
    expect(stage.over).toBe(true);
  });

  it('while the reply to the REFER is under way, a call that is begun all the same is ended too', () => {
    start().play(...referred, [transfer('start')], [cancel, notTransferred, endFirst, endNew]);
  });

  it('after `Accepted`: a call that is begun all the same is ended as soon as it is heard of', () => {
    const stage = start().play(
      ...referred,
      [reply('transfer', 'Accepted'), 'Transferring'],
      [cancel, notTransferred, endFirst],
      [transfer('start'), endNew],
      [reply(`release ${FIRST}`, 'OK')],
      [reply(`release ${NEW}`, 'OK'), 'Ended'],
      [dialog(FIRST, 4, 5)],
      [dialog(NEW, 1, 5)],
    );
    expect(stage.over).toBe(true);
  });

  it('when the phone has hung the first leg up to make its new call: that is looked for, and ended', () => {
    const found = shown(NEW, { state: 2, to_uri: `sip:bob@10.0.0.11;osid=id-of-${FIRST}` });
    const stage = start().play(
      ...referred,
      [reply('transfer', 'Accepted'), 'Transferring'],
      [dialog(FIRST, 4, 5)],
      [cancel, notTransferred, 'Ended'],
      [timer('search'), 'MI dlg_list 0+12'],
      [reply('find', page(found)), endNew],
      [reply(`release ${NEW}`, 'OK')],
      [dialog(NEW, 2, 5)],
    );
    expect(stage.over).toBe(true);
  });

  it('and where it never comes, that is given up 10 s after `Accepted`', () => {
    const stage = start().play(
      ...referred,
      [reply('transfer', 'Accepted'), 'Transferring'],
      [cancel, notTransferred, endFirst],
      [reply(`release ${FIRST}`, 'OK'), 'Ended'],
      [dialog(FIRST, 4, 5)],
    );
    expect(stage.over).toBe(false);
    stage.play([timer('taken'), 'MI dlg_list 0+12'], [reply('find', page())]);
    expect(stage.over).toBe(true);
  });

  it('or later, where that last search has no answer', () => {
    const stage = start().play(
      ...referred,
      [reply('transfer', 'Accepted'), 'Transferring'],
      [cancel, notTransferred, endFirst],
      [reply(`release ${FIRST}`, 'OK'), 'Ended'],
      [dialog(FIRST, 4, 5)],
      [timer('taken'), 'MI dlg_list 0+12'],
      [unknown('find')],
    );
    expect(stage.over).toBe(false);
    stage.play([timer('search'), 'MI dlg_list 0+12'], [reply('find', page())]);
    expect(stage.over).toBe(true);
  });

  it('a call that begins while events are missed is looked for, and ended', () => {
    start().play(
      ...referred,
      [reply('transfer', 'Accepted'), 'Transferring'],
      [cancel, notTransferred, endFirst],
      [settle, 'MI dlg_list 0+12'],
      [
        reply('find', page(shown(NEW, { state: 2, to_uri: `sip:bob@10.0.0.11;osid=id-of-${FIRST}` }))),
        endNew,
      ],
    );
  });

  it('a REFER whose answer is lost is not asked for again: what may come of it is looked for', () => {
    const stage = start().play(
      ...referred,
      [cancel, notTransferred, endFirst],
      [unknown('transfer')],
      [reply(`release ${FIRST}`, 'OK'), 'Ended'],
      [timer('search'), 'MI dlg_list 0+12'],
    );
    expect(stage.over).toBe(false);
  });

  it('one that was not run needs no search', () => {
    const stage = start().play(
      ...referred,
      [cancel, notTransferred, endFirst],
      [notRun('transfer')],
      [reply(`release ${FIRST}`, 'OK'), 'Ended'],
      [dialog(FIRST, 4, 5)],
    );
    expect(stage.over).toBe(true);
  });

  it('just after CalleeAnswered: the call that stands, too', () => {
    const stage = start().play(
      ...begun,
      [dialog(NEW, 1, 2)],
      [dialog(NEW, 2, 3)],
      [transfer('ok', '200 OK'), 'CalleeAnswered', endFirst],
      [cancel, endNew],
      [reply(`release ${FIRST}`, 'OK')],
      [reply(`release ${NEW}`, 'OK'), 'Ended'],
      [dialog(FIRST, 4, 5)],
      [dialog(NEW, 4, 5)],
    );
    expect(stage.over).toBe(true);
  });

  it('asked for twice is done once', () => {
    start().play(...begun, [cancel, notTransferred, endFirst, endNew], [cancel]);
  });
});
