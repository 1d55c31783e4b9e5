import { describe, expect, it } from 'vitest';
import { callBlindTransfer } from './call-blind-transfer.ts';
import { dialog, notify, refusal, reply, timer, transfer } from './testing/inputs.ts';
import { FIRST, NEW, type Row, Stage } from './testing/stage.ts';

const start = () =>
  new Stage(callBlindTransfer, { callid: FIRST, leg: 'caller', destination: 'sip:carol@10.0.0.12' });
const succeeded: Row[] = [
  [reply('transfer', 'Accepted'), 'Transferring'],
  [transfer('start'), 'TransferStart'],
  [transfer('ok', '200 OK'), 'TransferSuccessful', `MI dlg_end_dlg ${FIRST}`],
];

describe('CallBlindTransfer', () => {
  it('sends the leg that the client named', () => {
    expect(start().outstanding.get('transfer')?.params).toEqual({
      callid: FIRST,
      leg: 'caller',
      destination: 'sip:carol@10.0.0.12',
    });
  });

  it('tells what wire.md promises', () => {
    const destination = 'sip:bob@10.0.0.7';
    const stage = start().play(
      [reply('transfer', 'Accepted'), 'Transferring'],
      [transfer('start'), 'TransferStart'],
      [notify('180 Ringing'), 'TransferPending'],
      [dialog(FIRST, 4, 5)],
      [transfer('ok', '200 OK'), 'TransferSuccessful', 'Ended'],
    );
    expect(stage.told).toEqual([
      { event: 'Transferring', data: { destination: 'sip:carol@10.0.0.12' } },
      { event: 'TransferStart', data: { callid: NEW, destination } },
      { event: 'TransferPending', data: { callid: NEW, destination, extra: '180 Ringing' } },
      { event: 'TransferSuccessful', data: { callid: NEW, destination } },
      { event: 'Ended' },
    ]);
    expect(stage.over).toBe(true);
  });

  it('ends the call that the party left', () => {
    const stage = start().play(...succeeded, [reply(`release ${FIRST}`, 'OK'), 'Ended']);
    expect(stage.over, 'OpenSIPS has only queued the BYE').toBe(false);
    stage.play([dialog(FIRST, 4, 5)]);
    expect(stage.over).toBe(true);
  });

  it('"not found" is fine there: the phone hung it up by itself', () => {
    const stage = start().play(...succeeded, [
      refusal(`release ${FIRST}`, 404, 'Requested Dialog not found'),
      'Ended',
    ]);
    expect(stage.over).toBe(true);
  });

  it('tells `Ended` after 2 s where OpenSIPS does not answer, and asks on', () => {
    const stage = start().play(...succeeded);
    expect(stage.timers.get('release-closing')).toBe(2_000);
    stage.play(
      [timer('release-closing'), 'Ended'],
      [refusal(`release ${FIRST}`, 500, 'Internal error')],
      [timer('release-again'), `MI dlg_end_dlg ${FIRST}`],
    );
  });

  it('leaves the call alone where it failed: the phone still has it', () => {
    const stage = start().play(
      [reply('transfer', 'Accepted'), 'Transferring'],
      [
        transfer('fail', '486 Busy Here'),
        'TransferStart',
        'Error: transfer failed with status 486 Busy Here',
        'Ended',
      ],
    );
    expect(stage.over).toBe(true);
  });
});
