/** Updates are delivered at least once, and are retried after failures. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { Outbox, REPEAT_AFTER_MS } from './outbox.ts';

const withOutbox = (test: (reopen: () => Outbox) => void) =>
  runInDurableObject(env.TENANT.get(env.TENANT.newUniqueId()), (_, { storage }) =>
    test(() => new Outbox(storage.sql)),
  );

const site = (id: string) => ({ id, location: null });
const LIMIT = 100;
const only = <T>(updates: T[]): T => {
  const [first] = updates;
  if (!first || updates.length !== 1) throw new Error(`expected one update, got ${updates.length}`);
  return first;
};

it('delivers a policy once', () =>
  withOutbox((reopen) => {
    const outbox = reopen();
    outbox.add('policy', site('a'), 0);
    outbox.onDelivered(only(outbox.take(0, LIMIT)), 5);
    expect(outbox.due).toBe(Number.POSITIVE_INFINITY);
  }));

it.each(['revoke', 'erase'] as const)(
  'delivers %s a second time when all cached grants have expired',
  (kind) =>
    withOutbox((reopen) => {
      const outbox = reopen();
      outbox.add(kind, site('a'), 0, 'k');
      outbox.onDelivered(only(outbox.take(0, LIMIT)), 5);
      expect(outbox.due).toBe(REPEAT_AFTER_MS);
      expect(outbox.unreachedSites(5)).toEqual([]);
      expect(outbox.take(REPEAT_AFTER_MS - 1, LIMIT)).toEqual([]);
      outbox.onDelivered(only(outbox.take(REPEAT_AFTER_MS, LIMIT)), REPEAT_AFTER_MS);
      expect(outbox.due).toBe(Number.POSITIVE_INFINITY);
    }),
);

it('does not deliver a second time what was delivered that late', () =>
  withOutbox((reopen) => {
    const outbox = reopen();
    outbox.add('revoke', site('a'), 0, 'k');
    outbox.onDelivered(only(outbox.take(REPEAT_AFTER_MS + 1, LIMIT)), REPEAT_AFTER_MS + 2);
    expect(outbox.due).toBe(Number.POSITIVE_INFINITY);
  }));

it('retries with growing delays, and lists the site as unreached', () =>
  withOutbox((reopen) => {
    const outbox = reopen();
    outbox.add('policy', site('a'), 0);
    const delays: number[] = [];
    let now = 0;
    for (let attempts = 0; attempts < 9; attempts++) {
      outbox.onFailed(only(outbox.take(now, LIMIT)), now);
      delays.push(outbox.due - now);
      expect(reopen().unreachedSites(now)).toEqual(['a']);
      now = outbox.due;
    }
    expect(delays).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1_000));
  }));

it('leases an update to one taker, and to the next one when the lease has expired', () =>
  withOutbox((reopen) => {
    const outbox = reopen();
    outbox.add('policy', site('a'), 0);
    expect(outbox.take(0, LIMIT)).toHaveLength(1);
    expect(reopen().take(1_000, LIMIT)).toEqual([]);
    expect(reopen().take(outbox.due, LIMIT)).toHaveLength(1);
  }));

it('delivers an update again that was added again during its delivery', () =>
  withOutbox((reopen) => {
    const outbox = reopen();
    outbox.add('policy', site('a'), 0);
    const first = only(outbox.take(0, LIMIT));
    outbox.add('policy', site('a'), 1);
    outbox.onDelivered(first, 2);
    expect(only(outbox.take(2, LIMIT)).id).not.toBe(first.id);
  }));

it('replaces all updates of a site by its deletion, and none of other sites', () =>
  withOutbox((reopen) => {
    const outbox = reopen();
    for (const name of ['a', 'b']) {
      outbox.add('policy', site(name), 0);
      outbox.add('revoke', site(name), 0, 'k');
    }
    outbox.add('erase', site('a'), 0);
    expect(outbox.take(0, LIMIT).map(({ kind, site }) => `${kind} ${site}`)).toEqual([
      'policy b',
      'revoke b',
      'erase a',
    ]);
    expect(outbox.sitesBeingErased()).toEqual(['a']);
  }));
