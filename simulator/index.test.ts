/** What the traces don't show: many calls, restarts, silence, calls that MI did not begin. */
import { afterEach, describe, expect, test } from 'vitest';
import { type Simulator, type SimulatorOptions, STATE, startSimulator } from './index.ts';
import { clickToDial, transfer, uac } from './testing/click-to-dial.ts';
import { Peer } from './testing/peer.ts';

describe('the simulator', () => {
  const open: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((one) => one.close()));
  });

  async function start(options: SimulatorOptions = {}): Promise<[Simulator, Peer]> {
    const simulator = await startSimulator({ gaps: 0, ...options });
    const peer = await Peer.open(simulator.mi);
    open.push(simulator, peer);
    await peer.subscribe();
    return [simulator, peer];
  }

  test('places hundreds of calls at once, each with all its events', async () => {
    const [simulator, peer] = await start();
    const calls = Array.from({ length: 300 }, (_, at) => `call-${at}`);
    for (const callid of calls)
      peer.send(request(`uac ${callid}`, 't_uac_dlg', uac(callid, `alice.${callid}`, 'bob')));
    await peer.until(() => inState(peer, STATE.acknowledged).length === calls.length);
    for (const callid of calls)
      peer.send(request(callid, 'call_transfer', transfer(callid, `bob.${callid}`)));
    await peer.until(() => inState(peer, STATE.acknowledged).length === 2 * calls.length);

    expect(peer.events('E_CALL_TRANSFER')).toHaveLength(2 * calls.length);
    expect(peer.events('E_DLG_STATE_CHANGED')).toHaveLength(7 * calls.length);
    expect(simulator.ledger.dialogs).toHaveLength(2 * calls.length);
    expect(simulator.ledger.timesSeen('call-7')).toBe(1);
  });

  test('writes down what truly happened', async () => {
    const [simulator, peer] = await start();
    await clickToDial(peer, 'first', 'alice', 'keep');
    const [first, second] = simulator.ledger.dialogs;
    expect(first).toMatchObject({
      callid: 'first',
      state: STATE.ended,
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

  test('makes no dialog and raises no event where the INVITE does not pass through the script', async () => {
    const [simulator, peer] = await start();
    const { next_hop: _, ...direct } = uac('direct', 'alice', 'bob');
    expect(await peer.ask('t_uac_dlg', direct)).toMatchObject({ Status: '200 Answering', Routes: [] });
    expect(await peer.ask('call_transfer', transfer('direct', 'bob'))).toEqual({
      code: 404,
      message: 'Dialog not found',
    });
    expect(simulator.ledger.dialogs).toEqual([]);
    expect(peer.events('E_DLG_STATE_CHANGED')).toEqual([]);
  });

  test('a dialog is transferred once: a second time is refused, even after a failure', async () => {
    const [, peer] = await start();
    await clickToDial(peer, 'once', 'keep', 'phone-busy');
    expect(await peer.ask('call_transfer', transfer('once', 'bob'))).toEqual({
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
  ])('a transfer to %s ends as that phone wishes', async (callee, expected) => {
    const [, peer] = await start({ timers: { unanswered: 5, ringing: 30 } });
    expect(await clickToDial(peer, 'wish', 'alice.1', callee)).toMatchObject(expected);
  });

  test('a call that is dialled by hand is told of like any other, and can be held', async () => {
    const [simulator, peer] = await start();
    const callid = await simulator.dial({ from: 'alice', to: 'keep' });
    await peer.until(() => inState(peer, STATE.acknowledged).length === 1);
    expect(await peer.ask('call_hold', { callid })).toBe('OK');
    await peer.until(() => peer.events('E_CALL_HOLD').length === 4);
    expect(simulator.ledger.dialog(callid)).toMatchObject({ held: { caller: true, callee: true } });
    await expect(simulator.dial({ from: 'alice', to: 'busy' })).rejects.toThrow('486 Busy Here');
  });

  test('4.x takes a leg to hold, and re-INVITEs both all the same', async () => {
    const [simulator, peer] = await start({ version: 'OpenSIPS (4.0.1 (x86_64/linux))' });
    const callid = await simulator.dial({ from: 'alice', to: 'bob' });
    expect(await peer.ask('call_hold', { callid, leg: 'caller' })).toBe('OK');
    await peer.until(() => peer.events('E_CALL_HOLD').length === 4);
  });

  test('after a restart uptime begins anew, subscriptions are gone, and dialogs unless they are kept', async () => {
    const [simulator, peer] = await start({ uptimeSeconds: 100 });
    const kept = await simulator.dial({ from: 'alice', to: 'bob' });
    peer.send(request('ringing', 't_uac_dlg', uac('ringing', 'ring', 'bob')));
    await peer.until(() => inState(peer, STATE.ringing).length === 2);
    expect(await peer.ask('uptime')).toMatchObject({ 'Up time': '100 [sec]' });

    simulator.restart({ keepDialogs: true });
    expect(await peer.ask('uptime')).toMatchObject({ 'Up time': '0 [sec]' });
    expect(await peer.ask('subscribers_list')).toEqual({ Events: [] });
    expect(Object(await peer.ask('dlg_list')).Dialogs).toMatchObject([{ callid: kept }]);
    expect(simulator.ledger.dialog('ringing')).toMatchObject({ state: STATE.ended, endedBy: 'restart' });

    simulator.restart({ keepDialogs: false });
    expect(await peer.ask('dlg_list')).toEqual({ Dialogs: [] });
  });

  test('answers nothing to a method that is silenced, whether it runs or not', async () => {
    const [simulator, peer] = await start();
    const callid = await simulator.dial({ from: 'alice', to: 'bob' });
    simulator.silence('call_hold');
    peer.send(request('not run', 'call_hold', { callid }));
    await peer.ask('version');
    expect(simulator.ledger.dialog(callid)?.held.caller).toBe(false);

    simulator.silence('call_hold', { runs: true });
    peer.send(request('run', 'call_hold', { callid }));
    await peer.until(() => peer.events('E_CALL_HOLD').length === 4);
    simulator.silence(null);
    expect(await peer.ask('call_hold', { callid })).toMatchObject({ code: 480 });
    expect(simulator.ledger.timesSeen('not run')).toBe(1);
    expect(peer.received.some(({ msg }) => ['not run', 'run'].includes(Object(msg).id))).toBe(false);
  });

  test('two simulators cannot listen on one port', async () => {
    const [simulator] = await start();
    await expect(startSimulator(simulator.mi)).rejects.toThrow('EADDRINUSE');
  });
});

const request = (id: string, method: string, params: unknown) => ({ jsonrpc: '2.0', id, method, params });

/** The events of dialogs that came into a state. */
const inState = (peer: Peer, state: number) =>
  peer.events('E_DLG_STATE_CHANGED').filter((event) => event['new_state'] === state);
