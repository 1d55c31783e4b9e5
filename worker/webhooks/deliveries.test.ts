/** The log of deliveries is bounded, what waits is the last to go, and what is in a bundle is there as if it were not. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { migrate } from '../tenant/migrate.ts';
import type { Part } from './bundles.ts';
import { CHUNK, chunksOf, lined } from './chunk.ts';
import { DELIVERY_KEPT_MS, Deliveries } from './deliveries.ts';
import { WEBHOOKS_STEPS } from './schema.ts';

const MOST = 100;
const PAGE = { limit: 500 };

const withLog = <T>(test: (deliveries: Deliveries, sql: SqlStorage) => T, few?: number): Promise<T> =>
  runInDurableObject(env.WEBHOOKS.get(env.WEBHOOKS.newUniqueId()), (_, { storage }) => {
    migrate(storage, WEBHOOKS_STEPS);
    storage.sql.exec("INSERT INTO site (only, place, epoch, cursor, announced) VALUES (1, 'a/b', '', 0, 1)");
    return test(new Deliveries(storage.sql, few), storage.sql);
  });

/** So many events of a site, the first with that number. */
function some(count: number, first = 0): Part {
  const events = Array.from({ length: count }, (_, at) => {
    return {
      seq: first + at,
      type: 'call.ended',
      about: `${at}`,
      addresses: [],
      body: `{"n":${first + at}}`,
    };
  });
  const [chunk] = chunksOf(events.map(lined));
  return { epoch: 'x', chunk: chunk ?? { count: 0, first: 0, lines: '' } };
}

function deliver(deliveries: Deliveries, endpoint: string): void {
  const [delivery] = deliveries.dueBy(endpoint, 1, 1);
  const attempt = { at: new Date(0).toISOString(), ms: 1, status: 200 };
  if (delivery) deliveries.tried(delivery, attempt, 1, { is: 'delivered' });
}

it('those that are over make room first, then the oldest that wait, and for those it is said', () =>
  withLog((deliveries) => {
    expect(deliveries.add('e', some(CHUNK), 0, MOST)).toEqual(new Map());
    expect(deliveries.add('e', some(MOST - CHUNK, CHUNK), 0, MOST)).toEqual(new Map());
    for (let n = 0; n < 10; n++) deliver(deliveries, 'e');
    expect(deliveries.add('f', some(10), 0, MOST)).toEqual(new Map());
    expect(deliveries.list('e', { ...PAGE, state: 'delivered' })).toEqual([]);
    expect([deliveries.waiting('e'), deliveries.waiting('f')]).toEqual([90, 10]);
    expect(deliveries.add('f', some(5), 0, MOST)).toEqual(new Map([['e', 5]]));
    expect([deliveries.waiting('e'), deliveries.waiting('f')]).toEqual([85, 15]);
    expect(deliveries.list('e', PAGE).at(-1)?.id).toBe('msg_x_15');
  }));

it('those that are due come in the order in which they became so', () =>
  withLog((deliveries) => {
    deliveries.add('e', some(3), 0);
    const [first] = deliveries.dueBy('e', 1, 1);
    if (!first) throw new Error('nothing is due');
    const attempt = { at: new Date(0).toISOString(), ms: 1, error: 'no answer' };
    deliveries.tried(first, attempt, 1, { is: 'waiting', due: 5, error: 'no answer' });
    expect(deliveries.dueBy('e', 4, MOST).map(({ id }) => id)).toEqual(['msg_x_1', 'msg_x_2']);
    expect(deliveries.dueOf('e', 1)).toBe(5);
    deliver(deliveries, 'e');
    deliver(deliveries, 'e');
    expect(deliveries.dueBy('e', 4, MOST)).toEqual([]);
    expect(deliveries.dueOf('e')).toBe(5);
    expect(deliveries.dueBy('e', 5, MOST)).toMatchObject([{ id: 'msg_x_0', tries: 1, attempts: [attempt] }]);
  }));

it('what was deleted with its endpoint is not there any more, whatever comes of its last try', () =>
  withLog((deliveries) => {
    deliveries.add('e', some(2), 0);
    deliveries.add('e', some(20), 0);
    deliveries.add('f', some(1), 0);
    const [under] = deliveries.dueBy('e', 1, 1);
    deliveries.clear('e');
    if (under) deliveries.tried(under, { at: new Date(0).toISOString(), ms: 1 }, 1, { is: 'delivered' });
    expect(deliveries.list('e', PAGE)).toEqual([]);
    expect(deliveries.replay('e', under?.n ?? 0, 1)).toBe(false);
    expect(deliveries.waiting('f')).toBe(1);
  }));

it('what is in bundles makes room a bundle at a time, in the order of all', () =>
  withLog((deliveries, sql) => {
    for (const endpoint of ['e', 'f', 'e']) deliveries.add(endpoint, some(30), 0, MOST);
    deliver(deliveries, 'f');
    expect(deliveries.add('f', some(40), 0, MOST)).toEqual(new Map([['e', 30]]));
    expect([deliveries.waiting('e'), deliveries.waiting('f')]).toEqual([30, 69]);
    expect(deliveries.add('f', some(32), 0, MOST)).toEqual(
      new Map([
        ['f', 29],
        ['e', 30],
      ]),
    );
    expect([deliveries.waiting('e'), deliveries.waiting('f')]).toEqual([0, 72]);
    expect(sql.exec('SELECT kept FROM site').one()).toEqual({ kept: 72 });
  }));

