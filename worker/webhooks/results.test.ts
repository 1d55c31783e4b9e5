/** What came of tries is written together, and nothing of it is half written. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it, vi } from 'vitest';
import { migrate } from '../tenant/migrate.ts';
import { Deliveries, type Delivery } from './deliveries.ts';
import { Endpoints } from './endpoints.ts';
import { Results } from './results.ts';
import { WEBHOOKS_STEPS } from './schema.ts';
import type { Verdict } from './verdict.ts';

const COUNT = 30;
const DELIVERED: Verdict = { is: 'delivered' };

/** An endpoint to which as many are due, and the results of their tries. */
const withResults = (
  test: (here: {
    readonly results: Results;
    readonly endpoints: Endpoints;
    readonly deliveries: Deliveries;
    readonly due: readonly Delivery[];
    /** Transactions so far, and how often it was said that their time had come. */
    readonly count: { transactions: number; said: number };
  }) => void | Promise<void>,
) =>
  runInDurableObject(env.WEBHOOKS.get(env.WEBHOOKS.newUniqueId()), async (_, { storage }) => {
    migrate(storage, WEBHOOKS_STEPS);
    storage.sql.exec("INSERT INTO site (only, place, epoch, cursor, announced) VALUES (1, 'a/b', '', 0, 1)");
    const [endpoints, deliveries] = [new Endpoints(storage.sql), new Deliveries(storage.sql)];
    endpoints.add('e', { secret: '', privateKey: '' }, { url: 'https://hooks.test/' }, 0);
    for (let n = 0; n < COUNT; n++)
      deliveries.addOne({ endpoint: 'e', id: `msg_${n}`, type: 'call.ended', about: '', body: '{}' }, 0);
    const count = { transactions: 0, said: 0 };
    const counted = {
      transactionSync: <T>(closure: () => T): T => {
        count.transactions++;
        return storage.transactionSync(closure);
      },
    };
    const results = new Results(counted, { endpoints, deliveries }, () => count.said++);
    await test({ results, endpoints, deliveries, due: deliveries.dueBy('e', 0, COUNT), count });
  });

const tried = (delivery: Delivery, verdict: Verdict) => ({
  delivery,
  attempt: { at: new Date(0).toISOString(), ms: 1 },
  tries: 1,
  verdict,
});

it('what comes together is one transaction, which comes by itself and is said', () =>
  withResults(async ({ results, deliveries, due, count }) => {
    for (const delivery of due) results.add(tried(delivery, DELIVERED));
    expect([deliveries.waiting('e'), count.transactions]).toEqual([COUNT, 0]);
    await vi.waitFor(() => expect(count.said).toBe(1), { timeout: 10_000 });
    expect([deliveries.waiting('e'), count.transactions]).toEqual([0, 1]);
    results.write();
    expect(count.transactions).toBe(1);
  }));

it.each<Verdict>([
  { is: 'failed', error: 'gone', disable: 'it answered 410 Gone' },
  { is: 'waiting', error: 'busy', due: 9_000, quietUntil: 9_000 },
])('what holds for the endpoint is written at once, with all before it: %j', (verdict) =>
  withResults(({ results, endpoints, deliveries, due, count }) => {
    const [first, second] = due;
    if (!first || !second) throw new Error('nothing is due');
    results.add(tried(first, DELIVERED));
    results.add(tried(second, verdict));
    expect(count.transactions).toBe(1);
    expect(deliveries.dueBy('e', 0, COUNT)).toHaveLength(COUNT - 2);
    const { enabled, quietUntil } = endpoints.get('e') ?? {};
    expect({ enabled, quietUntil }).toEqual(
      verdict.is === 'failed' ? { enabled: false, quietUntil: 0 } : { enabled: true, quietUntil: 9_000 },
    );
    results.end();
  }),
);

it('what cannot be written whole is not written in part', () =>
  withResults(({ results, deliveries, due }) => {
    for (const delivery of due) results.add(tried(delivery, DELIVERED));
    const written = vi.spyOn(deliveries, 'tried');
    let calls = 0;
    written.mockImplementation((...tried) => {
      if (++calls === COUNT) throw new Error('the disk is full');
      Deliveries.prototype.tried.apply(deliveries, tried);
    });
    expect(() => results.write()).toThrow('the disk is full');
    expect(deliveries.waiting('e')).toBe(COUNT);
    results.end();
  }));
