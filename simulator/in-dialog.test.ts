/** `dlg_send_sequential` beyond what the traces show: versions, errors, both legs, refusals, attended transfers. */
import { describe, expect, test } from 'vitest';
import type { Dialog, Leg, Simulator } from './index.ts';
import {
  referParams,
  referTo,
  sequentialParams,
  transferStates,
  waitForResults,
} from './testing/in-dialog.ts';
import { useSimulators } from './testing/start-simulator.ts';
import type { TestClient } from './testing/test-client.ts';

const start = useSimulators();
const NOT_MATCHING = { code: -32602, message: 'Invalid params' };
const SDP =
  'v=0\r\no=- 1 2 IN IP4 192.0.2.7\r\nc=IN IP4 192.0.2.7\r\nm=audio 4000 RTP/AVP 0\r\na=sendonly\r\n';

/** Places an answered call and returns its dialog. */
async function dialCall(simulator: Simulator, from: string, to: string): Promise<Readonly<Dialog>> {
  const dialog = simulator.ledger.findDialog(await simulator.dial({ from, to }));
  if (dialog === undefined) throw new Error('the ledger has no dialog');
  return dialog;
}

const send = (client: TestClient, params: unknown, method = 'dlg_send_sequential') =>
  client.request(method, params);

describe('dlg_send_sequential', () => {
  test('has headers since 3.6, and another name as well since 4.0', async () => {
    for (const [version, headers, newName] of [
      ['3.4.18', false, false],
      ['3.6.8', true, false],
      ['4.0.1', true, true],
    ] as const) {
      const [simulator, client] = await start({ version });
      const { callid, dialogId } = await dialCall(simulator, 'alice', 'norefer');
      expect(await client.request('version')).toEqual({ Server: `OpenSIPS (${version} (x86_64/linux))` });
      const declined = { Code: 603, Reason: 'Decline' };
      const params = referParams({ callid, dialogId }, 'bob');
      expect(await send(client, params)).toMatchObject(headers ? declined : NOT_MATCHING);
      expect(await send(client, params, 'dialog:send_sequential')).toMatchObject(
        newName ? declined : { code: -32601 },
      );
      const names = await client.request(newName ? 'core:which' : 'which');
      expect(names).toContain(newName ? 'dialog:send_sequential' : 'dlg_send_sequential');
      expect(names).not.toContain(newName ? 'dlg_send_sequential' : 'dialog:send_sequential');
      // Each of the other parameters may be missing on every version.
      expect(await send(client, { callid, method: 'OPTIONS' })).toEqual({ Code: 200, Reason: 'OK' });
    }
  });

  test.each([
    [{ callid: 'unknown' }, { code: 404, message: 'Dialog Not Found' }],
    [{ mode: 'both' }, { code: 400, message: 'Invalid mode' }],
    [{ body: 'custom' }, { code: 400, message: 'Invalid body mode' }],
    [
      { mode: 'challenge', method: 'INFO' },
      { code: 406, message: 'Not Acceptable' },
    ],
    [{ method: 'OPTIONS', headers: 'X: 1' }, NOT_MATCHING],
    [{ method: 'PUBLISH' }, { Code: 405, Reason: 'Method Not Allowed' }],
    [{ method: 'REFER' }, { Code: 400, Reason: 'Bad Request' }],
  ])('with %j replies %j', async (params, reply) => {
    const [simulator, client] = await start();
    const { callid } = await dialCall(simulator, 'alice', 'bob');
    expect(await send(client, { callid, ...params })).toMatchObject(reply);
  });

  test('sends INFO, OPTIONS and a re-INVITE to either leg; the ledger has the direction that it got', async () => {
    const [simulator, client] = await start();
    const dialog = await dialCall(simulator, 'alice', 'keep');
    const sdpBefore = await listedSdp(client, dialog.callid);
    expect(dialog.callee.receivedDirection).toBe('sendrecv');
    for (const mode of ['caller', 'callee'] satisfies Leg[]) {
      for (const method of ['INFO', 'OPTIONS'])
        expect(await send(client, { callid: dialog.callid, method, mode })).toEqual({
          Code: 200,
          Reason: 'OK',
        });
      const body = `custom:application/sdp:${SDP}`;
      expect(await send(client, { callid: dialog.callid, mode, body })).toEqual({ Code: 200, Reason: 'OK' });
      expect(dialog[mode]).toMatchObject({ receivedDirection: 'sendonly', receivedSdp: SDP });
    }
    expect(await listedSdp(client, dialog.callid)).toEqual(sdpBefore);
    expect(dialog.held).toEqual({ caller: false, callee: false });
    await send(client, { callid: dialog.callid, mode: 'callee', body: 'inbound' });
    expect(dialog.callee.receivedSdp).toBe(dialog.caller.sdp);
    expect(client.events('E_CALL_HOLD')).toEqual([]);
  });

  test('replies with the refusal of a phone, which then is not held', async () => {
    const [simulator, client] = await start();
    const dialog = await dialCall(simulator, 'alice', 'nohold');
    const params = {
      callid: dialog.callid,
      mode: 'callee',
      method: 'INVITE',
      body: `custom:application/sdp:${SDP}`,
    };
    expect(await send(client, params)).toEqual({ Code: 488, Reason: 'Not Acceptable Here' });
    expect(dialog.callee.receivedDirection).toBe('sendrecv');
  });
});

