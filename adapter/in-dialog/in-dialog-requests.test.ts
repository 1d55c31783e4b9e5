import { describe, expect, it } from 'vitest';
import type { InDialogMethod } from '../../shared/opensips/in-dialog.ts';
import type { MiResponse } from '../opensips/mi-message.ts';
import type { RequestTimeouts } from '../opensips/request-timeouts.ts';
import { FullDialog } from './dialog.ts';
import { InDialogRequests } from './in-dialog-requests.ts';
import type { Matching } from './refer-to.ts';
import type { SequentialRequest } from './sequential.ts';

const TIMEOUTS = { timeoutMs: 5_000, ttlMs: 5_000 };
const sdp = (version: number, direction?: string) =>
  [
    'v=0',
    `o=- 1 ${version} IN IP4 10.0.0.1`,
    's=-',
    'm=audio 4000 RTP/AVP 0',
    ...(direction === undefined ? [] : [`a=${direction}`]),
    '',
  ].join('\r\n');

const DIALOG: FullDialog = {
  ID: '03e.1',
  state: 4,
  timestart: 1_700_000_000,
  callid: 'call-1',
  from_uri: 'sip:alice@h',
  to_uri: 'sip:bob@h;osid=9.9',
  caller_tag: 'tag-a',
  caller_contact: 'sip:alice@10.0.0.1:5070',
  caller_sdp: sdp(10),
  CALLEES: [{ callee_tag: 'tag-b', callee_contact: 'sip:bob@10.0.0.2:5070', callee_sdp: sdp(20) }],
};
const SECOND: FullDialog = {
  ...DIALOG,
  ID: '04f.2',
  callid: 'call-2',
  from_uri: 'sip:carol@h;osid=1',
  to_uri: 'sip:dave@h',
  caller_tag: 'tag-c',
  CALLEES: [{ callee_tag: 'tag-d', callee_contact: 'sip:dave@10.0.0.4' }],
};

/** Requests at an OpenSIPS with these dialogs, whose phones respond with 202. */
function harness(
  dialogs: readonly FullDialog[],
  response: MiResponse | { status: string } = { status: '202 Accepted' },
) {
  const sent: SequentialRequest[] = [];
  const matching: Matching = { mode: 'param', param: 'osid' };
  const requests = new InDialogRequests({
    findDialog: async (callid) =>
      dialogs.find((dialog) => dialog.callid === callid) ?? {
        error: { code: 404, message: 'No such dialog' },
      },
    send: async (request) => {
      sent.push(request);
      return response;
    },
    matching,
    clock: () => (DIALOG.timestart + 60) * 1_000,
  });
  const run = (method: InDialogMethod, params: Record<string, unknown>) =>
    requests.run(method, params, TIMEOUTS);
  return { sent, run, requests };
}

const error = (code: number, message: string) => ({ error: { code, message } });

describe('a request within a dialog', () => {
  it.each<[InDialogMethod, Record<string, unknown>]>([
    ['refer', { callid: 'call-1', leg: 'caller', destination: 'sip:x@h' }],
    ['hold', { callid: 'call-1', leg: 'caller', direction: 'hold' }],
    ['probe', { callid: 'call-1', leg: 'caller' }],
  ])('%s is sent only if the call is answered and acknowledged', async (method, params) => {
    for (const state of [1, 2, 3]) {
      const { sent, run } = harness([{ ...DIALOG, state }]);
      expect(await run(method, params)).toEqual(error(410, 'Dialog not ready'));
      expect(sent).toEqual([]);
    }
    for (const dialogs of [[], [{ ...DIALOG, state: 5 }]])
      expect(await harness(dialogs).run(method, params)).toEqual(error(404, 'Dialog not found'));
    expect(await harness([DIALOG]).run(method, params)).toHaveProperty('result');
  });

  it.each<[InDialogMethod, Record<string, unknown>]>([
    ['refer', { callid: 'call-1', leg: 'caller' }],
    ['refer', { callid: 'call-1', leg: 'caller', destination: '', replaced_callid: 'call-2' }],
    ['refer', { callid: 'call-1', leg: 'caller', destination: 'sip:x@h', headers: 'X: y' }],
    ['hold', { callid: 'call-1', leg: 'both', direction: 'hold' }],
    ['probe', { callid: 7, leg: 'caller' }],
  ])('%s with the params %j is refused', async (method, params) => {
    const { sent, run } = harness([DIALOG, SECOND]);
    expect(await run(method, params)).toEqual(error(-32602, `The params of ${method} are invalid`));
    expect(sent).toEqual([]);
  });

  it('returns what OpenSIPS refuses, and how a request without response ended', async () => {
    for (const response of [error(-32602, 'Invalid params'), { outcome: 'timeout' }] satisfies MiResponse[])
      expect(await harness([DIALOG], response).run('probe', { callid: 'call-1', leg: 'callee' })).toBe(
        response,
      );
  });

  /** Requests at an OpenSIPS whose first responses to `dlg_list` are lost. */
  const losing = (lost: number) => {
    const timeouts: RequestTimeouts[] = [];
    const requests = new InDialogRequests({
      findDialog: async (_, each) => {
        timeouts.push(each);
        return timeouts.length > lost ? DIALOG : { outcome: 'timeout' };
      },
      send: async () => ({ status: '200 OK' }),
      matching: { mode: 'param', param: 'osid' },
      clock: Date.now,
    });
    return { timeouts, run: (ttlMs: number) => requests.run('probe', PARAMS, { ...TIMEOUTS, ttlMs }) };
  };
  const PARAMS = { callid: 'call-1', leg: 'caller' };

  it('has run only if it was sent: without a dialog in time it has expired', async () => {
    const { timeouts, run } = losing(1);
    expect(await run(1_000)).toEqual({ outcome: 'expired' });
    expect(timeouts).toHaveLength(1);
  });

  it('reads the dialog again if a response is lost', async () => {
    const { timeouts, run } = losing(2);
    expect(await run(5_000)).toMatchObject({ result: { status: '200 OK' } });
    expect(timeouts.map(({ timeoutMs }) => timeoutMs)).toEqual([1_000, 1_000, 1_000]);
  });
});

