import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Subscriptions } from './subscriptions.ts';

const SOCKET = 'udp:127.0.0.1:5061';

describe('a subscription', () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }));
  afterEach(() => void vi.useRealTimers());

  const subscribedSockets = (subscriptions: Subscriptions) =>
    subscriptions.subscribersOf('E_CALL_HOLD').map(({ socket }) => socket);

  test('expires after its lifetime', () => {
    const subscriptions = new Subscriptions();
    subscriptions.subscribe('E_CALL_HOLD', SOCKET, 10);
    vi.advanceTimersByTime(9_999);
    expect(subscribedSockets(subscriptions)).toEqual([SOCKET]);
    vi.advanceTimersByTime(1);
    expect(subscribedSockets(subscriptions)).toEqual([]);
  });

  test('is renewed by the same event and socket, and ended by 0 seconds', () => {
    const subscriptions = new Subscriptions();
    subscriptions.subscribe('E_CALL_HOLD', SOCKET, 10);
    vi.advanceTimersByTime(9_000);
    subscriptions.subscribe('E_CALL_HOLD', SOCKET, 10);
    vi.advanceTimersByTime(9_000);
    expect(subscribedSockets(subscriptions)).toEqual([SOCKET]);
    subscriptions.subscribe('E_CALL_HOLD', SOCKET, 0);
    expect(subscribedSockets(subscriptions)).toEqual([]);
  });

  test.each(['tcp:1', 'udp:[::1]:5061', 'udp:localhost:5061', 'udp:127.0.0.1:0', 'udp:127.0.0.1:65536'])(
    'is rejected for the socket %s',
    (socket) => expect(new Subscriptions().subscribe('E_CALL_HOLD', socket, 10)).toBe(false),
  );
});
