import { describe, expect, it } from 'vitest';
import { callBlindTransfer } from './call-blind-transfer.ts';
import { dialog, notify, notRun, refusal, reply, timer, transfer, unknown } from './testing/inputs.ts';
import { FIRST, NEW, type Row, Stage } from './testing/stage.ts';

/** A blind transfer shows the course of any transfer. */
const start = () =>
  new Stage(callBlindTransfer, { callid: FIRST, leg: 'callee', destination: 'sip:carol@10.0.0.12' });
const endFirst = `MI dlg_end_dlg ${FIRST}`;
const accepted: Row = [reply('transfer', 'Accepted'), 'Transferring'];
const begun: Row[] = [accepted, [transfer('start'), 'TransferStart']];
const failedWith = (status: string) => `Error: transfer failed with status ${status}`;

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
  it('a phone that refuses the REFER raises nothing: 10 s after `Accepted` it is told so', () => {
    const stage = start().play(accepted);
    expect(stage.timers.get('taken')).toBe(10_000);
    stage.play([timer('taken'), 'Error: transfer failed: the phone did not take it within 10 s', 'Ended']);
    expect(stage.told[1]?.error?.code).toBe(-32012);
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
    stage.play([timer('callee'), failedWith('408 Request Timeout'), 'Ended']);
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

  it('it was never sent', () => {
    start().play([
      notRun('transfer'),
      'Error: call_transfer was not sent to OpenSIPS: no adapter was connected',
      'Ended',
    ]);
  });

  it('whether it ran is not known, and nothing happens', () => {
    start().play(
      [unknown('transfer')],
      [timer('taken'), 'Error: transfer failed: the phone did not take it within 10 s', 'Ended'],
    );
  });
});
