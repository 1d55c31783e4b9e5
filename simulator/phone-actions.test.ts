/** What phones do by themselves, the events of the script, the media relay, and the identity of a caller's phone. */
import { describe, expect, test } from 'vitest';
import { transferParams, uacParams } from './testing/click-to-dial.ts';
import { referParams, waitForState } from './testing/in-dialog.ts';
import { useSimulators } from './testing/start-simulator.ts';
import type { TestClient } from './testing/test-client.ts';

const start = useSimulators();

async function listDialog(client: TestClient, callid: string) {
  const { Dialog } = Object(await client.request('dlg_list', { callid }));
  return { ...Dialog, ...Dialog.CALLEES[0] };
}

describe('a phone', () => {
  test('holds and resumes by a re-INVITE of its own, which dlg_list shows', async () => {
    const [simulator, client] = await start();
    const callid = await simulator.dial({ from: 'keep.1', to: 'keep.2' });
    const before = await listDialog(client, callid);
    expect(simulator.hold(callid, 'callee')).toBe(true);
    const held = await listDialog(client, callid);
    expect(before.callee_sdp).toContain('o=- 1 1 ');
    expect(held.callee_sdp).toBe(
      before.callee_sdp.replace('o=- 1 1 ', 'o=- 1 2 ').replace('sendrecv', 'sendonly'),
    );
    expect(held.caller_sdp).toContain('a=recvonly');
    expect(simulator.ledger.findDialog(callid)).toMatchObject({
      caller: { receivedDirection: 'sendonly' },
      held: { caller: false, callee: false },
    });
    expect(simulator.resume(callid, 'callee')).toBe(true);
    expect((await listDialog(client, callid)).callee_sdp).toBe(
      before.callee_sdp.replace('o=- 1 1 ', 'o=- 1 3 '),
    );
    expect(client.events('E_CALL_HOLD')).toEqual([]);
  });

  test('cannot hold a phone that refuses, is frozen, or has no answered call', async () => {
    const [simulator, client] = await start();
    const callid = await simulator.dial({ from: 'keep', to: 'nohold' });
    const before = await listDialog(client, callid);
    expect(simulator.hold(callid, 'caller')).toBe(false);
    simulator.freeze('keep');
    expect(simulator.hold(callid, 'callee')).toBe(false);
    expect(await listDialog(client, callid)).toEqual(before);
    expect(() => simulator.hold('unknown', 'caller')).toThrow('callid: "unknown" is not an answered call');
  });

  test('transfers the other one by a REFER of its own, of which callops knows nothing', async () => {
    const [simulator, client] = await start();
    const callid = await simulator.dial({ from: 'keep.1', to: 'keep.2' });
    const became = await simulator.transfer(callid, 'caller', 'bob');
    expect(simulator.ledger.findDialog(became)).toMatchObject({
      state: 4,
      to: 'sip:bob@127.0.0.1:5060',
      caller: { user: 'keep.2' },
    });
    await waitForState(client, callid, 5);
    expect(simulator.ledger.findDialog(callid)?.endedBy).toBe('phone keep.1');
    expect(client.events('E_CALL_TRANSFER')).toEqual([]);

    const declined = await simulator.dial({ from: 'keep', to: 'norefer' });
    await expect(simulator.transfer(declined, 'caller', 'bob')).rejects.toThrow('603 Decline');
    await expect(simulator.transfer(declined, 'callee', 'phone-busy')).rejects.toThrow('486 Busy Here');
  });

  test('that copies the called URI is the caller if the set-up leg has From and To swapped', async () => {
    const [simulator, client] = await start();
    const params = uacParams('swapped', 'alice', 'bob');
    const headers = params['headers']
      ?.replace('From: <sip:alice@', 'From: <sip:other@')
      .replace('To: <sip:bob@', 'To: <sip:alice@')
      .replace('sip:other@', 'sip:bob@');
    await client.request('t_uac_dlg', { ...params, headers });
    await waitForState(client, 'swapped', 4);
    const { dialogId = '' } = simulator.ledger.findDialog('swapped') ?? {};
    await client.request('dlg_send_sequential', referParams({ callid: 'swapped', dialogId }, 'bob'));
    await client.waitFor(() => simulator.ledger.dialogs.at(-1)?.state === 4);
    expect(simulator.ledger.findDialog('swapped')).toMatchObject({
      from: 'sip:bob@127.0.0.1:5060',
      to: 'sip:alice@127.0.0.1:5060',
    });
    expect(simulator.ledger.dialogs.at(-1)).toMatchObject({
      from: 'sip:alice@127.0.0.1:5060',
      to: `sip:bob@127.0.0.1:5060;osid=${dialogId}`,
    });
  });
});

