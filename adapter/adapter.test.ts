import { describe, expect, it, onTestFinished } from 'vitest';
import { startSimulator } from '../simulator/index.ts';
import type { Settings } from './settings.ts';
import { FakeOpenSips } from './testing/fake-opensips.ts';
import { ADAPTER_KEY, createHarness, LINK_MODES, ringingDialog, storedCallids } from './testing/harness.ts';

describe('a connected adapter', () => {
  it('says hello with the status of OpenSIPS, after it has subscribed to events', async () => {
    const { edge, opensips, start } = await createHarness();
    start();
    const hello = await edge.waitFor(() => edge.hellos[0]);
    expect(hello).toMatchObject({
      version: 1,
      adapter: 'test',
      base: 1,
      opensips: { version: opensips.version, next_hop: 'sip:127.0.0.1:5060', reachable: true },
    });
    expect([...opensips.subscribers.keys()].sort()).toEqual([
      'E_CALL_HOLD',
      'E_CALL_TRANSFER',
      'E_DLG_STATE_CHANGED',
    ]);
    expect(edge.upgradeRequests[0]?.headers.authorization).toBe(`Bearer ${ADAPTER_KEY}`);
  });

  it('runs MI requests concurrently, and replies in the order of the responses', async () => {
    const { edge, opensips, start } = await createHarness();
    start();
    await edge.waitFor(() => edge.hellos[0]);
    edge.sendRequest({ id: 'slow', method: 't_uac_dlg', params: { ruri: 'sip:alice@10.0.0.10' } });
    const slow = await opensips.waitFor(() => opensips.requestsFor('t_uac_dlg')[0]);
    opensips.handlers.set('dlg_list', () => ({ Dialogs: [] }));
    edge.sendRequest({ id: 'quick', method: 'dlg_list' });
    await edge.waitFor(() => edge.replies().length === 1);
    slow.respond({ Status: '200 OK' });
    await edge.waitFor(() => edge.replies().length === 2);
    expect(slow.params).toEqual({ ruri: 'sip:alice@10.0.0.10' });
    expect(edge.replies()).toMatchObject([
      { seq: 1, id: 'quick', result: { Dialogs: [] } },
      { seq: 2, id: 'slow', result: { Status: '200 OK' } },
    ]);
  });

  it('replies without running requests that are not allowed or have expired', async () => {
    const { edge, opensips, start } = await createHarness();
    start();
    await edge.waitFor(() => edge.hellos[0]);
    edge.sendRequest({ id: 'a', method: 'kill' });
    edge.sendRequest({ id: 'b', method: 'dlg_list', ttl_ms: 0 });
    edge.sendRequest({ id: 'c', method: 'call_hold', timeout_ms: 20 });
    await edge.waitFor(() => edge.replies().length === 3);
    expect(edge.replies()).toMatchObject([
      { id: 'a', outcome: 'refused' },
      { id: 'b', outcome: 'expired' },
      { id: 'c', outcome: 'timeout' },
    ]);
    expect([...opensips.requestsFor('kill'), ...opensips.requestsFor('dlg_list')]).toEqual([]);
  });

  it('forwards events with a timestamp', async () => {
    const { edge, opensips, start } = await createHarness();
    start({}, { clock: () => 1_700_000_000_000 });
    await edge.waitFor(() => edge.hellos[0]);
    opensips.raiseEvent('E_DLG_STATE_CHANGED', ringingDialog('a'));
    await edge.waitFor(() => edge.stored.length === 1);
    expect(edge.stored).toEqual([
      {
        type: 'event',
        seq: 1,
        at: 1_700_000_000_000,
        name: 'E_DLG_STATE_CHANGED',
        params: ringingDialog('a'),
      },
    ]);
  });

  it('subscribes again after a restart of OpenSIPS, and reports a gap', async () => {
    const { edge, opensips, start } = await createHarness();
    start();
    await edge.waitFor(() => edge.hellos[0]);
    opensips.restart('Mon Nov 23 10:49:35 2026');
    // If the restart happens between two requests of one health check, a gap for expired subscriptions comes first.
    await edge.waitFor(() => edge.gapReasons().includes('OpenSIPS restarted'));
    opensips.raiseEvent('E_DLG_STATE_CHANGED', ringingDialog('after'));
    await edge.waitFor(() => storedCallids(edge).length > 0);
  });

  it('reports that OpenSIPS is unreachable, and that it is back', async () => {
    const { edge, opensips, start } = await createHarness();
    const { port } = opensips.address;
    await opensips.stop();
    start({ opensips: { host: '127.0.0.1', port } });
    const hello = await edge.waitFor(() => edge.hellos[0]);
    expect(hello.opensips).toMatchObject({ version: '', reachable: false });
    edge.sendRequest({ id: 'x', method: 'dlg_list' });
    await edge.waitFor(() => edge.replies()[0]);
    expect(edge.replies()).toMatchObject([{ id: 'x', outcome: 'unreachable' }]);
    await opensips.listen(port);
    const status = await edge.waitFor(() => edge.received.find((message) => message.type === 'status'));
    expect(status).toMatchObject({ opensips: { version: opensips.version, reachable: true } });
    await edge.waitFor(() => edge.gapReasons().length > 0);
  });
});

