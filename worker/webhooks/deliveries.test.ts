/** The log of deliveries is bounded, and what waits is the last to go. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { migrate } from '../tenant/migrate.ts';
import { Deliveries } from './deliveries.ts';
import { WEBHOOKS_STEPS } from './schema.ts';

const MOST = 100;
const NONE = new Map<number, string>();
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
  const delivery = deliveries.next(endpoint, 1, NONE);
  const attempt = { at: new Date(0).toISOString(), ms: 1, status: 200 };
  if (delivery) deliveries.tried(delivery, attempt, 1, { is: 'delivered' });
}

it('those that are over make room first, then the oldest that wait, and for those it is said', () =>
  withLog((deliveries) => {
    expect(deliveries.add(some(MOST), 0, MOST)).toEqual([]);
    for (let n = 0; n < 10; n++) deliver(deliveries, 'e');
    expect(deliveries.add(some(10, 'f'), 0, MOST)).toEqual([]);
    expect(deliveries.list('e', { ...PAGE, state: 'delivered' })).toEqual([]);
    expect([deliveries.waiting('e'), deliveries.waiting('f')]).toEqual([90, 10]);
    expect(deliveries.add(some(5, 'f'), 0, MOST)).toEqual(['e', 'e', 'e', 'e', 'e']);
    expect([deliveries.waiting('e'), deliveries.waiting('f')]).toEqual([85, 15]);
    expect(deliveries.list('e', PAGE).at(-1)?.id).toBe('e-15');
  }));

it('the next one is the first of those that became due first', () =>
  withLog((deliveries) => {
    deliveries.add(some(3), 0);
    const [first] = [deliveries.next('e', 1, NONE)];
    if (!first) throw new Error('nothing is due');
    const attempt = { at: new Date(0).toISOString(), ms: 1, error: 'no answer' };
    deliveries.tried(first, attempt, 1, { is: 'waiting', due: 5, error: 'no answer' });
    expect(deliveries.next('e', 4, NONE)?.id).toBe('e-1');
    deliver(deliveries, 'e');
    deliver(deliveries, 'e');
    expect(deliveries.next('e', 4, NONE)).toBeUndefined();
    expect(deliveries.dueOf('e')).toBe(5);
    expect(deliveries.next('e', 5, NONE)).toMatchObject({ id: 'e-0', tries: 1, attempts: [attempt] });
  }));

it('of each call one is sent after the other, and others meanwhile', () =>
  withLog((deliveries) => {
    const of = (about: string, id: string) => ({ endpoint: 'e', id, type: 'call.ended', about, body: '{}' });
    deliveries.add([of('a', 'a1'), of('a', 'a2'), of('b', 'b1')], 0);
    const first = deliveries.next('e', 1, NONE);
    const underWay = new Map([[first?.n ?? 0, first?.about ?? '']]);
    expect([first?.id, deliveries.next('e', 1, underWay)?.id]).toEqual(['a1', 'b1']);
    underWay.set(3, 'b');
    expect(deliveries.next('e', 1, underWay)).toBeUndefined();
  }));

it('what was deleted with its endpoint is not there any more, whatever comes of its last try', () =>
  withLog((deliveries) => {
    deliveries.add([...some(2), ...some(1, 'f')], 0);
    const under = deliveries.next('e', 1, NONE);
    deliveries.clear('e');
    if (under) deliveries.tried(under, { at: new Date(0).toISOString(), ms: 1 }, 1, { is: 'delivered' });
    expect(deliveries.list('e', PAGE)).toEqual([]);
    expect(deliveries.replay('e', under?.n ?? 0, 1)).toBe(false);
    expect(deliveries.waiting('f')).toBe(1);
  }));
