/** Which transfer learns of a refused call that no event connects with a transfer. */
import { describe, expect, it } from 'vitest';
import type { EviEvent } from '../opensips/evi.ts';
import { featuresOf } from '../opensips/features.ts';
import { Runner } from './runner.ts';

const options = {
  callid: 'first',
  nextHop: 'sip:10.0.0.1',
  features: featuresOf({ in_dialog: { refer: true, hold: true, timeout_ms: 5_000 } }),
};
const CLIENT = { subject: 'tester', session: 'tab' };
/** Longer than the wait for an event of the transfer (`REFUSAL_GRACE_MS`), shorter than that for its call. */
const SOON_MS = 1_000;

/** The routing script has refused a call. */
const refused = (callid: string): EviEvent => ({
  name: 'E_DLG_STATE_CHANGED',
  params: { id: 'x', callid, to_tag: null, old_state: 1, new_state: 5 },
});
const reported = (callid: string): EviEvent => ({
  name: 'E_CALL_REFUSED',
  params: { callid, osid: 'of-another', status: '404 Not Found' },
});

/** A runner with as many transfers whose phone has accepted the REFER. */
function transferring(count: number): Runner {
  const runner = new Runner('epoch', 1, []);
  runner.onLinkUp('stream', 0);
  for (let n = 0; n < count; n++) startTransfer(runner, `call-${n}`);
  runner.takeOutput();
  return runner;
}

function startTransfer(runner: Runner, callid: string): void {
  const params = { callid, leg: 'callee' as const, destination: 'sip:bob@10.0.0.11' };
  const { id } = runner.start({ ...CLIENT, cmdId: callid, method: 'CallBlindTransfer', params }, options, 0);
  runner.onReply({ id: `epoch.${id}.0`, result: { status: '202 Accepted', dialog_id: `of-${callid}` } }, 0);
}

/** Returns how many transfers search for their call soon after these events. */
function countSearches(runner: Runner, ...events: readonly EviEvent[]): number {
  for (const event of events) runner.onEvent(event, 1, 1);
  runner.fireDueTimers(SOON_MS);
  return runner.takeOutput().requests.filter(({ method }) => method === 'dlg_list').length;
}

describe('a refused call of an unknown Call-ID', () => {
  it('is that of the only transfer that waits for its call', () => {
    expect(countSearches(transferring(1), refused('new'))).toBe(1);
  });

  it('proves nothing if several transfers wait', () => {
    expect(countSearches(transferring(2), refused('new'))).toBe(0);
  });

  it('proves nothing while calls of no transfer are being refused', () => {
    const runner = transferring(0);
    runner.onEvent(refused('other'), 0, 0);
    startTransfer(runner, 'call');
    runner.takeOutput();
    expect(countSearches(runner, refused('new'))).toBe(0);
  });

  it('proves nothing if the script has reported it as that of another transfer', () => {
    expect(countSearches(transferring(1), reported('new'), refused('new'))).toBe(0);
  });

  it('proves nothing if it is that of a command that has finished: the end of a dialog may follow the reply', () => {
    const runner = transferring(1);
    const isKnownCall = (callid: string) => callid === 'first';
    runner.onEvent(refused('first'), 1, 1, isKnownCall);
    expect(countSearches(runner)).toBe(0);
    runner.onEvent(refused('new'), 1, 1, isKnownCall);
    expect(countSearches(runner)).toBe(1);
  });

  it('proves nothing if a command has followed it until lately, where another adapter may report its end later', () => {
    const runner = transferring(1);
    const params = { caller: 'sip:alice@10.0.0.11', callee: 'sip:bob@10.0.0.11', timeout: 60 };
    const { id } = runner.start({ ...CLIENT, cmdId: 'start', method: 'CallStart', params }, options, 0);
    runner.onReply({ id: `epoch.${id}.0`, error: { code: 500, message: 'Server Internal Error' } }, 0);
    expect(runner.size).toBe(1);
    expect(['first', 'new'].map((callid) => runner.followed.wasFollowed(callid))).toEqual([true, false]);
  });
});
