import { describe, expect, it } from 'vitest';
import { callStart } from './call-start.ts';
import { answer, dialog, notRun, refusal, reply, shown, timer, transfer, unknown } from './testing/inputs.ts';
import { FIRST, type Row, Stage } from './testing/stage.ts';

const start = () => new Stage(callStart, { caller: 'sip:alice@10.0.0.10', callee: 'sip:bob@10.0.0.11' });
const look = `MI dlg_list ${FIRST}`;
const refer = `MI call_transfer ${FIRST}`;
const ringing: Row = [dialog(FIRST, 1, 2), 'CallerRinging'];
const found = (state: number) => reply('look', { Dialog: shown(FIRST, { state, timestart: 0 }) });

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
  it('it was answered, as events said: on it goes', () => {
    start().play(
      ringing,
      [dialog(FIRST, 2, 3)],
      [unknown('invite'), 'CallerAnswered'],
      [dialog(FIRST, 3, 4), refer],
    );
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

  it('there is no such dialog: the call failed, in a way that nobody can tell', () => {
    const stage = start().play(
      [unknown('invite'), look],
      [
        refusal('look', 404, 'No such dialog'),
        'Error: OpenSIPS did not answer t_uac_dlg (no such call): it may have been done or not',
        `MI dlg_end_dlg ${FIRST}`,
      ],
      [refusal(`release ${FIRST}`, 404, 'Requested Dialog not found'), 'Ended'],
    );
    expect(stage.told[0]?.error?.code).toBe(-32013);
    expect(stage.over).toBe(true);
  });

  it('it has ended, as the list says: it was never answered for all we know', () => {
    start().play(
      [unknown('invite'), look],
      [
        found(5),
        'Error: OpenSIPS did not answer t_uac_dlg (the call has ended): it may have been done or not',
        'Ended',
      ],
    );
  });

  it('it was refused, as its dialog said: nobody is told that the caller answered', () => {
    const stage = start().play(
      ringing,
      [dialog(FIRST, 2, 5)],
      [unknown('invite'), look],
      [
        refusal('look', 404, 'No such dialog'),
        'Error: OpenSIPS did not answer t_uac_dlg (no such call): it may have been done or not',
        'Ended',
      ],
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

  it('even looking is not answered: the leg is ended as one that may still ring', () => {
    const stage = start().play(
      [unknown('invite'), look],
      [
        unknown('look'),
        'Error: OpenSIPS did not answer dlg_list (no answer in time): it may have been done or not',
        `MI dlg_end_dlg ${FIRST}`,
      ],
    );
    expect(stage.over).toBe(false);
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
    start().play(...referred, [transfer('start')], [unknown('transfer'), 'Transferring', 'TransferStart']);
  });

  it('fails within 10 s where nothing happens', () => {
    const stage = start().play(...referred, [unknown('transfer')]);
    expect(stage.timers.get('taken')).toBe(10_000);
    stage.play([
      timer('taken'),
      'Error: transfer failed: the phone did not take it within 10 s',
      `MI dlg_end_dlg ${FIRST}`,
    ]);
  });

  it('and one that was not run fails at once', () => {
    start().play(...referred, [
      notRun('transfer'),
      'Error: call_transfer was not sent to OpenSIPS: no adapter was connected',
      `MI dlg_end_dlg ${FIRST}`,
    ]);
  });
});
