import { describe, expect, it } from 'vitest';
import { EVENT_NAMES } from '../shared/evi.ts';
import { standing } from './subscriptions.ts';

const OURS = { host: '127.0.0.1', port: 5061 };
const mine = { socket: 'udp:127.0.0.1:5061', expire: 120, ttl: 60 };
const listing = (...subscribers: object[]) => ({
  Events: EVENT_NAMES.map((name, id) => ({ name, id, Subscribers: subscribers })),
});

describe('our subscriptions', () => {
  it.each<[string, unknown, boolean | undefined]>([
    ['stand when all are listed', listing(mine), true],
    [
      'stand beside those of others',
      listing({ protocol: 'rabbitmq' }, { socket: 'udp:10.0.0.9:1' }, mine),
      true,
    ],
    ['stand where no ttl is told', listing({ socket: mine.socket }), true],
    ['stand where they never end', listing({ ...mine, ttl: 'never' }), true],
    ['have lapsed when nothing is listed', { Events: [] }, false],
    ['have lapsed when one is missing', { Events: listing(mine).Events.slice(1) }, false],
    ["have lapsed when only others' are listed", listing({ socket: 'udp:127.0.0.1:5062', ttl: 60 }), false],
    ['have lapsed when their time is over', listing({ ...mine, ttl: 0 }), false],
    ['are unknown where the list cannot be read', undefined, undefined],
  ])('%s', (_, result, stands) => {
    expect(standing(result, OURS)).toBe(stands);
  });
});
