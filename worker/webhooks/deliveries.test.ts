/** The log of deliveries is bounded, and what waits is the last to go. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { migrate } from '../tenant/migrate.ts';
import { Deliveries } from './deliveries.ts';
import { WEBHOOKS_STEPS } from './schema.ts';

const MOST = 100;
const PAGE = { limit: 500 };

const withLog = (test: (deliveries: Deliveries) => void) =>
  runInDurableObject(env.WEBHOOKS.get(env.WEBHOOKS.newUniqueId()), (_, { storage }) => {
    migrate(storage, WEBHOOKS_STEPS);
    storage.sql.exec("INSERT INTO site (only, place, epoch, cursor, announced) VALUES (1, 'a/b', '', 0, 1)");
    test(new Deliveries(storage.sql));
  });

const some = (count: number, endpoint = 'e') =>
  Array.from({ length: count }, (_, n) => ({
    endpoint,
    id: `${endpoint}-${n}`,
    type: 'call.ended',
    about: `${n}`,
    body: '{}',
  }));

function deliver(deliveries: Deliveries, endpoint: string): void {
  const [delivery] = deliveries.dueBy(endpoint, 1, 1);
  const attempt = { at: new Date(0).toISOString(), ms: 1, status: 200 };
  if (delivery) deliveries.tried(delivery, attempt, 1, { is: 'delivered' });
}

it('those that are over make room first, then the oldest that wait, and for those it is said', () =>
  withLog((deliveries) => {
    expect(deliveries.add(some(MOST), 0, MOST)).toEqual(new Map());
    for (let n = 0; n < 10; n++) deliver(deliveries, 'e');
    expect(deliveries.add(some(10, 'f'), 0, MOST)).toEqual(new Map());
    expect(deliveries.list('e', { ...PAGE, state: 'delivered' })).toEqual([]);
    expect([deliveries.waiting('e'), deliveries.waiting('f')]).toEqual([90, 10]);
    expect(deliveries.add(some(5, 'f'), 0, MOST)).toEqual(new Map([['e', 5]]));
    expect([deliveries.waiting('e'), deliveries.waiting('f')]).toEqual([85, 15]);
    expect(deliveries.list('e', PAGE).at(-1)?.id).toBe('e-15');
  }));

it('those that are due come in the order in which they became so', () =>
  withLog((deliveries) => {
    deliveries.add(some(3), 0);
    const [first] = deliveries.dueBy('e', 1, 1);
    if (!first) throw new Error('nothing is due');
    const attempt = { at: new Date(0).toISOString(), ms: 1, error: 'no answer' };
    deliveries.tried(first, attempt, 1, { is: 'waiting', due: 5, error: 'no answer' });
    expect(deliveries.dueBy('e', 4, MOST).map(({ id }) => id)).toEqual(['e-1', 'e-2']);
    expect(deliveries.dueOf('e', 1)).toBe(5);
    deliver(deliveries, 'e');
    deliver(deliveries, 'e');
    expect(deliveries.dueBy('e', 4, MOST)).toEqual([]);
    expect(deliveries.dueOf('e')).toBe(5);
    expect(deliveries.dueBy('e', 5, MOST)).toMatchObject([{ id: 'e-0', tries: 1, attempts: [attempt] }]);
  }));

it('what was deleted with its endpoint is not there any more, whatever comes of its last try', () =>
  withLog((deliveries) => {
    deliveries.add([...some(2), ...some(1, 'f')], 0);
    const [under] = deliveries.dueBy('e', 1, 1);
    deliveries.clear('e');
    if (under) deliveries.tried(under, { at: new Date(0).toISOString(), ms: 1 }, 1, { is: 'delivered' });
    expect(deliveries.list('e', PAGE)).toEqual([]);
    expect(deliveries.replay('e', under?.n ?? 0, 1)).toBe(false);
    expect(deliveries.waiting('f')).toBe(1);
  }));