it('a page of the log opens what stands on it, and no more', () =>
  withLog((deliveries, sql) => {
    for (let n = 0; n < 10; n++) deliveries.add('e', some(50, 50 * n), 0);
    const rows = (table: string) => sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one().n;
    expect([rows('bundles'), rows('deliveries')]).toEqual([10, 0]);
    expect(
      deliveries
        .list('e', { limit: 60 })
        .map(({ id }) => id)
        .at(-1),
    ).toBe('msg_x_440');
    expect([rows('bundles'), rows('deliveries')]).toEqual([8, 100]);
    deliveries.list('e', { limit: 60 });
    deliveries.list('e', { limit: 500, state: 'failed' });
    expect(deliveries.get('e', 475)).toMatchObject({ id: 'msg_x_474', state: 'waiting' });
    expect([rows('bundles'), rows('deliveries')]).toEqual([8, 100]);
    expect(deliveries.replay('e', 101, 1)).toBe(true);
    expect([rows('bundles'), rows('deliveries')]).toEqual([7, 150]);
  }));

/** What may happen to a log, and what is asked of it. */
const step = fc.oneof(
  fc.record({ is: fc.constant('add'), of: fc.constantFrom('e', 'f'), n: fc.integer({ min: 1, max: CHUNK }) }),
  fc.record({
    is: fc.constantFrom('try', 'fail', 'due'),
    of: fc.constantFrom('e', 'f'),
    n: fc.integer({ min: 1, max: 70 }),
  }),
  fc.record({
    is: fc.constantFrom('list', 'before', 'waiting'),
    of: fc.constantFrom('e', 'f'),
    n: fc.integer({ min: 1, max: 200 }),
  }),
  fc.record({
    is: fc.constantFrom('replay', 'get'),
    of: fc.constantFrom('e', 'f'),
    n: fc.integer({ min: 1, max: 300 }),
  }),
  fc.record({
    is: fc.constantFrom('clear', 'trim'),
    of: fc.constantFrom('e', 'f'),
    n: fc.integer({ min: 0, max: 12 }),
  }),
);

/** Plays it, a millisecond to a step, and gives all that was seen. */
function play(deliveries: Deliveries, steps: readonly { is: string; of: string; n: number }[]): unknown[] {
  let seq = 0;
  return steps.map(({ is, of, n }, now) => {
    if (is === 'add') {
      deliveries.add(of, some(n, seq), now);
      seq += n;
    }
    if (is === 'try' || is === 'fail') {
      const waits = { is: 'waiting', due: now + n, error: '' } as const;
      for (const one of deliveries.dueBy(of, now, n))
        deliveries.tried(one, { at: '', ms: 0 }, one.tries + 1, is === 'try' ? { is: 'delivered' } : waits);
    }
    if (is === 'due')
      return [deliveries.dueBy(of, now, n), deliveries.dueOf(of), deliveries.dueOf(of, n), deliveries.due];
    if (is === 'list')
      return [deliveries.list(of, { limit: n }), deliveries.list(of, { limit: n, state: 'waiting' })];
    if (is === 'before') return deliveries.list(of, { limit: 20, before: n });
    if (is === 'waiting') return [deliveries.waiting(of), deliveries.failed(of)];
    if (is === 'replay') return deliveries.replay(of, n, now);
    if (is === 'get') return deliveries.get(of, n);
    if (is === 'clear' && n === 0) deliveries.clear(of);
    if (is === 'trim') deliveries.trim(DELIVERY_KEPT_MS + n);
    return undefined;
  });
}

it('nobody sees what is in a bundle and what is not', () =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const single = await withLog((deliveries) => play(deliveries, steps), Number.POSITIVE_INFINITY);
      const bundled = await withLog((deliveries) => play(deliveries, steps), 1);
      expect(bundled).toEqual(single);
    }),
    { numRuns: 60 },
  ));

it('a log from before there were bundles goes on', () =>
  runInDurableObject(env.WEBHOOKS.get(env.WEBHOOKS.newUniqueId()), (_, { storage }) => {
    migrate(storage, WEBHOOKS_STEPS.slice(0, 1));
    storage.sql.exec(`
      INSERT INTO site (only, place, epoch, cursor, announced, kept) VALUES (1, 'a/b', '', 0, 1, 1);
      INSERT INTO deliveries (n, endpoint, id, type, about, body, created, state, due)
        VALUES (7, 'e', 'msg_y_1', 'call.ended', '', '{}', 0, 'waiting', 0);
    `);
    migrate(storage, WEBHOOKS_STEPS);
    const deliveries = new Deliveries(storage.sql);
    deliveries.add('e', some(20), 1);
    expect(deliveries.waiting('e')).toBe(21);
    expect(deliveries.dueBy('e', 1, 2).map(({ n, id }) => [n, id])).toEqual([
      [7, 'msg_y_1'],
      [8, 'msg_x_0'],
    ]);
  }));

it('a bundle stays shut while as many as are read became due before it', () =>
  withLog((deliveries, sql) => {
    const bundles = () => sql.exec<{ n: number }>('SELECT count(*) AS n FROM bundles').one().n;
    deliveries.add('e', some(40), 1);
    deliveries.add('e', some(40, 40), 2);
    expect([deliveries.dueBy('e', 0, 10).length, bundles()]).toEqual([0, 2]);
    expect([deliveries.dueBy('e', 5, 10).length, bundles()]).toEqual([10, 1]);
    expect([deliveries.dueBy('e', 5, 40).length, bundles()]).toEqual([40, 1]);
    expect([deliveries.dueBy('e', 5, 41).length, bundles()]).toEqual([41, 0]);
  }));
