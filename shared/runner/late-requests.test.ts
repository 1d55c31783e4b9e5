/** An INVITE, a REFER or a re-INVITE is sent within seconds or not at all, and not for a command that has failed or ended. */
import { describe, expect, it } from 'vitest';
import { featuresOf } from '../opensips/features.ts';
import type { AdapterRequest } from './mi-requests.ts';
import { Runner } from './runner.ts';

const IN_DIALOG = { refer: true, hold: true, timeout_ms: 30_000 };
const options = {
  callid: 'first',
  nextHop: 'sip:10.0.0.1:5060',
  features: featuresOf({ in_dialog: IN_DIALOG }),
  isAnswered: () => true,
};
const client = { subject: 'tester', session: 'one' };
const callStart = {
  cmdId: 'start',
  method: 'CallStart',
  params: { caller: 'sip:alice@10.0.0.10', callee: 'sip:bob@10.0.0.11' },
  ...client,
} as const;
const callEnd = { cmdId: 'end', method: 'CallEnd', params: { callid: 'start' }, ...client } as const;
const callHold = {
  cmdId: 'hold',
  method: 'CallHold',
  params: { callid: 'call', leg: 'caller' },
  ...client,
} as const;

/** Returns a runner, connected to the adapter process `stream`, that has sent the INVITE of a CallStart at 0. */
function runnerWithInvite(): Runner {
  const runner = new Runner('epoch', 1, []);
  runner.onLinkUp('stream', 0);
  runner.start(callStart, options, 0);
  runner.takeOutput();
  return runner;
}

function takeRequests(runner: Runner): readonly AdapterRequest[] {
  return runner.takeOutput().requests;
}

/** Reconnects the same process of the adapter. Returns what it gets. */
function reconnect(runner: Runner, now: number): readonly AdapterRequest[] {
  runner.onLinkDown();
  runner.onLinkUp('stream', now);
  return takeRequests(runner);
}

