/** What the switchboards are to be told is told: at least once, again after a failure, and never by half. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { AGAIN_AFTER_MS, Errands } from './errands.ts';

const withErrands = (test: (reopen: () => Errands) => void) =>
  runInDurableObject(env.TENANT.get(env.TENANT.newUniqueId()), (_, { storage }) =>
    test(() => new Errands(storage.sql)),
  );

const site = (id: string) => ({ id, location: null });
const MOST = 100;
const only = <T>(list: T[]): T => {
  const [first] = list;
  if (!first || list.length !== 1) throw new Error(`${list.length} errands where one was expected`);
  return first;
};

it('a policy is told once', () =>
  withErrands((reopen) => {
    const errands = reopen();
    errands.add('govern', site('a'), 0);
    errands.done(only(errands.take(0, MOST)), 5);
    expect(errands.due).toBe(Number.POSITIVE_INFINITY);
  }));

it.each(['revoke', 'erase'] as const)('%s is done again when no door can remember', (kind) =>
  withErrands((reopen) => {
    const errands = reopen();
    errands.add(kind, site('a'), 0, 'k');
    errands.done(only(errands.take(0, MOST)), 5);
    expect(errands.due).toBe(AGAIN_AFTER_MS);
    expect(errands.unreached(5)).toEqual([]);
    expect(errands.take(AGAIN_AFTER_MS - 1, MOST)).toEqual([]);
    errands.done(only(errands.take(AGAIN_AFTER_MS, MOST)), AGAIN_AFTER_MS);
    expect(errands.due).toBe(Number.POSITIVE_INFINITY);
  }),
);

it('is not done again if it was done that late', () =>
  withErrands((reopen) => {
    const errands = reopen();
    errands.add('revoke', site('a'), 0, 'k');
    errands.done(only(errands.take(AGAIN_AFTER_MS + 1, MOST)), AGAIN_AFTER_MS + 2);
    expect(errands.due).toBe(Number.POSITIVE_INFINITY);
  }));

it('is tried again, ever more rarely, and names the site meanwhile', () =>
  withErrands((reopen) => {
    const errands = reopen();
    errands.add('govern', site('a'), 0);
    const waits: number[] = [];
    let now = 0;
    for (let tries = 0; tries < 9; tries++) {
      errands.failed(only(errands.take(now, MOST)), now);
      waits.push(errands.due - now);
      expect(reopen().unreached(now)).toEqual(['a']);
      now = errands.due;
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60].map((seconds) => seconds * 1_000));
  }));

it('belongs to one taker, and to the next one if that one died', () =>
  withErrands((reopen) => {
    const errands = reopen();
    errands.add('govern', site('a'), 0);
    expect(errands.take(0, MOST)).toHaveLength(1);
    expect(reopen().take(1_000, MOST)).toEqual([]);
    expect(reopen().take(errands.due, MOST)).toHaveLength(1);
  }));

it('given anew while it is under way, it is done anew', () =>
  withErrands((reopen) => {
    const errands = reopen();
    errands.add('govern', site('a'), 0);
    const first = only(errands.take(0, MOST));
    errands.add('govern', site('a'), 1);
    errands.done(first, 2);
    expect(only(errands.take(2, MOST)).id).not.toBe(first.id);
  }));

it('the end of a site takes the place of all else for it, and of nothing for others', () =>
  withErrands((reopen) => {
    const errands = reopen();
    for (const name of ['a', 'b']) {
      errands.add('govern', site(name), 0);
      errands.add('revoke', site(name), 0, 'k');
    }
    errands.add('erase', site('a'), 0);
    expect(errands.take(0, MOST).map(({ kind, site }) => `${kind} ${site}`)).toEqual([
      'govern b',
      'revoke b',
      'erase a',
    ]);
    expect(errands.erasing()).toEqual(['a']);
  }));