describe('a probe', () => {
  it('is an OPTIONS request', async () => {
    const { sent, run } = harness([DIALOG], { status: '200 OK' });
    expect(await run('probe', { callid: 'call-1', leg: 'callee' })).toEqual({
      result: { status: '200 OK', dialog_id: '03e.1', contact: 'sip:bob@10.0.0.2:5070' },
    });
    expect(sent).toEqual([{ callid: 'call-1', leg: 'callee', method: 'OPTIONS' }]);
  });
});

describe('a transfer', () => {
  it('is a REFER to one phone', async () => {
    const { sent, run } = harness([DIALOG]);
    expect(await run('refer', { callid: 'call-1', leg: 'callee', destination: 'sip:x@h;osid=old' })).toEqual({
      result: {
        status: '202 Accepted',
        dialog_id: '03e.1',
        contact: 'sip:bob@10.0.0.2:5070',
        destination: 'sip:x@h',
      },
    });
    expect(sent).toEqual([
      { callid: 'call-1', leg: 'callee', method: 'REFER', headers: 'Refer-To: <sip:x@h;osid=03e.1>\r\n' },
    ]);
  });

  it('has a refusal of the phone as result', async () => {
    const { run } = harness([DIALOG], { status: '603 Decline' });
    expect(await run('refer', { callid: 'call-1', leg: 'caller', destination: 'sip:x@h' })).toMatchObject({
      result: { status: '603 Decline' },
    });
  });

  // The tags as callops has them (`mi_call_attended_transfer`): of the party that is dialed in to-tag.
  it.each([
    ['callee', 'sip:dave@h', 'tag-d', 'tag-c'],
    ['caller', 'sip:carol@h', 'tag-c', 'tag-d'],
  ])('to the %s of another call takes the place of its other party', async (leg, address, toTag, fromTag) => {
    const { sent, run } = harness([DIALOG, SECOND]);
    const replaced = { replaced_callid: 'call-2', replaced_leg: leg };
    expect(
      await run('refer', { callid: 'call-1', leg: 'caller', destination: '', ...replaced }),
    ).toMatchObject({
      result: { destination: address, contact: 'sip:alice@10.0.0.1:5070' },
    });
    const replaces = `Replaces=call-2%3Bto-tag%3D${toTag}%3Bfrom-tag%3D${fromTag}`;
    expect(sent[0]?.headers).toBe(`Refer-To: <${address};osid=03e.1?${replaces}>\r\n`);
    await run('refer', { callid: 'call-1', leg: 'caller', destination: 'sip:y@h', ...replaced });
    expect(sent[1]?.headers).toBe(`Refer-To: <sip:y@h;osid=03e.1?${replaces}>\r\n`);
  });

  it('to another call needs that call', async () => {
    const params = {
      callid: 'call-1',
      leg: 'caller',
      destination: '',
      replaced_callid: 'call-2',
      replaced_leg: 'callee',
    };
    expect(await harness([DIALOG]).run('refer', params)).toEqual(error(404, 'Transfer dialog not found'));
    const ringing = { ...SECOND, CALLEES: [] };
    expect(await harness([DIALOG, ringing]).run('refer', params)).toEqual(
      error(410, 'Transfer dialog not ready'),
    );
  });

  it.each(['sip:a@h>\r\nX-Evil: 1', 'sip:a b@h', 'bob', ''])('to %j is refused', async (destination) => {
    const { sent, run } = harness([DIALOG]);
    expect(await run('refer', { callid: 'call-1', leg: 'caller', destination })).toMatchObject({
      error: { code: 400 },
    });
    expect(sent).toEqual([]);
  });
});

