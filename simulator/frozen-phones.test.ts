/** Phones that vanish: no request within a call is answered, and OpenSIPS 3.x does not survive `call_hold`. */
import { describe, expect, test } from 'vitest';
import type { Simulator } from './index.ts';
import { transferParams, uacParams } from './testing/click-to-dial.ts';
import { referParams, transferStates, waitForResults, waitForState } from './testing/in-dialog.ts';
import { SHORT_TIMERS, useSimulators } from './testing/start-simulator.ts';
import type { TestClient } from './testing/test-client.ts';

const start = useSimulators();
const TIMED_OUT = { code: 408, message: 'Request Timeout' };

const holdEvents = (client: TestClient) =>
  client.events('E_CALL_HOLD').map(({ leg, action, state }) => `${leg} ${action} ${state}`);

async function dialAndFreeze(simulator: Simulator, ...users: readonly string[]): Promise<string> {
  const callid = await simulator.dial({ from: 'keep.1', to: 'keep.2' });
  for (const user of users) simulator.freeze(user);
  return callid;
}

describe('a frozen phone', () => {
  test.each(['REFER', 'INVITE', 'OPTIONS', 'INFO'])(
    'leaves %s to a timeout, and answers again when it is thawed',
    async (method) => {
      const [simulator, client] = await start({ timers: SHORT_TIMERS });
      const callid = await dialAndFreeze(simulator, 'keep.2');
      const params = {
        callid,
        method,
        mode: 'callee',
        body: 'none',
        headers: 'Refer-To: <sip:bob@127.0.0.1>\r\n',
      };
      expect(await client.request('dlg_send_sequential', params)).toEqual(TIMED_OUT);
      expect(await client.request('dlg_send_sequential', { callid, method: 'OPTIONS' })).toMatchObject({
        Code: 200,
      });
      simulator.thaw('keep.2');
      expect(await client.request('dlg_send_sequential', params)).toMatchObject({
        Reason: expect.stringMatching(/OK|Accepted/),
      });
    },
  );

  test('answers a request that is still pending as soon as it is thawed', async () => {
    const [simulator, client] = await start();
    const callid = await dialAndFreeze(simulator, 'keep.1');
    const params = { callid, method: 'OPTIONS' };
    client.send({ jsonrpc: '2.0', id: 'pending', method: 'dlg_send_sequential', params });
    await client.request('version');
    simulator.thaw('keep.1');
    await client.waitFor((received) => received.some(({ msg }) => Object(msg).id === 'pending'));
    expect(client.received.at(-1)?.msg).toMatchObject({ result: { Code: 200, Reason: 'OK' } });
  });

  test('cannot be called, and can be ended: OpenSIPS does not wait for its 200 OK to BYE', async () => {
    const [simulator, client] = await start({ timers: SHORT_TIMERS });
    const callid = await dialAndFreeze(simulator, 'keep.1', 'keep.2');
    await expect(simulator.dial({ from: 'alice', to: 'keep.2' })).rejects.toThrow('408 Request Timeout');
    expect(await client.request('t_uac_dlg', uacParams('first', 'keep.1', 'bob'))).toMatchObject({
      Status: '408 Request Timeout',
    });
    simulator.hangUp(callid);
    expect(simulator.ledger.findDialog(callid)?.state).toBe(4);
    expect(await client.request('dlg_end_dlg', { dialog_id: callid })).toBe('OK');
    await waitForState(client, callid, 5);
  });

  test('accepts no call_transfer, of which nothing is told', async () => {
    const [simulator, client] = await start({ timers: SHORT_TIMERS });
    const callid = await dialAndFreeze(simulator, 'keep.2');
    expect(await client.request('call_transfer', transferParams(callid, 'bob'))).toBe('Accepted');
    expect(
      await client.request('dlg_send_sequential', { callid, method: 'OPTIONS', mode: 'callee' }),
    ).toEqual(TIMED_OUT);
    expect(client.events('E_CALL_TRANSFER')).toEqual([]);
    expect(simulator.ledger.dialogs).toHaveLength(1);
  });

  /** Dials a phone and freezes it while it rings. */
  async function dialAndFreezeRinging(simulator: Simulator, client: TestClient, to: string) {
    const dialed = simulator.dial({ from: 'alice', to });
    await client.waitFor(() => client.events('E_DLG_STATE_CHANGED').some(({ new_state }) => new_state === 2));
    simulator.freeze(to);
    return { dialed };
  }

  test('that is frozen while it rings neither answers nor is canceled', async () => {
    const [simulator, client] = await start({ timers: { ...SHORT_TIMERS, frInvTimeoutMs: 600 } });
    const { dialed } = await dialAndFreezeRinging(simulator, client, 'answer-400');
    const dialog_id = simulator.ledger.dialogs[0]?.callid;
    expect(await client.request('dlg_end_dlg', { dialog_id })).toBe('OK');
    await expect(dialed).rejects.toThrow('408 Request Timeout');
  });

  test('that is frozen while it rings answers when it is thawed', async () => {
    const [simulator, client] = await start();
    const { dialed } = await dialAndFreezeRinging(simulator, client, 'answer-200');
    setTimeout(() => simulator.thaw('answer-200'), 300);
    expect(simulator.ledger.findDialog(await dialed)?.state).toBe(4);
  });

  test('that has accepted a transfer does not acknowledge the answer of its new call', async () => {
    const [simulator, client] = await start();
    const callid = await simulator.dial({ from: 'alice', to: 'keep' });
    const dialog = simulator.ledger.findDialog(callid);
    await client.request(
      'dlg_send_sequential',
      referParams({ callid, dialogId: dialog?.dialogId ?? '' }, 'answer-300'),
    );
    await client.waitFor(() => transferStates(client, callid).includes('start'));
    simulator.freeze('keep');
    await waitForResults(client, callid, 1);
    expect(transferStates(client, callid)).toEqual(['start', 'ok 200 OK']);
    await client.request('version');
    expect(simulator.ledger.dialogs.at(-1)?.state).toBe(3);
  });

  test('vanish: answers the first leg and then nothing', async () => {
    const [simulator, client] = await start({ timers: SHORT_TIMERS });
    expect(await client.request('t_uac_dlg', uacParams('first', 'vanish', 'bob'))).toMatchObject({
      Status: '200 OK',
    });
    const { dialogId = '' } = simulator.ledger.findDialog('first') ?? {};
    expect(
      await client.request('dlg_send_sequential', referParams({ callid: 'first', dialogId }, 'bob')),
    ).toEqual(TIMED_OUT);
    const callid = await simulator.dial({ from: 'alice', to: 'vanish.2' });
    expect(await client.request('dlg_send_sequential', { callid, mode: 'callee' })).toEqual(TIMED_OUT);
  });
});

