/** The results of attempts are written in batches, and each batch completely or not at all. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it, vi } from 'vitest';
import { migrate } from '../objects/migrate.ts';
import { eventually } from '../testing/eventually.ts';
import { type Delivery, DeliveryLog } from './delivery-log.ts';
import type { DeliveryOutcome } from './delivery-outcome.ts';
import { EndpointStore } from './endpoints.ts';
import { ResultBatch } from './result-batch.ts';
import { WEBHOOKS_SCHEMA } from './schema.ts';

const COUNT = 30;
const DELIVERED: DeliveryOutcome = { state: 'delivered' };

/** Runs a test with an endpoint that has {@link COUNT} due deliveries. */
const withResults = (
  test: (context: {
    readonly results: ResultBatch;
    readonly endpoints: EndpointStore;
    readonly deliveries: DeliveryLog;
    readonly due: readonly Delivery[];
    /** How many transactions were made, and how often `onWritten` was called. */
    readonly counts: { transactions: number; written: number };
  }) => void | Promise<void>,
) =>
  runInDurableObject(env.WEBHOOKS.get(env.WEBHOOKS.newUniqueId()), async (_, { storage }) => {
    migrate(storage, WEBHOOKS_SCHEMA);
    storage.sql.exec(
      "INSERT INTO site (id, name, epoch, last_seq, is_announced) VALUES (1, 'a/b', '', 0, 1)",
    );
    const [endpoints, deliveries] = [new EndpointStore(storage.sql), new DeliveryLog(storage.sql)];
    endpoints.add('e', { secret: '', privateKey: '' }, { url: 'https://hooks.test/' }, 0);
    const event = { endpointId: 'e', type: 'call.ended', orderingKey: '', body: '{}' };
    deliveries.add(
      Array.from({ length: COUNT }, (__, index) => ({ ...event, messageId: `msg_${index}` })),
      0,
    );
    const counts = { transactions: 0, written: 0 };
    const countingStorage = {
      transactionSync: <T>(closure: () => T): T => {
        counts.transactions++;
        return storage.transactionSync(closure);
      },
    };
    const onWritten = () => counts.written++;
    const results = new ResultBatch(countingStorage, { endpoints, deliveries }, onWritten);
    await test({ results, endpoints, deliveries, due: deliveries.listDue('e', 0, COUNT), counts });
  });

const record = (delivery: Delivery, outcome: DeliveryOutcome) => ({
  delivery,
  attempt: { at: new Date(0).toISOString(), ms: 1 },
  attemptCount: 1,
  outcome,
  isReplayed: false,
});

it('writes a batch in one transaction after a while', () =>
  withResults(async ({ results, deliveries, due, counts }) => {
    for (const delivery of due) results.add(record(delivery, DELIVERED));
    expect([deliveries.countWaiting('e'), counts.transactions]).toEqual([COUNT, 0]);
    await eventually(() => expect(counts.written).toBe(1));
    expect([deliveries.countWaiting('e'), counts.transactions]).toEqual([0, 1]);
    results.write();
    expect(counts.transactions).toBe(1);
  }));

it.each<DeliveryOutcome>([
  { state: 'failed', error: 'gone', disable: 'The endpoint answered 410 Gone.' },
  { state: 'waiting', error: 'busy', due: 9_000, quietUntil: 9_000 },
])('writes a result that changes the endpoint at once, with all earlier ones: %j', (outcome) =>
  withResults(({ results, endpoints, deliveries, due, counts }) => {
    const [first, second] = due;
    if (!first || !second) throw new Error('nothing is due');
    results.add(record(first, DELIVERED));
    results.add(record(second, outcome));
    expect(counts.transactions).toBe(1);
    expect(deliveries.listDue('e', 0, COUNT)).toHaveLength(COUNT - 2);
    const { enabled, quietUntil } = endpoints.get('e') ?? {};
    expect({ enabled, quietUntil }).toEqual(
      outcome.state === 'failed' ? { enabled: false, quietUntil: 0 } : { enabled: true, quietUntil: 9_000 },
    );
    results.discard();
  }),
);

it('writes nothing of a batch that cannot be written completely', () =>
  withResults(({ results, deliveries, due }) => {
    for (const delivery of due) results.add(record(delivery, DELIVERED));
    const recordAttempt = vi.spyOn(deliveries, 'recordAttempt');
    let callCount = 0;
    recordAttempt.mockImplementation((...args) => {
      if (++callCount === COUNT) throw new Error('the disk is full');
      DeliveryLog.prototype.recordAttempt.apply(deliveries, args);
    });
    expect(() => results.write()).toThrow('the disk is full');
    expect(deliveries.countWaiting('e')).toBe(COUNT);
    results.discard();
  }));
