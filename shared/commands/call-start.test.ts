import { describe, expect, it } from 'vitest';
import { ACKNOWLEDGED_MS } from '../deadlines.ts';
import { callStart } from './call-start.ts';
import { answer, dialog, notify, refusal, reply, timer, transfer } from './testing/inputs.ts';
import { FIRST, NEW, type Row, Stage } from './testing/stage.ts';

const caller = 'sip:alice@10.0.0.10';
const callee = 'sip:bob@10.0.0.11';
const start = (timeout?: number) =>
  new Stage(callStart, { caller, callee, ...(timeout === undefined ? {} : { timeout }) });

const ringing: Row = [dialog(FIRST, 1, 2), 'CallerRinging'];
const answering: Row = [dialog(FIRST, 2, 3)];
const accepted: Row = [reply('transfer', 'Accepted'), 'Transferring'];

/** As far as the REFER. */
const referred: Row[] = [
  ringing,
  answering,
  [reply('invite', answer), 'CallerAnswered'],
  [dialog(FIRST, 3, 4), `MI call_transfer ${FIRST}`],
];

describe('CallStart calls the caller first', () => {
  it('with an INVITE that passes the routing script and shows the caller who will be reached', () => {
    const stage = start();
    expect(stage.opening).toContain(`MI t_uac_dlg ${caller}`);
    const invite = stage.outstanding.get('invite');
    expect(invite?.params).toMatchObject({ method: 'INVITE', ruri: caller, next_hop: 'sip:10.0.0.1:5060' });
    const headers = invite?.method === 't_uac_dlg' ? invite.params.headers : '';
    expect(headers.split('\r\n')).toEqual([
      `From: <${caller}>`,
      `To: <${callee}>`,
      'Contact: <sip:call-api@10.0.0.1:5060>',
      'Content-Type: application/sdp',
      'CSeq: 1 INVITE',
      `Call-Id: ${FIRST}`,
      '',
    ]);
  });

  it('and lets it ring for 60 s, or as long as the client says', () => {
    expect(start().timers.get('caller')).toBe(60_000);
    expect(start(5).timers.get('caller')).toBe(5_000);
  });

  it('and once it has answered, its time to ring is over', () => {
    expect(
      start()
        .play([reply('invite', answer)])
        .timers.has('caller'),
    ).toBe(false);
  });

  it('and tells all that wire.md promises, in its words', () => {
    const stage = start().play(
      ...referred,
      accepted,
      [transfer('start'), 'TransferStart'],
      [notify('180 Ringing'), 'TransferPending'],
      [dialog(NEW, 2, 3)],
      [transfer('ok', '200 OK'), 'CalleeAnswered', `MI dlg_end_dlg ${FIRST}`],
      [reply(`release ${FIRST}`, 'OK'), 'Ended'],
      [dialog(FIRST, 4, 5)],
    );
    expect(stage.told).toEqual([
      { event: 'CallerRinging', data: { caller, callee } },
      { event: 'CallerAnswered', data: { caller, callee } },
      { event: 'Transferring', data: { caller, destination: callee } },
      { event: 'TransferStart', data: { callid: NEW, caller, callee } },
      { event: 'TransferPending', data: { callid: NEW, caller, callee, extra: '180 Ringing' } },
      { event: 'CalleeAnswered', data: { callid: NEW, caller, callee } },
      { event: 'Ended' },
    ]);
    expect(stage.over).toBe(true);
  });

  it('and sends it to the callee by the leg that it answered', () => {
    const stage = start().play(...referred);
    expect(stage.outstanding.get('transfer')).toEqual({
      method: 'call_transfer',
      params: { callid: FIRST, leg: 'callee', destination: callee },
    });
  });
});

describe('CallStart tells the same whichever comes first, OpenSIPS’s reply or its events', () => {
  const rest: Row[] = [accepted, [transfer('start'), 'TransferStart']];
  it.each<[string, Row[]]>([
    [
      'the reply last of all',
      [
        ringing,
        answering,
        [dialog(FIRST, 3, 4)],
        [reply('invite', answer), 'CallerAnswered', `MI call_transfer ${FIRST}`],
      ],
    ],
    ['the reply before state 4', referred],
    [
      'the reply before state 3',
      [
        ringing,
        [reply('invite', answer)],
        [dialog(FIRST, 2, 3), 'CallerAnswered'],
        [dialog(FIRST, 3, 4), `MI call_transfer ${FIRST}`],
      ],
    ],
    [
      'the reply before anything',
      [
        [reply('invite', answer)],
        ringing,
        [dialog(FIRST, 2, 3), 'CallerAnswered'],
        [dialog(FIRST, 3, 4), `MI call_transfer ${FIRST}`],
      ],
    ],
    [
      'a phone that answers without ringing',
      [
        [dialog(FIRST, 1, 3)],
        [reply('invite', answer), 'CallerAnswered'],
        [dialog(FIRST, 3, 4), `MI call_transfer ${FIRST}`],
      ],
    ],
    [
      'an event for ringing that was lost',
      [
        [dialog(FIRST, 2, 3), 'CallerRinging'],
        [reply('invite', answer), 'CallerAnswered'],
        [dialog(FIRST, 3, 4), `MI call_transfer ${FIRST}`],
      ],
    ],
  ])('%s', (_, rows) => {
    start().play(...rows, ...rest);
  });

  it('an event that comes twice is told once', () => {
    start().play(ringing, [dialog(FIRST, 1, 2)], answering, [dialog(FIRST, 2, 3)]);
  });
});

