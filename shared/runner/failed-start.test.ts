/** A command whose start throws leaves nothing: the same `cmd_id` starts it again. */
import { describe, expect, it } from 'vitest';
import { featuresOf } from '../opensips/features.ts';
import { Runner } from './runner.ts';

const client = { subject: 'tester', session: 'one' };
const callEnd = { cmdId: 'a', method: 'CallEnd', params: { callid: 'call' }, ...client } as const;
/** It ends as it starts: both legs are on hold. */
const callHold = { cmdId: 'a', method: 'CallHold', params: { callid: 'call' }, ...client } as const;
const options = {
  callid: 'first',
  nextHop: 'sip:10.0.0.1:5060',
  features: { ...featuresOf(), inDialog: { refer: true, hold: true, timeout_ms: 30_000 } },
  heldLegs: () => ['caller', 'callee'] as const,
};

function fail(): never {
  throw new Error('test');
}

function expectNothingLeft(runner: Runner): void {
  expect(runner.find('tester', 'a')).toBeUndefined();
  expect([runner.size, runner.inFlight('tester', 'one'), runner.pendingRequests]).toEqual([0, 0, 0]);
  expect([...runner.followed.followersOf('call')]).toEqual([]);
  expect(runner.nextDue).toBe(Number.POSITIVE_INFINITY);
  expect(runner.takeOutput()).toEqual({ rows: [], requests: [], notifications: [] });
}

describe('a command whose start throws', () => {
  it('in its state machine leaves nothing', () => {
    const runner = new Runner('epoch', 1, []);
    runner.onLinkUp('stream', 0);
    expect(() => runner.start(callEnd, { ...options, isKnown: fail }, 0)).toThrow('test');
    expectNothingLeft(runner);
    runner.start(callEnd, options, 1);
    expect(runner.takeOutput()).toMatchObject({ rows: [{}], requests: [{ method: 'dlg_end_dlg' }] });
  });

  it('while its actions are carried out leaves nothing', () => {
    let isBroken = true;
    const runner = new Runner('epoch', 1, [], () => {
      if (isBroken) fail();
    });
    expect(() => runner.start(callHold, options, 0)).toThrow('test');
    expectNothingLeft(runner);
    isBroken = false;
    runner.start(callHold, options, 1);
    expect(runner.takeOutput().notifications.map(({ notification: { event } }) => event)).toEqual([
      'Error',
      'Ended',
    ]);
  });

  it('is discarded with its requests, timers and log row', () => {
    const runner = new Runner('epoch', 1, []);
    runner.onLinkUp('stream', 0);
    runner.discard(runner.start(callEnd, options, 0));
    expectNothingLeft(runner);
    runner.onReply({ id: 'epoch.1.0', result: 'OK' }, 1);
    expectNothingLeft(runner);
  });

  it('does not disturb the other commands', () => {
    const runner = new Runner('epoch', 1, []);
    runner.onLinkUp('stream', 0);
    runner.start({ ...callEnd, cmdId: 'other' }, options, 0);
    runner.discard(runner.start(callEnd, options, 0));
    const { rows, requests } = runner.takeOutput();
    expect(rows.flatMap(({ commands }) => commands).map(({ cmdId }) => cmdId)).toEqual(['other']);
    expect(requests.map(({ id }) => id)).toEqual(['epoch.1.0']);
  });
});
