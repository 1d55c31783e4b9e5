/** The log of deliveries is bounded, and what waits is the last to go. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { migrate } from '../tenant/migrate.ts';
import { Deliveries } from './deliveries.ts';
import { WEBHOOKS_STEPS } from './schema.ts';

const MOST = 100;
const PAGE = { limit: 500 };

const withLog = (test: (deliveries: Deliveries, sql: SqlStorage) => void) =>
  runInDurableObject(env.WEBHOOKS.get(env.WEBHOOKS.newUniqueId()), (_, { storage }) => {
    migrate(storage, WEBHOOKS_STEPS);
    storage.sql.exec("INSERT INTO site (only, place, epoch, cursor, announced) VALUES (1, 'a/b', '', 0, 1)");
    test(new Deliveries(storage.sql), storage.sql);
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
  const [delivery] = deliveries.dueBy(endpoint, 9, 1);
  const attempt = { at: new Date(0).toISOString(), ms: 1, status: 200 };
  if (delivery) deliveries.tried(delivery, attempt, 1, { is: 'delivered' });
}

it('those that are over make room first, then the oldest that wait, and for those it is said', () =>
  withLog((deliveries, sql) => {
    expect(deliveries.add(some(MOST), 0, MOST)).toEqual(new Map());
    for (let n = 0; n < 10; n++) deliver(deliveries, 'e');
    expect(deliveries.add(some(10, 'f'), 0, MOST)).toEqual(new Map());
    expect(deliveries.list('e', { ...PAGE, state: 'delivered' })).toEqual([]);
    expect([deliveries.waiting('e'), deliveries.waiting('f')]).toEqual([90, 10]);
    expect(deliveries.add(some(5, 'f'), 0, MOST)).toEqual(new Map([['e', 5]]));
    expect([deliveries.waiting('e'), deliveries.waiting('f')]).toEqual([85, 15]);
    expect(deliveries.list('e', PAGE).at(-1)?.id).toBe('e-15');
    expect(sql.exec('SELECT kept FROM site').one()).toEqual({ kept: MOST });
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

it('who is due fewer than so many is short of them', () =>
  withLog((deliveries) => {
    deliveries.add(some(3), 5);
    expect([deliveries.isShort('e', 5, 3), deliveries.isShort('e', 5, 4)]).toEqual([false, true]);
    expect([deliveries.isShort('e', 4, 1), deliveries.isShort('f', 5, 1)]).toEqual([true, true]);
    deliver(deliveries, 'e');
    expect([deliveries.isShort('e', 5, 2), deliveries.isShort('e', 5, 3)]).toEqual([false, true]);
  }));

it('what older releases had put together goes on under its numbers, one by one', () =>
  runInDurableObject(env.WEBHOOKS.get(env.WEBHOOKS.newUniqueId()), (_, { storage }) => {
    migrate(storage, WEBHOOKS_STEPS.slice(0, 1));
    storage.sql.exec(`
      INSERT INTO site (only, place, epoch, cursor, announced, kept) VALUES (1, 'a/b', '', 0, 1, 1);
      INSERT INTO deliveries (n, endpoint, id, type, about, body, created, state, due)
        VALUES (7, 'e', 'msg_y_1', 'call.ended', '', '{}', 0, 'waiting', 0);
    `);
    migrate(storage, WEBHOOKS_STEPS.slice(0, 2));
    const lines = [12, 15].map((seq) => `[${seq},"call.ended","call ${seq}",["sip:a@b"]]\n{"n":${seq}}`);
    storage.sql.exec(
      "INSERT INTO bundles (n, count, endpoint, created, epoch, lines) VALUES (8, 2, 'e', 3, 'x', ?)",
      lines.join('\n'),
    );
    storage.sql.exec('UPDATE site SET next = 10, kept = 3');
    migrate(storage, WEBHOOKS_STEPS);
    const deliveries = new Deliveries(storage.sql);
    deliveries.add(some(1), 4);
    const due = deliveries.dueBy('e', 4, MOST);
    expect(due.map(({ n, id }) => [n, id])).toEqual([
      [7, 'msg_y_1'],
      [8, 'msg_x_12'],
      [9, 'msg_x_15'],
      [10, 'e-0'],
    ]);
    expect(due[2]).toMatchObject({
      type: 'call.ended',
      about: 'call 15',
      body: '{"n":15}',
      created: 3,
      due: 3,
    });
  }));