describe('call_hold of a frozen phone', () => {
  test.each(['3.4.18', '3.6.8'])(
    'ends OpenSIPS %s after fr_timeout, until it is restarted',
    async (version) => {
      const [simulator, client] = await start({ version, timers: SHORT_TIMERS });
      const callid = await dialAndFreeze(simulator, 'keep.2');
      expect(await client.request('call_hold', { callid })).toBe('OK');
      await client.waitFor(() => holdEvents(client).length === 3);
      expect(holdEvents(client)).toEqual(['caller hold start', 'callee hold start', 'caller hold ok']);
      expect(simulator.hasCrashed).toBe(false);
      await expect.poll(() => simulator.hasCrashed).toBe(true);

      client.send({ jsonrpc: '2.0', id: 'not answered', method: 'uptime' });
      await expect(simulator.dial({ from: 'alice', to: 'bob' })).rejects.toThrow('OpenSIPS has crashed');
      await expect.poll(() => simulator.ledger.countRequests('not answered')).toBe(1);
      simulator.hangUp(callid);
      simulator.thaw('keep.2');
      simulator.restart({ keepDialogs: false });
      expect(simulator.hasCrashed).toBe(false);
      expect(await client.request('dlg_list')).toEqual({ Dialogs: [] });
      expect(client.received.some(({ msg }) => Object(msg).id === 'not answered')).toBe(false);
      expect(holdEvents(client)).toHaveLength(3);
    },
  );

  test('ends OpenSIPS 3.6.8 by call_unhold as well', async () => {
    const [simulator, client] = await start({ timers: SHORT_TIMERS });
    const callid = await dialAndFreeze(simulator);
    await client.request('call_hold', { callid });
    await client.waitFor(() => holdEvents(client).length === 4);
    simulator.freeze('keep.1');
    await client.request('call_unhold', { callid });
    await expect.poll(() => simulator.hasCrashed).toBe(true);
  });

  test('fails on 4.0.1, and is answered four times when the phone is thawed', async () => {
    const [simulator, client] = await start({ version: '4.0.1', timers: SHORT_TIMERS });
    const callid = await dialAndFreeze(simulator, 'keep.1');
    expect(await client.request('call_hold', { callid })).toBe('OK');
    await client.waitFor(() => holdEvents(client).length === 4);
    expect(holdEvents(client).slice(2)).toEqual(['callee hold ok', 'caller hold fail']);
    expect(simulator.ledger.findDialog(callid)).toMatchObject({
      caller: { receivedDirection: 'sendrecv' },
      callee: { receivedDirection: 'inactive' },
    });
    simulator.thaw('keep.1');
    await client.waitFor(() => holdEvents(client).length === 8);
    expect(holdEvents(client).slice(4)).toEqual(Array(4).fill('caller hold ok'));
    expect(simulator.ledger.findDialog(callid)?.caller.receivedDirection).toBe('inactive');
    expect(await client.request('call_unhold', { callid })).toBe('OK');
    await client.waitFor(() => holdEvents(client).length === 12);
    expect(simulator.ledger.findDialog(callid)?.caller.receivedDirection).toBe('sendrecv');
  });
});
