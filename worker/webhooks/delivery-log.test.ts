/** The delivery log is bounded, and drops waiting deliveries last. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { migrate } from '../objects/migrate.ts';
import { DeliveryLog } from './delivery-log.ts';
import { WEBHOOKS_SCHEMA } from './schema.ts';

const MAX = 100;
const LIMITS = { count: MAX, bytes: 1_000_000 };
const PAGE = { limit: 500 };

const withLog = (test: (deliveries: DeliveryLog, sql: SqlStorage) => void) =>
  runInDurableObject(env.WEBHOOKS.get(env.WEBHOOKS.newUniqueId()), (_, { storage }) => {
    migrate(storage, WEBHOOKS_SCHEMA);
    storage.sql.exec(
      "INSERT INTO site (id, name, epoch, last_seq, is_announced) VALUES (1, 'a/b', '', 0, 1)",
    );
    test(new DeliveryLog(storage.sql), storage.sql);
  });

const newDeliveries = (count: number, endpointId = 'e') =>
  Array.from({ length: count }, (_, index) => ({
    endpointId,
    messageId: `${endpointId}-${index}`,
    type: 'call.ended',
    orderingKey: `${index}`,
    body: '{}',
  }));

function deliverNext(deliveries: DeliveryLog, endpointId: string): void {
  const [delivery] = deliveries.listDue(endpointId, 9, 1);
  const attempt = { at: new Date(0).toISOString(), ms: 1, status: 200 };
  if (delivery)
    deliveries.recordAttempt(delivery, attempt, { attemptCount: 1, outcome: { state: 'delivered' } });
}

it('drops finished deliveries first, then the oldest waiting ones, and counts the latter', () =>
  withLog((deliveries, sql) => {
    expect(deliveries.add(newDeliveries(MAX), 0, LIMITS)).toEqual(new Map());
    for (let i = 0; i < 10; i++) deliverNext(deliveries, 'e');
    expect(deliveries.add(newDeliveries(10, 'f'), 0, LIMITS)).toEqual(new Map());
    expect(deliveries.list('e', { ...PAGE, state: 'delivered' })).toEqual([]);
    expect([deliveries.countWaiting('e'), deliveries.countWaiting('f')]).toEqual([90, 10]);
    expect(deliveries.add(newDeliveries(5, 'f'), 0, LIMITS)).toEqual(new Map([['e', 5]]));
    expect([deliveries.countWaiting('e'), deliveries.countWaiting('f')]).toEqual([85, 15]);
    expect(deliveries.list('e', PAGE).at(-1)?.messageId).toBe('e-15');
    expect(sql.exec('SELECT delivery_count FROM site').one()).toEqual({ delivery_count: MAX });
  }));

it('drops by bytes as well, and counts them as they are stored', () =>
  withLog((deliveries, sql) => {
    const body = JSON.stringify({ note: 'ü€😀'.repeat(50) });
    const bytes = new TextEncoder().encode(body).byteLength;
    const limits = { count: 1_000, bytes: 20 * bytes };
    const used = () => sql.exec('SELECT delivery_count AS count, delivery_bytes AS bytes FROM site').one();
    const large = newDeliveries(15).map((delivery) => ({ ...delivery, body }));
    expect(deliveries.add(large, 0, limits)).toEqual(new Map());
    expect(used()).toEqual({ count: 15, bytes: 15 * bytes });
    for (let i = 0; i < 2; i++) deliverNext(deliveries, 'e');
    // Of 30 there is space for 20: the two that are finished and eight that are waiting are dropped.
    expect(deliveries.add(large, 0, limits)).toEqual(new Map([['e', 8]]));
    expect(used()).toEqual({ count: 20, bytes: 20 * bytes });
    deliveries.clear('e');
    expect(used()).toEqual({ count: 0, bytes: 0 });
  }));

it('lists due deliveries in the order in which they became due', () =>
  withLog((deliveries) => {
    deliveries.add(newDeliveries(3), 0);
    const [first] = deliveries.listDue('e', 1, 1);
    if (!first) throw new Error('nothing is due');
    const attempt = { at: new Date(0).toISOString(), ms: 1, error: 'no answer' };
    deliveries.recordAttempt(first, attempt, {
      attemptCount: 1,
      outcome: { state: 'waiting', due: 5, error: 'no answer' },
    });
    expect(deliveries.listDue('e', 4, MAX).map(({ messageId }) => messageId)).toEqual(['e-1', 'e-2']);
    expect(deliveries.nextDue('e', 1)).toBe(5);
    deliverNext(deliveries, 'e');
    deliverNext(deliveries, 'e');
    expect(deliveries.listDue('e', 4, MAX)).toEqual([]);
    expect(deliveries.nextDue('e')).toBe(5);
    expect(deliveries.listDue('e', 5, MAX)).toMatchObject([
      { messageId: 'e-0', attemptCount: 1, attempts: [attempt] },
    ]);
  }));

it('does not restore a deleted delivery when its last attempt ends', () =>
  withLog((deliveries) => {
    deliveries.add([...newDeliveries(2), ...newDeliveries(1, 'f')], 0);
    const [inFlight] = deliveries.listDue('e', 1, 1);
    if (!inFlight) throw new Error('nothing is due');
    deliveries.clear('e');
    const attempt = { at: new Date(0).toISOString(), ms: 1 };
    deliveries.recordAttempt(inFlight, attempt, { attemptCount: 1, outcome: { state: 'delivered' } });
    expect(deliveries.list('e', PAGE)).toEqual([]);
    expect(deliveries.replay('e', inFlight.number, 1)).toBe(false);
    expect(deliveries.countWaiting('f')).toBe(1);
  }));

it('never uses the number of a dropped delivery again', () =>
  withLog((deliveries) => {
    deliveries.add(newDeliveries(3), 0);
    deliveries.clear('e');
    expect(deliveries.addOne(newDeliveries(1)[0] ?? expect.unreachable(), 0)?.number).toBe(4);
  }));

it('knows whether fewer than a given number of deliveries are due', () =>
  withLog((deliveries) => {
    deliveries.add(newDeliveries(3), 5);
    expect([deliveries.hasFewerDue('e', 5, 3), deliveries.hasFewerDue('e', 5, 4)]).toEqual([false, true]);
    expect([deliveries.hasFewerDue('e', 4, 1), deliveries.hasFewerDue('f', 5, 1)]).toEqual([true, true]);
    deliverNext(deliveries, 'e');
    expect([deliveries.hasFewerDue('e', 5, 2), deliveries.hasFewerDue('e', 5, 3)]).toEqual([false, true]);
  }));