describe('an INVITE that may have been lost with its connection', () => {
  it('is sent again within 5 s, and must be sent to OpenSIPS within what is left of them', () => {
    expect(reconnect(runnerWithInvite(), 2_000)).toEqual([
      expect.objectContaining({
        method: 't_uac_dlg',
        timeout_ms: 178_000,
        ttl_ms: 178_000,
        send_within_ms: 3_000,
      }),
    ]);
  });

  it('has no time to live afterward, so that the adapter answers `expired` or with the reply', () => {
    const [invite, ...others] = reconnect(runnerWithInvite(), 5_000);
    expect([invite, others]).toMatchObject([{ method: 't_uac_dlg', timeout_ms: 175_000, ttl_ms: 0 }, []]);
  });

  it('is not run for a CallStart that was canceled: 26 s later the same adapter does not let the phone ring', () => {
    const runner = runnerWithInvite();
    runner.fireDueTimers(3_000);
    runner.start(callEnd, options, 3_000);
    runner.fireDueTimers(5_000);
    const { notifications } = runner.takeOutput();
    expect(notifications.map(({ command, notification: { event } }) => `${command.cmdId} ${event}`)).toEqual([
      'start Error',
      'start Ended',
      'end Ended',
    ]);
    runner.fireDueTimers(26_000);
    runner.takeOutput();
    const requests = reconnect(runner, 26_000);
    const invite = requests.find(({ method }) => method === 't_uac_dlg');
    expect(invite?.ttl_ms).toBe(0);
    for (const { method, ttl_ms } of requests)
      if (method === 'dlg_end_dlg') expect(ttl_ms).toBeGreaterThan(0);
    runner.onReply({ id: invite?.id ?? '', outcome: 'expired' }, 26_010);
    expect(runner.size, 'nothing is left to end').toBe(0);
  });

  it('is withdrawn as soon as its command fails, even if the adapter is back at once', () => {
    const runner = runnerWithInvite();
    runner.start(callEnd, options, 1_000);
    runner.takeOutput();
    const requests = reconnect(runner, 1_500);
    expect(requests.map(({ method, ttl_ms }) => [method, ttl_ms > 0])).toEqual([
      ['t_uac_dlg', false],
      ['dlg_end_dlg', true],
    ]);
  });

  it('says when it was sent, so that the adapter notices how long it was on its way', () => {
    expect(reconnect(runnerWithInvite(), 2_000)).toMatchObject([{ sent_at: 2_000 }]);
    const withCallops = new Runner('epoch', 1, []);
    withCallops.onLinkUp('stream', 0);
    const onCallops = { ...options, features: featuresOf() };
    const params = { callid: 'c', leg: 'callee' as const, destination: 'sip:bob@10.0.0.11' };
    withCallops.start(
      { ...client, cmdId: 'transfer', method: 'CallBlindTransfer', params },
      onCallops,
      7_000,
    );
    expect(takeRequests(withCallops)).toMatchObject([{ method: 'call_transfer', sent_at: 7_000 }]);
  });

  it('stays withdrawn after a hibernation', () => {
    const runner = runnerWithInvite();
    runner.start(callEnd, options, 1_000);
    const rows = JSON.parse(JSON.stringify(runner.takeOutput().rows));
    const restored = new Runner(
      'epoch',
      100,
      rows.flatMap((row: { commands: [] }) => row.commands).filter(({ state }: { state: unknown }) => state),
    );
    restored.onLinkUp('stream', 1_500);
    expect(takeRequests(restored).find(({ method }) => method === 't_uac_dlg')?.ttl_ms).toBe(0);
  });

  it('and had run after all: its reply leads to the end of the call', () => {
    const runner = runnerWithInvite();
    runner.start(callEnd, options, 1_000);
    const [end] = takeRequests(runner);
    reconnect(runner, 1_500);
    runner.onReply({ id: end?.id ?? '', error: { code: 404, message: 'Requested Dialog not found' } }, 1_501);
    runner.takeOutput();
    runner.onReply(
      { id: 'epoch.1.0', result: { Status: '200 OK', RURI: 'sip:alice@10.0.0.10:5070' } },
      1_502,
    );
    expect(takeRequests(runner)).toMatchObject([{ method: 'dlg_end_dlg', params: { dialog_id: 'first' } }]);
  });
});

describe('a request that waits for a connection', () => {
  it('is not sent later than 5 s, although a reply is awaited for longer', () => {
    const runner = new Runner('epoch', 1, []);
    runner.start(callHold, options, 0);
    runner.takeOutput();
    runner.onLinkUp('stream', 5_000);
    runner.fireDueTimers(6_000);
    const { requests, notifications } = runner.takeOutput();
    expect(requests).toEqual([]);
    expect(notifications.at(-2)?.notification.error).toMatchObject({ code: -32012 });
  });

  it('is dropped at once when its command is canceled', () => {
    const runner = runnerWithInvite();
    runner.onReply({ id: 'epoch.1.0', result: { Status: '200 OK', RURI: 'sip:alice@10.0.0.10:5070' } }, 10);
    runner.onLinkDown();
    // The ACK timer fires, so that the REFER is requested.
    runner.fireDueTimers(600);
    expect(Object.keys([...runner.commands][0]?.pendingRequests ?? {})).toEqual(['transfer']);
    runner.start(callEnd, options, 700);
    runner.onLinkUp('stream', 800);
    expect(takeRequests(runner).map(({ method }) => method)).toEqual(['dlg_end_dlg']);
  });

  it('is sent if it ends a call, also after the client has been told that the command has ended', () => {
    const runner = runnerWithInvite();
    runner.onLinkDown();
    runner.start(callEnd, options, 1_000);
    runner.fireDueTimers(3_000);
    runner.takeOutput();
    runner.onLinkUp('stream', 3_100);
    for (const now of [3_500, 4_000]) runner.fireDueTimers(now);
    const requests = takeRequests(runner);
    expect(requests.map(({ method, ttl_ms }) => [method, ttl_ms > 0])).toEqual([
      ['t_uac_dlg', false],
      ['dlg_end_dlg', true],
    ]);
  });
});