describe('a REFER by dlg_send_sequential', () => {
  test('transfers the same call any number of times, also after call_transfer, with events', async () => {
    const [simulator, client] = await start();
    const dialog = await dialCall(simulator, 'alice', 'keep');
    const { callid } = dialog;
    const destination = 'sip:phone-busy@127.0.0.1:5060';
    expect(await client.request('call_transfer', { callid, leg: 'callee', destination })).toBe('Accepted');
    await waitForResults(client, callid, 1);
    for (const [n, to] of ['phone-decline', 'phone-busy', 'bob'].entries()) {
      expect(await send(client, referParams(dialog, to))).toEqual({ Code: 202, Reason: 'Accepted' });
      await waitForResults(client, callid, n + 2);
    }
    const withoutNotify = transferStates(client, callid).filter((state) => !state.startsWith('notify'));
    expect(withoutNotify).toEqual([
      'start',
      'fail 486 Busy Here',
      'start',
      'fail 603 Decline',
      'start',
      'fail 486 Busy Here',
      'start',
      'ok 200 Answering',
    ]);
    expect(await client.request('call_transfer', { callid, leg: 'callee', destination })).toMatchObject({
      code: 491,
    });
  });

  test('raises no event without osid, and no notify unless call_transfer was used', async () => {
    const [simulator, client] = await start();
    const dialog = await dialCall(simulator, 'alice', 'keep');
    await send(client, sequentialParams(dialog.callid, 'REFER', referTo('bob')));
    await client.waitFor(() => simulator.ledger.dialogs.at(-1)?.state === 4);
    expect(simulator.ledger.dialogs.at(-1)).toMatchObject({ transferredFrom: dialog.callid });
    expect(client.events('E_CALL_TRANSFER')).toEqual([]);

    await send(client, referParams(dialog, 'bob'));
    await waitForResults(client, dialog.callid, 1);
    expect(transferStates(client, dialog.callid)).toEqual(['start', 'ok 200 Answering']);
    expect(client.events('E_CALL_TRANSFER')[1]).toMatchObject({ leg: 'unknown' });
  });

  test.each([
    ['keep', 'replaced'],
    ['norep-plain', 'kept'],
  ])('with Replaces, the other call of a transferred %s is %s', async (user, otherCall) => {
    const [simulator, client] = await start();
    const first = await dialCall(simulator, 'alice', user);
    const other = await dialCall(simulator, 'carol', 'dave');
    const tags = `%3Bto-tag%3D${other.callee.tag}%3Bfrom-tag%3D${other.caller.tag}`;
    const extra = `;osid=${first.dialogId}?Replaces=${other.callid}${tags}`;
    await send(client, sequentialParams(first.callid, 'REFER', referTo('dave', extra)));
    const isReplaced = otherCall === 'replaced';
    // callops knows the first dialog of an attended transfer only from call_transfer.
    await waitForResults(client, isReplaced ? other.callid : first.callid, 1);
    await client.waitFor(() => simulator.ledger.dialogs.at(-1)?.state === 4);
    expect(simulator.ledger.dialogs.at(-1)?.to).toBe(`sip:dave@127.0.0.1:5060;osid=${first.dialogId}`);
    expect(transferStates(client, isReplaced ? first.callid : other.callid)).toEqual([]);
    await client.waitFor(() => (isReplaced ? other : first).state === 5);
    expect((isReplaced ? first : other).state).toBe(4);
  });
});

async function listedSdp(client: TestClient, callid: string): Promise<unknown> {
  const { Dialog } = Object(await client.request('dlg_list', { callid }));
  return [Dialog.caller_sdp, Dialog.CALLEES[0].callee_sdp];
}