describe('OpenSIPS with MI on IPv6', () => {
  it('gets requests over IPv6 and sends events over IPv4', async () => {
    const opensips = await FakeOpenSips.start(0, '::1');
    onTestFinished(() => opensips.stop());
    const { edge, start } = await createHarness();
    start({ opensips: opensips.address });
    const hello = await edge.waitFor(() => edge.hellos[0]);
    expect(hello.opensips).toMatchObject({ version: opensips.version, reachable: true });
    opensips.raiseEvent('E_DLG_STATE_CHANGED', ringingDialog('over-ipv4'));
    await edge.waitFor(() => storedCallids(edge).includes('over-ipv4'));
  });
});

describe('the status of OpenSIPS', () => {
  const statusWith = async (settings: Partial<Settings>, version?: string) => {
    const { edge, opensips, start } = await createHarness();
    if (version !== undefined) opensips.version = version;
    start(settings);
    return (await edge.waitFor(() => edge.hellos[0])).opensips;
  };

  it('has what the edge needs to know of the settings', async () => {
    const settings: Partial<Settings> = {
      frTimeoutMs: 5_000,
      matching: { mode: 'callid', param: 'os_id' },
      setUpFrom: 'caller',
      transport: 'tcp',
    };
    expect(await statusWith(settings)).toMatchObject({
      in_dialog: { refer: true, hold: true, timeout_ms: 5_000 },
      match_param: 'os_id',
      set_up_from: 'caller',
      transport: 'tcp',
    });
    expect(await statusWith({})).not.toHaveProperty('transport');
  });

  it('has no requests within a call if the setting or the version of OpenSIPS forbids it', async () => {
    expect(await statusWith({ engine: 'callops' })).not.toHaveProperty('in_dialog');
    expect(await statusWith({}, 'OpenSIPS (3.3.1 (x86_64/linux))')).not.toHaveProperty('in_dialog');
    expect(await statusWith({}, 'OpenSIPS (3.4.18 (x86_64/linux))')).toHaveProperty('in_dialog.refer', false);
  });

  it('has requests within a call until OpenSIPS has listed its commands, and then only if it has the command', async () => {
    const { edge, opensips, start } = await createHarness();
    opensips.handlers.set('which', () => undefined);
    start();
    const hello = await edge.waitFor(() => edge.hellos[0]);
    expect(hello.opensips).toHaveProperty('in_dialog.hold', true);
    opensips.commands = ['uptime', 'version', 'which', 'dlg_list'];
    opensips.handlers.delete('which');
    const status = await edge.waitFor(() => edge.received.find((message) => message.type === 'status'));
    expect(status).not.toHaveProperty('opensips.in_dialog');
  });
});

describe.each(LINK_MODES)('stopping (%s)', (mode) => {
  it('replies to open requests, unsubscribes, says goodbye and closes with 1000', async () => {
    const { edge, opensips, start } = await createHarness(mode);
    const adapter = start();
    await edge.waitFor(() => edge.hellos[0]);
    edge.sendRequest({ id: 'x', method: 't_uac_dlg' });
    await opensips.waitFor(() => opensips.requestsFor('t_uac_dlg')[0]);
    await adapter.stop();
    await edge.waitFor(() => edge.closeCodes.length > 0);
    expect(edge.replies()).toMatchObject([{ id: 'x', outcome: 'timeout' }]);
    expect(edge.received.at(-1)).toEqual({ type: 'goodbye' });
    expect(edge.closeCodes).toEqual([1000]);
    expect([...opensips.subscribers.values()].every((sockets) => sockets.size === 0)).toBe(true);
  });

  it('finishes although neither OpenSIPS nor the edge responds', async () => {
    const { edge, opensips, start } = await createHarness(mode);
    edge.sendsWelcome = false;
    const adapter = start({}, { timing: { stopTimeoutMs: 40 } });
    await edge.waitFor(() => edge.hellos[0]);
    opensips.isSilent = true;
    await adapter.stop();
  });
});

it('never logs the key', async () => {
  const { edge, log, start } = await createHarness();
  edge.refuseWithStatus = 401;
  start({}, { timing: { refusedRetryDelayMs: 1 } });
  await log.waitFor(() => log.find('ADAPTER_KEY'));
  edge.refuseWithStatus = undefined;
  await log.waitFor(() => log.find('Connected to the edge'));
  expect(log.lines.join()).not.toContain('obody-sees');
});

it('forwards the events and dialogs of the simulator, and reports its restart', async () => {
  const { edge, start } = await createHarness();
  const simulator = await startSimulator({ delayFactor: 0, uptimeSeconds: 60 });
  onTestFinished(() => simulator.close());
  start({ opensips: simulator.mi });
  await edge.waitFor(() => edge.hellos[0]);
  const callid = await simulator.dial({ from: 'sip:alice@127.0.0.1:5060', to: 'sip:bob@127.0.0.1:5060' });
  await edge.waitFor(() => storedCallids(edge).includes(callid));
  edge.sendRequest({ id: 'list', method: 'dlg_list', params: { callid } });
  await edge.waitFor(() => edge.replies().length === 1);
  expect(edge.replies()[0]).toMatchObject({ id: 'list', result: { Dialog: { callid } } });
  simulator.restart({ keepDialogs: false });
  // If the restart happens between two requests of one health check, a gap for expired subscriptions comes first.
  await edge.waitFor(() => edge.gapReasons().includes('OpenSIPS restarted'));
});
