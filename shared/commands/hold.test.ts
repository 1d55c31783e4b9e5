import { describe, expect, it } from 'vitest';
import { callHold } from './call-hold.ts';
import { callUnhold } from './call-unhold.ts';
import { dialog, hold, notRun, refusal, reply, settle, shown, timer, unknown } from './testing/inputs.ts';
import { FIRST, type Row, Stage } from './testing/stage.ts';

describe.each([
  ['CallHold', callHold, 'hold', 'call_hold'],
  ['CallUnhold', callUnhold, 'unhold', 'call_unhold'],
] as const)('%s', (name, machine, action, method) => {
  const start = () => new Stage(machine, { callid: FIRST });
  const leg = (which: string, state: string) => hold(which, state, action);
  const taken: Row = [reply('hold', 'OK'), `${name}ing`];
  const starts = (which: string): Row => [leg(which, 'start'), `${name}Start`];
  const done: Row[] = [starts('caller'), starts('callee'), [leg('caller', 'ok'), `${name}Successful`]];

  it(`asks OpenSIPS for ${method}`, () => {
    expect(start().outstanding.get('hold')).toEqual({ method, params: { callid: FIRST } });
  });

  it('asks for one leg alone where the client does, also when it must ask again', () => {
    const stage = new Stage(machine, { callid: FIRST, leg: 'callee' });
    const asked = { method, params: { callid: FIRST, leg: 'callee' } };
    expect(stage.outstanding.get('hold')).toEqual(asked);
    stage.play([unknown('hold'), `MI ${method} ${FIRST}`]);
    expect(stage.outstanding.get('hold')).toEqual(asked);
  });

  it('tells of each leg, and ends at once when both are through', () => {
    const stage = start().play(taken, ...done, [leg('callee', 'ok'), `${name}Successful`, 'Ended']);
    expect(stage.told).toEqual([
      { event: `${name}ing` },
      { event: `${name}Start`, data: { leg: 'caller' } },
      { event: `${name}Start`, data: { leg: 'callee' } },
      { event: `${name}Successful`, data: { leg: 'caller' } },
      { event: `${name}Successful`, data: { leg: 'callee' } },
      { event: 'Ended' },
    ]);
    expect(stage.over).toBe(true);
  });

  it('tells in order where some events overtake the reply', () => {
    start().play(
      [leg('caller', 'start')],
      [leg('callee', 'start')],
      [reply('hold', 'OK'), `${name}ing`, `${name}Start`, `${name}Start`],
    );
  });

  it('tells in order where all events overtake the reply', () => {
    start().play(
      [leg('callee', 'start')],
      [leg('caller', 'start')],
      [leg('callee', 'ok')],
      [leg('caller', 'ok')],
      [
        reply('hold', 'OK'),
        `${name}ing`,
        `${name}Start`,
        `${name}Start`,
        `${name}Successful`,
        `${name}Successful`,
        'Ended',
      ],
    );
  });

  it('a `start` that is lost is made up for', () => {
    start().play(taken, [leg('caller', 'ok'), `${name}Start`, `${name}Successful`]);
  });

  it('what comes twice is told once', () => {
    start().play(
      taken,
      starts('caller'),
      [leg('caller', 'start')],
      [leg('caller', 'ok'), `${name}Successful`],
      [leg('caller', 'ok')],
    );
  });

  describe('where one leg is already as asked', () => {
    const one: Row[] = [taken, starts('callee'), [leg('callee', 'ok'), `${name}Successful`]];

    it('it ends when 300 ms were quiet after the other', () => {
      const stage = start().play(...one);
      expect(stage.timers.get('quiet')).toBe(300);
      stage.play([timer('quiet'), 'Ended']);
    });

    it('but a leg that starts in that time is waited for', () => {
      const stage = start().play(...one, starts('caller'));
      expect(stage.timers.has('quiet')).toBe(false);
      stage.play([leg('caller', 'ok'), `${name}Successful`, 'Ended']);
    });
  });

  describe('where a phone refuses', () => {
    it('the leg is told and the command fails, once the other leg is through', () => {
      const stage = start().play(taken, ...done, [
        leg('callee', 'fail'),
        `${name}Failed`,
        `Error: ${action} failed: 488 refused by the callee`,
        'Ended',
      ]);
      expect(stage.told.at(-2)?.error).toMatchObject({ code: -32010, sip: { status: 488 } });
    });

    it('both: told of both', () => {
      start().play(
        taken,
        starts('caller'),
        starts('callee'),
        [leg('caller', 'fail'), `${name}Failed`],
        [
          leg('callee', 'fail'),
          `${name}Failed`,
          `Error: ${action} failed: 488 refused by the caller and the callee`,
          'Ended',
        ],
      );
    });

    it('and the other is already as asked: after 300 ms of quiet', () => {
      start().play(
        taken,
        starts('callee'),
        [leg('callee', 'fail'), `${name}Failed`],
        [timer('quiet'), `Error: ${action} failed: 488 refused by the callee`, 'Ended'],
      );
    });
  });

  describe('where a phone does not answer its re-INVITE', () => {
    it('it fails after 35 s', () => {
      const stage = start().play(taken, ...done);
      expect(stage.timers.get('re-invite')).toBe(35_000);
      stage.play([
        timer('re-invite'),
        `Error: ${action}: no word from the callee within 35 s, so it may have been done or not`,
        'Ended',
      ]);
      expect(stage.told.at(-2)?.error?.code).toBe(-32013);
    });

    it('also where nothing was heard of either leg', () => {
      start().play(taken, [
        timer('re-invite'),
        `Error: ${action}: no word from either phone within 35 s, so it may have been done or not`,
        'Ended',
      ]);
    });
  });

  it.each([
    [404, 'Dialog not found'],
    [480, 'Both dialog legs are on hold'],
    [480, 'No dialog legs on hold'],
  ])('a refusal is an Error with OpenSIPS’s sentence: %i %s', (code, message) => {
    const stage = start().play([refusal('hold', code, message), `Error: ${code} ${message}`, 'Ended']);
    expect(stage.told[0]?.error).toMatchObject({ code: -32011, sip: { status: code, reason: message } });
  });

  const again = `MI ${method} ${FIRST}`;
  const notReady = refusal('hold', 410, 'Dialog not ready');

  it.each<[string, Row[]]>([
    ['when it is acknowledged', [[notReady], [dialog(FIRST, 3, 4), again]]],
    ['at once where that was told before', [[dialog(FIRST, 3, 4)], [notReady, again]]],
    ['in any case after a while', [[notReady], [timer('acknowledged'), again]]],
  ])('a call that was just answered is asked for again: %s', (_, rows) => {
    const stage = start().play(...rows, taken, ...done, [leg('callee', 'ok'), `${name}Successful`, 'Ended']);
    expect(stage.over).toBe(true);
  });

  it('once: one that is not ready then either is an Error', () => {
    const error = 'Error: 410 Dialog not ready';
    expect(start().play([notReady], [timer('acknowledged'), again], [notReady, error, 'Ended']).over).toBe(
      true,
    );
  });

  it('events before a refusal are another command’s', () => {
    start().play(
      [leg('caller', 'start')],
      [refusal('hold', 480, 'No dialog legs on hold'), 'Error: 480 No dialog legs on hold', 'Ended'],
    );
  });

  it('the other direction’s events and unknown states are nobody’s news', () => {
    start().play(
      taken,
      [hold('caller', 'start', action === 'hold' ? 'unhold' : 'hold')],
      [leg('caller', 'state')],
      starts('caller'),
    );
  });

  it('a call that ends meanwhile fails it at once', () => {
    start().play(taken, starts('caller'), [
      dialog(FIRST, 4, 5),
      `Error: ${action} failed: 487 the call ended`,
      'Ended',
    ]);
  });

  it('a call that ends before the reply is here fails it with the reply', () => {
    start().play(
      [leg('caller', 'start')],
      [dialog(FIRST, 4, 5)],
      [
        reply('hold', 'OK'),
        `${name}ing`,
        `${name}Start`,
        `Error: ${action} failed: 487 the call ended`,
        'Ended',
      ],
    );
  });

  describe('where its answer is lost it is asked once more', () => {
    const again: Row[] = [[leg('caller', 'start')], [unknown('hold'), `MI ${method} ${FIRST}`]];

    it.each([
      ['taken now', reply('hold', 'OK')],
      ['OpenSIPS had taken it the first time', refusal('hold', 480, 'No such dialog legs')],
      ['that answer is lost as well: the events tell', unknown('hold')],
      ['that was not even sent, but the first was', notRun('hold')],
    ])('%s', (_, outcome) => {
      start().play(...again, [outcome, `${name}ing`, `${name}Start`]);
    });

    it('and where nothing was heard of the first, "already" says nothing of who did it', () => {
      start().play(
        [unknown('hold'), `MI ${method} ${FIRST}`],
        [
          refusal('hold', 480, 'as asked'),
          `Error: OpenSIPS did not answer ${method} (asked again, it says: as asked): it may have been done or not`,
          'Ended',
        ],
      );
    });

    it('and refused for another reason', () => {
      start().play(...again, [
        refusal('hold', 404, 'Dialog not found'),
        'Error: 404 Dialog not found',
        'Ended',
      ]);
    });
  });

  describe('where events may have been missed the call is looked for', () => {
    const look: Row = [settle, `MI dlg_list ${FIRST}`];

    it('it has ended', () => {
      start().play(taken, starts('caller'), look, [
        refusal('look', 404, 'No such dialog'),
        `Error: ${action} failed: 487 the call ended`,
        'Ended',
      ]);
    });

    it.each([
      ['it stands', reply('look', { Dialog: shown(FIRST) })],
      ['no answer comes', unknown('look')],
      ['it cannot be shown', refusal('look', 500, 'Internal error')],
    ])('%s: the events tell on', (_, outcome) => {
      start().play(taken, ...done, look, [outcome], [leg('callee', 'ok'), `${name}Successful`, 'Ended']);
    });
  });

  it('it was never sent: it fails at once', () => {
    start().play([
      notRun('hold'),
      `Error: ${method} was not sent to OpenSIPS: no adapter was connected`,
      'Ended',
    ]);
  });
});
