import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import type { AddedMessage } from './outbox.ts';
import { SendTimer } from './send-timer.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const eventOf = (callid: string): AddedMessage => ({
  event: { name: 'E_DLG_STATE_CHANGED', params: { id: '1.2', callid, old_state: 2, new_state: 3 } },
});
const AWAITED = { mayWait: false };

/** Returns a timer that sends at once, and how often it has. */
function timerOf(roundTripMs: number) {
  let sentCount = 0;
  const timer: SendTimer = new SendTimer({
    send: () => {
      sentCount++;
      timer.onSent(performance.now());
    },
    unacknowledgedReplies: () => 0,
    maxUnawaitedMs: 100,
  });
  timer.roundTripMs = roundTripMs;
  timer.onInterest({ type: 'interest', all: false }, performance.now());
  const add = (added: AddedMessage) => timer.onAdded(added, performance.now());
  return { timer, add, sentCount: () => sentCount };
}

it('sends what nobody waits for after 100 ms', () => {
  const { add, sentCount } = timerOf(60);
  add(eventOf('a'));
  add({ mayWait: true });
  vi.advanceTimersByTime(99);
  expect(sentCount()).toBe(0);
  vi.advanceTimersByTime(1);
  expect(sentCount()).toBe(1);
});

it('sends at once what a command begins to wait for, but not what it does not', () => {
  const { timer, add, sentCount } = timerOf(60);
  add(eventOf('a'));
  timer.onInterest({ type: 'interest', add: ['b'] }, performance.now());
  vi.advanceTimersByTime(1);
  expect(sentCount()).toBe(0);
  timer.onInterest({ type: 'interest', add: ['a'] }, performance.now());
  vi.advanceTimersByTime(1);
  expect(sentCount()).toBe(1);
  add(eventOf('c'));
  timer.onInterest({ type: 'interest', all: true }, performance.now());
  vi.advanceTimersByTime(1);
  expect(sentCount()).toBe(2);
});

it('sends 20 messages of 100 ms in eight frames while many calls are under way, and each by itself while one is', () => {
  const { timer, add, sentCount } = timerOf(60);
  const sendTwenty = () => {
    const before = sentCount();
    for (let n = 0; n < 20; n++) {
      add(AWAITED);
      vi.advanceTimersByTime(5);
    }
    vi.advanceTimersByTime(15);
    return sentCount() - before;
  };
  expect(sendTwenty()).toBe(20);
  timer.onInterest({ type: 'interest', add: ['a', 'b', 'c', 'd', 'e'] }, performance.now());
  expect(sendTwenty()).toBe(8);
});

it('sends nothing once its connection is closed', () => {
  const { timer, add, sentCount } = timerOf(60);
  add(eventOf('a'));
  timer.stop();
  add(AWAITED);
  vi.advanceTimersByTime(1_000);
  expect(sentCount()).toBe(0);
});
