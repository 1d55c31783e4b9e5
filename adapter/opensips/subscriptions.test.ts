import { describe, expect, it } from 'vitest';
import { EVENT_NAMES } from '../../shared/opensips/evi.ts';
import { areSubscriptionsActive } from './subscriptions.ts';

const OWN_ADDRESS = { host: '127.0.0.1', port: 5061 };
const own = { socket: 'udp:127.0.0.1:5061', expire: 120, ttl: 60 };
const listOf = (...subscribers: object[]) => ({
  Events: EVENT_NAMES.map((name, id) => ({ name, id, Subscribers: subscribers })),
});

describe('our subscriptions', () => {
  it.each<[string, unknown, boolean | undefined]>([
    ['are active if all are listed', listOf(own), true],
    [
      'are active if other subscribers are listed too',
      listOf({ protocol: 'rabbitmq' }, { socket: 'udp:10.0.0.9:1' }, own),
      true,
    ],
    ['are active if no ttl is listed', listOf({ socket: own.socket }), true],
    ['are active if they never expire', listOf({ ...own, ttl: 'never' }), true],
    ['have expired if nothing is listed', { Events: [] }, false],
    ['have expired if one is missing', { Events: listOf(own).Events.slice(1) }, false],
    [
      'have expired if only other subscribers are listed',
      listOf({ socket: 'udp:127.0.0.1:5062', ttl: 60 }),
      false,
    ],
    ['have expired if their ttl is zero', listOf({ ...own, ttl: 0 }), false],
    ['are unknown if the list is unreadable', undefined, undefined],
  ])('%s', (_, result, isActive) => {
    expect(areSubscriptionsActive(result, OWN_ADDRESS)).toBe(isActive);
  });
});
