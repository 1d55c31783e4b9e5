/** What the traces do not show: many calls, restarts, lost replies, calls that no MI command started. */
import { afterEach, describe, expect, test } from 'vitest';
import { DIALOG_STATE, type Simulator, type SimulatorOptions, startSimulator } from './index.ts';
import { clickToDial, transferParams, uacParams } from './testing/click-to-dial.ts';
import { TestClient } from './testing/test-client.ts';

describe('the simulator', () => {
  const opened: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((resource) => resource.close()));
  });

  async function start(options: SimulatorOptions = {}): Promise<[Simulator, TestClient]> {
    const simulator = await startSimulator({ delayFactor: 0, ...options });
    const client = await TestClient.open(simulator.mi);
    opened.push(simulator, client);
    await client.subscribe();
    return [simulator, client];
  }

  test('places hundreds of calls at the same time, each with all its events', async () => {
    const [simulator, client] = await start();
    const callids = Array.from({ length: 300 }, (_, n) => `call-${n}`);
    await sendAll(
      client,
      callids.map((callid) =>
        request(`uac ${callid}`, 't_uac_dlg', uacParams(callid, `alice.${callid}`, 'bob')),
      ),
    );
    await client.waitFor(() => stateChanges(client, DIALOG_STATE.acknowledged).length === callids.length);
    await sendAll(
      client,
      callids.map((callid) => request(callid, 'call_transfer', transferParams(callid, `bob.${callid}`))),
    );
    await client.waitFor(() => stateChanges(client, DIALOG_STATE.acknowledged).length === 2 * callids.length);

    expect(client.events('E_CALL_TRANSFER')).toHaveLength(2 * callids.length);
    expect(client.events('E_DLG_STATE_CHANGED')).toHaveLength(7 * callids.length);
    expect(simulator.ledger.dialogs).toHaveLength(2 * callids.length);
    expect(simulator.ledger.countRequests('call-7')).toBe(1);
  });

  test('records every dialog and request in the ledger', async () => {
    const [simulator, client] = await start();
    await clickToDial(client, 'first', 'alice', 'keep');
    const [first, second] = simulator.ledger.dialogs;
    expect(first).toMatchObject({
      callid: 'first',
      state: DIALOG_STATE.ended,
      endedBy: 'phone alice',
      reason: 'BYE',
    });
    expect(second).toMatchObject({ transferredFrom: 'first', held: { caller: false, callee: false } });
    expect(simulator.ledger.requests.map(({ method }) => method)).toEqual([
      'event_subscribe',
      'event_subscribe',
      'event_subscribe',
      't_uac_dlg',
      'call_transfer',
    ]);
  });

  test('creates no dialog and raises no event if the INVITE does not pass through the script', async () => {
    const [simulator, client] = await start();
    const { next_hop: _, ...direct } = uacParams('direct', 'alice', 'bob');
    expect(await client.request('t_uac_dlg', direct)).toMatchObject({ Status: '200 Answering', Routes: [] });
    expect(await client.request('call_transfer', transferParams('direct', 'bob'))).toEqual({
      code: 404,
      message: 'Dialog not found',
    });
    expect(simulator.ledger.dialogs).toEqual([]);
    expect(client.events('E_DLG_STATE_CHANGED')).toEqual([]);
  });

  test('refuses a second transfer of a dialog, even after a failed one', async () => {
    const [, client] = await start();
    await clickToDial(client, 'once', 'keep', 'phone-busy');
    expect(await client.request('call_transfer', transferParams('once', 'bob'))).toEqual({
      code: 491,
      message: 'Request Pending',
    });
  });

  test.each([
    ['phone-busy', { state: 'fail', status: '486 Busy Here' }],
    ['phone-decline', { state: 'fail', status: '603 Decline' }],
    ['answer-1', { state: 'ok', status: '200 OK' }],
    ['ring-1.5', { state: 'ok', status: '200 OK' }],
    ['silent', { state: 'fail', status: '408 Request Timeout' }],
    ['ring', { state: 'fail', status: '408 Request Timeout' }],
  ])('ends a transfer to %s with the result of that phone', async (callee, expected) => {
    const [, client] = await start({ timers: { frTimeoutMs: 5, frInvTimeoutMs: 30 } });
    expect(await clickToDial(client, 'transferred', 'alice.1', callee)).toMatchObject(expected);
  });

  test('raises the same events for a call between phones as for any other, and can hold it', async () => {
    const [simulator, client] = await start();
    const callid = await simulator.dial({ from: 'alice', to: 'keep' });
    await client.waitFor(() => stateChanges(client, DIALOG_STATE.acknowledged).length === 1);
    expect(await client.request('call_hold', { callid })).toBe('OK');
    await client.waitFor(() => client.events('E_CALL_HOLD').length === 4);
    expect(simulator.ledger.findDialog(callid)).toMatchObject({ held: { caller: true, callee: true } });
    await expect(simulator.dial({ from: 'alice', to: 'busy' })).rejects.toThrow('486 Busy Here');
  });

  test('accepts the parameter leg of call_hold as version 4.x, and still sends a re-INVITE to both legs', async () => {
    const [simulator, client] = await start({ version: 'OpenSIPS (4.0.1 (x86_64/linux))' });
    const callid = await simulator.dial({ from: 'alice', to: 'bob' });
    expect(await client.request('call_hold', { callid, leg: 'caller' })).toBe('OK');
    await client.waitFor(() => client.events('E_CALL_HOLD').length === 4);
  });

  test('resets its uptime and drops subscriptions in a restart, and dialogs unless they are to be kept', async () => {
    const [simulator, client] = await start({ uptimeSeconds: 100 });
    const answered = await simulator.dial({ from: 'alice', to: 'bob' });
    client.send(request('ringing', 't_uac_dlg', uacParams('ringing', 'ring', 'bob')));
    await client.waitFor(() => stateChanges(client, DIALOG_STATE.ringing).length === 2);
    expect(await client.request('uptime')).toMatchObject({ 'Up time': '100 [sec]' });

    simulator.restart({ keepDialogs: true });
    expect(await client.request('uptime')).toMatchObject({ 'Up time': '0 [sec]' });
    expect(await client.request('subscribers_list')).toEqual({ Events: [] });
    expect(Object(await client.request('dlg_list')).Dialogs).toMatchObject([{ callid: answered }]);
    expect(simulator.ledger.findDialog('ringing')).toMatchObject({
      state: DIALOG_STATE.ended,
      endedBy: 'restart',
    });

    simulator.restart({ keepDialogs: false });
    expect(await client.request('dlg_list')).toEqual({ Dialogs: [] });
  });

  test('sends no reply to a silenced method, whether it runs or not', async () => {
    const [simulator, client] = await start();
    const callid = await simulator.dial({ from: 'alice', to: 'bob' });
    simulator.silence('call_hold');
    client.send(request('not run', 'call_hold', { callid }));
    await client.request('version');
    expect(simulator.ledger.findDialog(callid)?.held.caller).toBe(false);

    simulator.silence('call_hold', { runs: true });
    client.send(request('run', 'call_hold', { callid }));
    await client.waitFor(() => client.events('E_CALL_HOLD').length === 4);
    simulator.silence(null);
    expect(await client.request('call_hold', { callid })).toMatchObject({ code: 480 });
    expect(simulator.ledger.countRequests('not run')).toBe(1);
    expect(client.received.some(({ msg }) => ['not run', 'run'].includes(Object(msg).id))).toBe(false);
  });

  test('rejects if its port is already in use', async () => {
    const [simulator] = await start();
    await expect(startSimulator(simulator.mi)).rejects.toThrow('EADDRINUSE');
  });
});

/** The simulator's MI socket, as OpenSIPS's, has room for about a hundred requests; Node.js reads 32 in a turn. */
const BURST = 16;

/** Sends messages as fast as they can be read. */
async function sendAll(client: TestClient, messages: readonly object[]): Promise<void> {
  for (const [index, message] of messages.entries()) {
    client.send(message);
    if (index % BURST === BURST - 1) await new Promise((resolve) => setImmediate(resolve));
  }
}

const request = (id: string, method: string, params: unknown) => ({ jsonrpc: '2.0', id, method, params });

/** Returns the events of dialogs that entered a state. */
const stateChanges = (client: TestClient, state: number) =>
  client.events('E_DLG_STATE_CHANGED').filter((event) => event['new_state'] === state);
