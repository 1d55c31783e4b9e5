import { describe, expect, it } from 'vitest';
import type { FakeDialog, FakeOpenSips } from '../testing/fake-opensips.ts';
import { createHarness } from '../testing/harness.ts';

const SDP = 'v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nm=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n';

const dialogOf = (callid: string, state = 4): FakeDialog => ({
  ID: `id-of-${callid}`,
  state,
  timestart: Math.floor(Date.now() / 1_000),
  callid,
  from_uri: 'sip:alice@h',
  to_uri: 'sip:bob@h',
  caller_tag: 'a',
  caller_contact: 'sip:alice@10.0.0.1',
  caller_sdp: SDP,
  CALLEES: [{ callee_tag: 'b', callee_contact: 'sip:bob@10.0.0.2', callee_sdp: SDP, callee_sent_sdp: SDP }],
});

/** Makes the phones of all dialogs answer. */
const answerAll = (opensips: FakeOpenSips, reply: object) =>
  opensips.handlers.set('dlg_send_sequential', () => reply);

async function connected() {
  const harness = await createHarness();
  harness.opensips.dialogs = [dialogOf('call-1')];
  harness.start({}, { timing: { checkIntervalMs: 60_000 } });
  await harness.edge.waitFor(() => harness.edge.hellos[0]);
  return harness;
}

describe('requests within a dialog, from the edge to OpenSIPS', () => {
  it('have the params that OpenSIPS accepts, and the phone’s answer as result', async () => {
    const { edge, opensips } = await connected();
    answerAll(opensips, { Code: 202, Reason: 'Accepted' });
    const params = { callid: 'call-1', leg: 'callee', destination: 'sip:carol@h' };
    edge.sendInDialog({ id: 'r', method: 'refer', params });
    await edge.waitFor(() => edge.replies()[0]);
    answerAll(opensips, { Code: 200, Reason: 'OK' });
    edge.sendInDialog({
      id: 'h',
      method: 'hold',
      params: { callid: 'call-1', leg: 'caller', direction: 'hold' },
    });
    await edge.waitFor(() => edge.replies()[1]);
    expect(edge.replies()).toMatchObject([
      {
        id: 'r',
        result: {
          status: '202 Accepted',
          dialog_id: 'id-of-call-1',
          contact: 'sip:bob@10.0.0.2',
          destination: 'sip:carol@h',
        },
      },
      { id: 'h', result: { status: '200 OK', contact: 'sip:alice@10.0.0.1' } },
    ]);
    const [refer, hold] = opensips.requestsFor('dlg_send_sequential').map((request) => request.params);
    expect(refer).toEqual({
      callid: 'call-1',
      method: 'REFER',
      mode: 'callee',
      body: 'none',
      headers: 'Refer-To: <sip:carol@h;osid=id-of-call-1>\r\n',
    });
    expect(hold).toEqual({
      callid: 'call-1',
      method: 'INVITE',
      mode: 'caller',
      body: expect.stringMatching(/^custom:application\/sdp:v=0\r\no=- 1 (?!1 )\d+ .*a=sendonly\r\n$/s),
    });
  });

  it('end with a status also if the phone refuses or does not answer', async () => {
    const { edge, opensips } = await connected();
    const probe = (id: string) =>
      edge.sendInDialog({ id, method: 'probe', params: { callid: 'call-1', leg: 'caller' } });
    answerAll(opensips, { Code: 603, Reason: 'Decline' });
    probe('refused');
    await edge.waitFor(() => edge.replies()[0]);
    opensips.handlers.set('dlg_send_sequential', ({ respondError }) => respondError(408, 'Request Timeout'));
    probe('silent');
    await edge.waitFor(() => edge.replies()[1]);
    opensips.handlers.set('dlg_send_sequential', ({ respondError }) => respondError(404, 'Dialog Not Found'));
    probe('gone');
    await edge.waitFor(() => edge.replies()[2]);
    answerAll(opensips, { Something: 'else' });
    probe('unknown');
    await edge.waitFor(() => edge.replies()[3]);
    expect(edge.replies()).toMatchObject([
      { id: 'refused', result: { status: '603 Decline' } },
      { id: 'silent', result: { status: '408 Request Timeout' } },
      { id: 'gone', error: { code: 404, message: 'Dialog Not Found' } },
      { id: 'unknown', error: { code: 500 } },
    ]);
  });

  it('are not sent with the engine callops', async () => {
    const { edge, opensips, start } = await createHarness();
    opensips.dialogs = [dialogOf('call-1')];
    start({ engine: 'callops' });
    await edge.waitFor(() => edge.hellos[0]);
    edge.sendInDialog({ id: 'p', method: 'probe', params: { callid: 'call-1', leg: 'caller' } });
    await edge.waitFor(() => edge.replies()[0]);
    expect(edge.replies()).toMatchObject([{ id: 'p', outcome: 'refused' }]);
    expect(opensips.requestsFor('dlg_send_sequential')).toEqual([]);
  });

  it('cannot be sent as MI commands, also if --allow names the command', async () => {
    const { edge, opensips, log, start } = await createHarness();
    start({ allow: new Set(['dlg_send_sequential', 'dialog:send_sequential']) });
    await edge.waitFor(() => edge.hellos[0]);
    for (const method of ['dlg_send_sequential', 'dialog:send_sequential', 'refer'])
      edge.sendRequest({ id: method, method, params: { callid: 'call-1' } });
    await edge.waitFor(() => edge.replies().length === 3);
    expect(edge.replies().map(({ outcome }) => outcome)).toEqual(['refused', 'refused', 'refused']);
    expect(opensips.requestsFor('dlg_send_sequential')).toEqual([]);
    expect(log.find('also if --allow (MI_ALLOW) names it')).toBeDefined();
  });

  it('of 200 frozen phones do not delay the end of another call', async () => {
    const { edge, opensips } = await connected();
    opensips.handlers.set('dlg_send_sequential', () => undefined);
    opensips.handlers.set('dlg_end_dlg', () => 'OK');
    for (let n = 0; n < 200; n += 1)
      edge.sendInDialog({ id: `${n}`, method: 'probe', params: { callid: 'call-1', leg: 'callee' } });
    await opensips.waitFor(() => opensips.requestsFor('dlg_send_sequential').length === 200);
    edge.sendRequest({ id: 'end', method: 'dlg_end_dlg', params: { dialog_id: 'call-2' } });
    await edge.waitFor(() => edge.replies()[0]);
    expect(edge.replies()).toMatchObject([{ id: 'end', result: 'OK' }]);
  });
});

