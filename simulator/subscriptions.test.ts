import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Subscriptions } from './subscriptions.ts';

const SOCKET = 'udp:127.0.0.1:5061';

describe('a subscription', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
  afterEach(() => void vi.useRealTimers());

  const subscribers = (subscriptions: Subscriptions) =>
    subscriptions.of('E_CALL_HOLD').map(({ socket }) => socket);

  test('lapses when its time is over', () => {
    const subscriptions = new Subscriptions();
    subscriptions.set('E_CALL_HOLD', SOCKET, 10);
    vi.advanceTimersByTime(9_999);
    expect(subscribers(subscriptions)).toEqual([SOCKET]);
    vi.advanceTimersByTime(1);
    expect(subscribers(subscriptions)).toEqual([]);
  });

  test('is renewed by the same event and socket, and ended by 0 seconds', () => {
    const subscriptions = new Subscriptions();
    subscriptions.set('E_CALL_HOLD', SOCKET, 10);
    vi.advanceTimersByTime(9_000);
    subscriptions.set('E_CALL_HOLD', SOCKET, 10);
    vi.advanceTimersByTime(9_000);
    expect(subscribers(subscriptions)).toEqual([SOCKET]);
    subscriptions.set('E_CALL_HOLD', SOCKET, 0);
    expect(subscribers(subscriptions)).toEqual([]);
  });

  test.each(['tcp:1', 'udp:[::1]:5061', 'udp:localhost:5061', 'udp:127.0.0.1:0', 'udp:127.0.0.1:65536'])(
    'is refused for %s',
    (socket) => expect(new Subscriptions().set('E_CALL_HOLD', socket, 10)).toBe(false),
  );
});
