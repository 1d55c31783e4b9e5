import { describe, expect, it } from 'vitest';
import { callEnd } from './call-end.ts';
import { dialog, notRun, refusal, reply, settle, timer, unknown } from './testing/inputs.ts';
import { FIRST, type Row, Stage } from './testing/stage.ts';

const start = () => new Stage(callEnd, { callid: FIRST });
const ask = `MI dlg_end_dlg ${FIRST}`;
const answer = `release ${FIRST}`;

describe('CallEnd by Call-ID', () => {
  it('asks OpenSIPS at once', () => {
    expect(start().opening).toContain(ask);
  });

  it.each<[string, Row[]]>([
    ['with the reply', [[reply(answer, 'OK'), 'Ended'], [dialog(FIRST, 4, 5)]]],
    ['with the event where that is first', [[dialog(FIRST, 4, 5), 'Ended']]],
  ])('`Ended` is told %s', (_, rows) => {
    expect(start().play(...rows).over).toBe(true);
  });

  it('OpenSIPS may die with the BYE that it has queued: one that stands then is ended again', () => {
    const stage = new Stage(callEnd, { callid: FIRST }, () => undefined, [FIRST]);
    stage.play([reply(answer, 'OK'), 'Ended'], [settle, ask], [reply(answer, 'OK')], [dialog(FIRST, 4, 5)]);
    expect(stage.over).toBe(true);
  });

  it('of a call that was known to be answered "not found" says that it was ended', () => {
    const stage = new Stage(callEnd, { callid: FIRST }, () => undefined, [FIRST]);
    stage.play([unknown(answer)], [timer('release-again'), ask]);
    stage.play([refusal(answer, 404, 'Requested Dialog not found'), 'Ended']);
    expect([stage.over, stage.told[0]?.event]).toEqual([true, 'Ended']);
  });

  it('a call that is not there is an Error, in upstream’s words', () => {
    const stage = start().play([
      refusal(answer, 404, 'Requested Dialog not found'),
      'Error: 404 Requested Dialog not found',
      'Ended',
    ]);
    expect(stage.over).toBe(true);
    expect(stage.told[0]?.error).toMatchObject({ code: -32011, sip: { status: 404 } });
  });

  it('a call that has not rung is asked again when it rings, which is told to nobody', () => {
    const stage = start().play(
      [reply(answer, 'OK'), 'Ended'],
      [dialog(FIRST, 1, 2), ask],
      [reply(answer, 'OK')],
      [dialog(FIRST, 2, 5)],
    );
    expect(stage.over).toBe(true);
  });

  it('what was done is no Error because the call went on meanwhile', () => {
    const stage = start().play(
      [dialog(FIRST, 3, 4)],
      [reply(answer, 'OK'), ask, 'Ended'],
      [refusal(answer, 404, 'Requested Dialog not found')],
    );
    expect(stage.over).toBe(true);
  });

  it('where the event of the end is lost, "not found" a little later settles it', () => {
    const stage = start().play(
      [reply(answer, 'OK'), 'Ended'],
      [timer('release-again'), ask],
      [refusal(answer, 404, 'Requested Dialog not found')],
    );
    expect(stage.over).toBe(true);
  });

  it('no answer: asked again, and "not found" then means that it was done, if the call was ever seen', () => {
    const stage = start().play([unknown(answer)], [dialog(FIRST, 4, 5), 'Ended']);
    expect(stage.over).toBe(true);
    const later = start().play(
      [dialog(FIRST, 2, 3)],
      [unknown(answer), ask],
      [refusal(answer, 404, 'Requested Dialog not found'), 'Ended'],
    );
    expect(later.over).toBe(true);
  });

  it('of a call that was never seen, nobody can tell', () => {
    const stage = start().play(
      [unknown(answer)],
      [timer('release-again'), ask],
      [
        refusal(answer, 404, 'Requested Dialog not found'),
        'Error: OpenSIPS did not answer dlg_end_dlg (there is no such call now): it may have been done or not',
        'Ended',
      ],
    );
    expect(stage.over).toBe(true);
  });

  it('where events may have been missed it is asked again at once, unless that is under way', () => {
    const stage = start().play(
      [settle],
      [reply(answer, 'OK'), 'Ended'],
      [settle, ask],
      [refusal(answer, 404, 'Requested Dialog not found')],
    );
    expect(stage.over).toBe(true);
  });

  it('no answer within 5 s is an Error that says it may have been done', () => {
    const stage = start();
    expect(stage.timers.get('release-closing')).toBe(5_000);
    stage.play(
      [notRun(answer)],
      [
        timer('release-closing'),
        'Error: OpenSIPS did not answer dlg_end_dlg (no answer in time): it may have been done or not',
        'Ended',
      ],
    );
    expect(stage.told[0]?.error?.code).toBe(-32013);
  });

  it('a call that is given up in the end is forgotten', () => {
    const stage = start().play([reply(answer, 'OK'), 'Ended'], [timer('release-linger')]);
    expect(stage.over).toBe(true);
  });
});

describe('CallEnd by the `cmd_id` of a CallStart that has ended', () => {
  it('ends the call that it made', () => {
    const stage = new Stage(callEnd, { callid: 'call-7' }, () => 'made@phone');
    expect(stage.opening).toContain('MI dlg_end_dlg made@phone');
    stage.play([reply('release made@phone', 'OK'), 'Ended']);
  });
});

describe('CallEnd by the `cmd_id` of a CallStart that still runs', () => {
  const startNamed = () =>
    new Stage(callEnd, { callid: 'call-7' }, (cmdId) => (cmdId === 'call-7' ? 'running' : undefined));

  it('cancels that command and asks OpenSIPS for nothing itself', () => {
    const stage = startNamed();
    expect(stage.opening).toContain('cancel call-7');
    expect(stage.outstanding.size).toBe(0);
  });

  it('is over when that one has told its client `Ended`', () => {
    expect(startNamed().play([{ type: 'cancelled' }, 'Ended']).over).toBe(true);
  });

  it('has nothing to ask where events may have been missed', () => {
    startNamed().play([settle], [{ type: 'cancelled' }, 'Ended']);
  });

  it('fails where that takes longer than 5 s', () => {
    const stage = startNamed();
    expect(stage.timers.get('cancelled')).toBe(5_000);
    stage.play([timer('cancelled'), 'Error: the CallStart did not end within 5 s', 'Ended']);
    expect(stage.over).toBe(true);
  });
});