describe('SDP', () => {
  it('stays on this machine: neither the edge nor the log gets it', async () => {
    const { edge, opensips, log } = await connected();
    opensips.handlers.set('t_uac_dlg', () => ({ Status: '200 OK', Message: `To: <sip:a@h>\r\n\r\n${SDP}` }));
    answerAll(opensips, { Code: 488, Reason: 'Not Acceptable Here' });
    edge.sendRequest({ id: 'one', method: 'dlg_list', params: { callid: 'call-1' } });
    edge.sendRequest({ id: 'page', method: 'dlg_list', params: { index: 0, counter: 12 } });
    edge.sendRequest({ id: 'uac', method: 't_uac_dlg', params: { method: 'INVITE' } });
    for (const [id, callid] of ['call-1', 'ended'].entries())
      edge.sendInDialog({
        id: `${id}`,
        method: 'hold',
        params: { callid, leg: 'caller', direction: 'hold' },
      });
    await edge.waitFor(() => edge.replies().length === 5);
    expect(opensips.requestsFor('dlg_send_sequential')[0]?.params['body']).toContain('m=audio');
    for (const text of [...edge.frames, ...log.lines]) expect(text).not.toMatch(/m=audio|_sdp|o=-/);
    expect(edge.replies().find(({ id }) => id === 'one')?.result).toMatchObject({
      Dialog: { callid: 'call-1', CALLEES: [{ callee_tag: 'b' }] },
    });
  });
});

it('dlg_list finds the dialog that stands, for the edge and for requests within it', async () => {
  const { edge, opensips } = await connected();
  opensips.dialogs = [{ ...dialogOf('call-1', 5), ID: 'dead' }, dialogOf('call-1')];
  answerAll(opensips, { Code: 200, Reason: 'OK' });
  edge.sendRequest({ id: 'list', method: 'dlg_list', params: { callid: 'call-1' } });
  edge.sendRequest({ id: 'none', method: 'dlg_list', params: { callid: 'call-2' } });
  edge.sendInDialog({ id: 'probe', method: 'probe', params: { callid: 'call-1', leg: 'caller' } });
  await edge.waitFor(() => edge.replies().length === 3);
  const replyTo = (id: string) => edge.replies().find((reply) => reply.id === id);
  expect(replyTo('list')).toMatchObject({ result: { Dialog: { ID: 'id-of-call-1', state: 4 } } });
  expect(replyTo('none')).toMatchObject({ error: { code: 404, message: 'No such dialog' } });
  expect(replyTo('probe')).toMatchObject({ result: { dialog_id: 'id-of-call-1' } });
});

it('a Call-ID of any length reaches the edge and OpenSIPS, and an event with more than 4096 characters is dropped', async () => {
  const { edge, opensips, log } = await connected();
  const callid = 'c'.repeat(4_096);
  opensips.dialogs = [dialogOf(callid)];
  answerAll(opensips, { Code: 200, Reason: 'OK' });
  const event = { id: '1.2', old_state: 1, new_state: 2 };
  opensips.raiseEvent('E_DLG_STATE_CHANGED', { ...event, callid: `${callid}c` });
  await log.waitFor(() => log.find('has a Call-ID of 4097 characters'));
  opensips.raiseEvent('E_DLG_STATE_CHANGED', { ...event, callid });
  await edge.waitFor(() => edge.stored[0]);
  expect(edge.stored).toMatchObject([{ name: 'E_DLG_STATE_CHANGED', params: { callid } }]);
  edge.sendInDialog({ id: 'p', method: 'probe', params: { callid, leg: 'caller' } });
  await edge.waitFor(() => edge.replies()[0]);
  expect(opensips.requestsFor('dlg_send_sequential')[0]?.params['callid']).toBe(callid);
});
