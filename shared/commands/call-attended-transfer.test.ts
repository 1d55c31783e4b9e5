import { describe, expect, it } from 'vitest';
import { callAttendedTransfer } from './call-attended-transfer.ts';
import { dialog, refusal, reply, timer, transfer } from './testing/inputs.ts';
import { FIRST, NEW, type Row, Stage } from './testing/stage.ts';

const OTHER = 'other@phone';
const legs = { callidA: FIRST, legA: 'callee', callidB: OTHER, legB: 'callee' } as const;
const accepted: Row = [reply('transfer', 'Accepted'), 'Transferring'];

describe('CallAttendedTransfer', () => {
  it('names both calls and both legs, and a destination only where the client gave one', () => {
    const params = { callid: FIRST, leg: 'callee', transfer_callid: OTHER, transfer_leg: 'callee' };
    expect(new Stage(callAttendedTransfer, legs).outstanding.get('transfer')?.params).toEqual(params);
    const destination = 'sip:dave@10.0.0.13';
    expect(
      new Stage(callAttendedTransfer, { ...legs, destination }).outstanding.get('transfer')?.params,
    ).toEqual({ ...params, destination });
  });

  it('tells what wire.md promises, and ends the call that is left', () => {
    const stage = new Stage(callAttendedTransfer, legs).play(
      accepted,
      [transfer('start'), 'TransferStart'],
      [dialog(NEW, 2, 3)],
      [transfer('ok', '200 OK'), 'TransferSuccessful', `MI dlg_end_dlg ${FIRST}`],
      [reply(`release ${FIRST}`, 'OK'), 'Ended'],
      [dialog(FIRST, 4, 5)],
    );
    expect(stage.told).toEqual([
      { event: 'Transferring' },
      { event: 'TransferStart', data: { callid: NEW, destination: 'sip:bob@10.0.0.7' } },
      { event: 'TransferSuccessful', data: { callid: NEW, destination: 'sip:bob@10.0.0.7' } },
      { event: 'Ended' },
    ]);
    expect(stage.over).toBe(true);
  });

  it('OpenSIPS raises a second set of events for the other call: it is nobody’s news', () => {
    const stage = new Stage(callAttendedTransfer, legs).play(accepted, [transfer('start'), 'TransferStart']);
    expect(stage.follows).not.toContain(OTHER);
  });

  it('where the other phone refuses, both calls stand', () => {
    const stage = new Stage(callAttendedTransfer, legs).play(
      accepted,
      [transfer('start'), 'TransferStart'],
      [dialog(NEW, 1, 5)],
      [transfer('fail', '486 Busy Here'), 'Error: transfer failed with status 486 Busy Here', 'Ended'],
    );
    expect(stage.over).toBe(true);
  });

  it('where the other phone never answers, the new call is ended: both calls stand', () => {
    const stage = new Stage(callAttendedTransfer, legs).play(
      accepted,
      [transfer('start'), 'TransferStart'],
      [dialog(NEW, 1, 2)],
      [timer('callee'), 'Error: transfer failed with status 408 Request Timeout', `MI dlg_end_dlg ${NEW}`],
      [timer('release-closing'), 'Ended'],
      [dialog(NEW, 2, 5)],
    );
    expect(stage.over).toBe(true);
  });

  it('"not found" is fine for the call that is left', () => {
    const stage = new Stage(callAttendedTransfer, legs).play(
      accepted,
      [transfer('ok', '200 OK'), 'TransferStart', 'TransferSuccessful', `MI dlg_end_dlg ${FIRST}`],
      [refusal(`release ${FIRST}`, 404, 'Requested Dialog not found'), 'Ended'],
    );
    expect(stage.over).toBe(true);
  });
});