describe('a hold', () => {
  const hold = (direction: string, leg = 'caller') => ({ callid: 'call-1', leg, direction });

  it('is a re-INVITE with the SDP of the other party', async () => {
    const { sent, run } = harness([DIALOG], { status: '200 OK' });
    expect(await run('hold', hold('hold'))).toMatchObject({
      result: { status: '200 OK', dialog_id: '03e.1' },
    });
    await run('hold', hold('hold', 'callee'));
    expect(sent).toEqual([
      { callid: 'call-1', leg: 'caller', method: 'INVITE', sdp: sdp(720, 'sendonly') },
      { callid: 'call-1', leg: 'callee', method: 'INVITE', sdp: sdp(710, 'sendonly') },
    ]);
  });

  it('is ended with the original directions and a higher version', async () => {
    const recvonly = { ...DIALOG, CALLEES: [{ callee_contact: 'sip:b@h', callee_sdp: sdp(20, 'recvonly') }] };
    const { sent, run } = harness([recvonly]);
    await run('hold', hold('hold'));
    await run('hold', hold('resume'));
    expect(sent.map((request) => request.sdp)).toEqual([sdp(720, 'inactive'), sdp(721, 'recvonly')]);
  });

  it('uses what OpenSIPS has sent to the phone, if that is not what the other party has sent', async () => {
    const proxied: FullDialog = {
      ...DIALOG,
      caller_sent_sdp: sdp(30),
      CALLEES: [{ ...DIALOG.CALLEES?.[0], callee_sent_sdp: sdp(40) }],
    };
    const { sent, run } = harness([proxied]);
    await run('hold', hold('hold', 'caller'));
    await run('hold', hold('hold', 'callee'));
    expect(sent.map((request) => request.sdp)).toEqual([sdp(730, 'sendonly'), sdp(740, 'sendonly')]);
  });

  it('keeps a hold by the other phone itself, which is missing in what OpenSIPS has sent through a media proxy', async () => {
    const proxied: FullDialog = {
      ...DIALOG,
      caller_sent_sdp: sdp(30),
      CALLEES: [
        { callee_contact: 'sip:b@h', callee_sdp: sdp(20, 'sendonly'), callee_sent_sdp: sdp(40, 'recvonly') },
      ],
    };
    const { sent, run } = harness([proxied]);
    await run('hold', hold('resume', 'caller'));
    await run('hold', hold('resume', 'callee'));
    expect(sent.map((request) => request.sdp)).toEqual([sdp(730, 'sendonly'), sdp(740, 'sendrecv')]);
  });

  it('uses the phone that has answered, if several were called', async () => {
    const forked: FullDialog = {
      ...DIALOG,
      CALLEES: [
        { callee_tag: 'other', callee_contact: '' },
        { callee_tag: 'early', callee_contact: null, callee_sdp: sdp(70) },
        { callee_tag: 'tag-b', callee_contact: 'sip:bob@h', callee_sdp: sdp(20) },
      ],
    };
    const { sent, run } = harness([forked]);
    expect(await run('hold', hold('hold'))).toHaveProperty('result');
    expect(sent[0]?.sdp).toBe(sdp(720, 'sendonly'));
    expect(await run('probe', { callid: 'call-1', leg: 'callee' })).toMatchObject({
      result: { contact: 'sip:bob@h' },
    });
  });

  it.each([undefined, null, '', '--boundary\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n'])(
    'needs an SDP, and %j is none',
    async (callee_sdp) => {
      const { sent, run } = harness([{ ...DIALOG, CALLEES: [{ callee_contact: 'sip:b@h', callee_sdp }] }]);
      expect(await run('hold', hold('hold'))).toEqual(error(480, 'The dialog has no SDP'));
      expect(sent).toEqual([]);
    },
  );

  it('sends an SDP without a valid o= line as it is', async () => {
    const callee_sdp = 'v=0\r\nm=audio 4 RTP/AVP 0\r\n';
    const { sent, run } = harness([{ ...DIALOG, CALLEES: [{ callee_contact: 'sip:b@h', callee_sdp }] }]);
    await run('hold', hold('resume'));
    expect(sent[0]?.sdp).toBe(callee_sdp);
  });

  it('forgets the versions of a dialog that has ended', async () => {
    const { sent, run, requests } = harness([DIALOG]);
    const event = (new_state: number) =>
      requests.onEvent({
        name: 'E_DLG_STATE_CHANGED',
        params: { id: DIALOG.ID, callid: DIALOG.callid, old_state: 4, new_state },
      });
    for (const state of [4, 5]) {
      await run('hold', hold('hold'));
      event(state);
    }
    await run('hold', hold('hold'));
    expect(sent.map((request) => request.sdp)).toEqual(
      [720, 721, 720].map((version) => sdp(version, 'sendonly')),
    );
  });
});

it('a dialog of dlg_list is read with its SDP', () => {
  const listed = { ...DIALOG, db_id: '1', user_flags: '', CALLEES: [{ callee_tag: null, caller_cseq: '1' }] };
  expect(FullDialog.parse(listed)).toMatchObject({ caller_sdp: sdp(10), CALLEES: [{ callee_tag: null }] });
});