describe('the events of the script', () => {
  test('do not exist unless the option is set', async () => {
    const [simulator, client] = await start();
    const params = { event: 'E_CALL_REFUSED', socket: client.eventSocket, expire: 60 };
    expect(await client.request('event_subscribe', params)).toEqual({
      code: 400,
      message: 'Bad parameter value',
    });
    const { Events } = Object(await client.request('events_list'));
    expect(Events.map(({ name }: { name: string }) => name)).not.toContain('E_CALL_BYE');
    await expect(simulator.dial({ from: 'alice', to: 'busy' })).rejects.toThrow('486');
  });

  test('tell which INVITE the script has refused, and which phone has hung up', async () => {
    const [simulator, client] = await start({ scriptEvents: true });
    await client.subscribeToScript();
    await expect(simulator.dial({ from: 'alice', to: 'busy' })).rejects.toThrow('486');
    await client.request('t_uac_dlg', uacParams('first', 'keep', 'bob'));
    await waitForState(client, 'first', 4);
    await client.request('call_transfer', transferParams('first', 'nobody'));
    await client.waitFor(() => client.events('E_CALL_REFUSED').length === 2);
    const [direct, transferred] = simulator.ledger.dialogs.filter(({ endedBy }) => endedBy === 'script');
    const { dialogId: osid = '' } = simulator.ledger.findDialog('first') ?? {};
    expect(client.events('E_CALL_REFUSED')).toEqual([
      { callid: direct?.callid, osid: '', status: '486 Busy Here' },
      { callid: transferred?.callid, osid, status: '404 Not Found' },
    ]);
    expect(client.events('E_CALL_BYE')).toEqual([]);

    simulator.hangUp('first');
    const callid = await simulator.dial({ from: 'alice', to: 'bob' });
    simulator.hangUp(callid, 'callee');
    const byMi = await simulator.dial({ from: 'alice', to: 'bob' });
    await client.request('dlg_end_dlg', { dialog_id: byMi });
    await waitForState(client, byMi, 5);
    expect(client.events('E_CALL_BYE')).toEqual([
      { callid: 'first', leg: 'callee' },
      { callid, leg: 'callee' },
    ]);
  });
});

test('a media relay changes address and port of what each party gets, and call_hold sends that', async () => {
  const [simulator, client] = await start({ mediaRelay: true });
  const callid = await simulator.dial({ from: 'keep.1', to: 'keep.2' });
  const { caller_sdp, caller_sent_sdp, callee_sdp, callee_sent_sdp } = await listDialog(client, callid);
  const relayed = (sdp: string) =>
    new RegExp(
      `^${sdp.replace(/c=.*/, 'c=IN IP4 192\\.0\\.2\\.100').replace(/m=audio \d+/, 'm=audio [34]\\d{4}')}$`,
    );
  // Each is what OpenSIPS has sent to that party, so it is made of the other party's.
  expect(caller_sent_sdp).toMatch(relayed(callee_sdp));
  expect(callee_sent_sdp).toMatch(relayed(caller_sdp));
  expect(caller_sent_sdp).not.toBe(callee_sent_sdp);
  await client.request('call_hold', { callid });
  await client.waitFor(() => client.events('E_CALL_HOLD').length === 4);
  expect(simulator.ledger.findDialog(callid)?.caller).toMatchObject({
    receivedSdp: caller_sent_sdp.replace('sendrecv', 'inactive'),
    receivedDirection: 'inactive',
  });
  expect(await listDialog(client, callid)).toMatchObject({
    caller_sdp,
    caller_sent_sdp,
    callee_sdp,
    callee_sent_sdp,
  });
});