describe('CallStart does not wait for state 4 for ever', () => {
  it('it sends the REFER 500 ms after the answer when no event says so', () => {
    const stage = start().play([reply('invite', answer)]);
    expect(stage.timers.get('acknowledged')).toBe(ACKNOWLEDGED_MS);
    stage.play([timer('acknowledged'), 'CallerAnswered', `MI call_transfer ${FIRST}`]);
  });

  it('ringing that is told of after the answer is old news', () => {
    start().play(
      [reply('invite', answer)],
      [timer('acknowledged'), 'CallerAnswered', `MI call_transfer ${FIRST}`],
      [dialog(FIRST, 1, 2)],
    );
  });
});

describe('CallStart whose caller does not answer fails in upstream’s words', () => {
  it.each(['486 Busy Here', '404 Not Found', '408 Request Timeout', '603 Decline'])('%s', (status) => {
    const sentence = `failed to establish initial call: ${status}`;
    const stage = start().play([reply('invite', { Status: status }), `Error: ${sentence}`, 'Ended']);
    expect(stage.over).toBe(true);
    expect(stage.told[0]?.error).toEqual({
      code: -32010,
      message: sentence,
      sip: { status: Number(status.slice(0, 3)), reason: status.slice(4) },
    });
  });

  it('an MI error is told with OpenSIPS’s code, never as a code of ours', () => {
    const stage = start().play([
      refusal('invite', -32602, 'Invalid params'),
      'Error: -32602 Invalid params',
      'Ended',
    ]);
    expect(stage.told[0]?.error).toMatchObject({
      code: -32011,
      opensips: { code: -32602, message: 'Invalid params' },
    });
  });

  it('an answer that makes no sense is an unknown fate: the leg is ended', () => {
    start().play([
      reply('invite', 'OK'),
      'Error: OpenSIPS did not answer t_uac_dlg (its answer was not understood): it may have been done or not',
      `MI dlg_end_dlg ${FIRST}`,
    ]);
  });

  it('a caller who hangs up before the REFER went out', () => {
    start().play(
      ringing,
      answering,
      [reply('invite', answer), 'CallerAnswered'],
      [dialog(FIRST, 3, 5), 'Error: failed to establish initial call: 487 the caller hung up', 'Ended'],
    );
  });

  it('a caller who hung up before the reply was here is told as answered, then gone', () => {
    start().play(
      ringing,
      answering,
      [dialog(FIRST, 4, 5)],
      [
        reply('invite', answer),
        'CallerAnswered',
        'Error: failed to establish initial call: 487 the caller hung up',
        'Ended',
      ],
    );
  });
});

describe('CallStart ends the first leg once the callee has answered', () => {
  const answered: Row[] = [...referred, accepted, [transfer('start'), 'TransferStart']];
  const success = 'CalleeAnswered';

  it('"not found" is success there', () => {
    const stage = start().play(
      ...answered,
      [transfer('ok', '200 OK'), success, `MI dlg_end_dlg ${FIRST}`],
      [refusal(`release ${FIRST}`, 404, 'Requested Dialog not found'), 'Ended'],
    );
    expect(stage.over).toBe(true);
  });

  it('a phone that has hung it up by itself is asked for nothing more', () => {
    const stage = start().play(
      ...answered,
      [dialog(FIRST, 4, 5)],
      [transfer('ok', '200 OK'), success, 'Ended'],
    );
    expect(stage.over).toBe(true);
  });

  it('`Ended` waits for OpenSIPS’s answer, at most 2 s', () => {
    const stage = start().play(...answered, [transfer('ok', '200 OK'), success, `MI dlg_end_dlg ${FIRST}`]);
    expect(stage.timers.get('release-closing')).toBe(2_000);
    stage.play([timer('release-closing'), 'Ended']);
    expect(stage.over, 'the leg is still looked after').toBe(false);
    stage.play([dialog(FIRST, 4, 5)]);
    expect(stage.over).toBe(true);
  });

  it('a `notify` after the end is told to nobody', () => {
    start().play(
      ...answered,
      [transfer('ok', '200 OK'), success, `MI dlg_end_dlg ${FIRST}`],
      [notify('200 OK')],
      [reply(`release ${FIRST}`, 'OK'), 'Ended'],
    );
  });
});
