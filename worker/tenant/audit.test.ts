/** The trail is bounded in number and in age, and what is frequent does not wash away what is rare. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { Audit, ENTRY_KEPT_MS, MOST_ENTRIES } from './audit.ts';

const withTrail = (test: (reopen: () => Audit) => void) =>
  runInDurableObject(env.TENANT.get(env.TENANT.newUniqueId()), (_, { storage }) =>
    test(() => new Audit(storage.sql)),
  );

const deed = (action: string, target = 't') => ({
  actor: 'admin',
  from: '192.0.2.1',
  action,
  target,
  outcome: 'ok',
});

it('says who, from where, what, to what, when, and how it ended; newest first, page by page', () =>
  withTrail((reopen) => {
    const trail = reopen();
    for (const [at, action] of ['one', 'two', 'three'].entries()) trail.note(deed(action), at * 1000);
    const [newest, second] = reopen().list(2);
    expect(newest).toEqual({ ...deed('three'), n: 3, at: '1970-01-01T00:00:02.000Z' });
    expect(trail.list(2, second?.n).map(({ action }) => action)).toEqual(['one']);
  }));

it('drops tokens minted before what an administrator did', () =>
  withTrail((reopen) => {
    const trail = reopen();
    trail.note(deed('key.revoke'), 0);
    for (let i = 0; i < MOST_ENTRIES + 250; i++) trail.note(deed('token.mint'), i);
    const all = reopen().list(2 * MOST_ENTRIES);
    expect(all.length).toBeGreaterThanOrEqual(MOST_ENTRIES);
    expect(all.length).toBeLessThan(MOST_ENTRIES + 100);
    expect(all.at(-1)?.action).toBe('key.revoke');
    // Newest first, so the numbers fall without a hole until the one that was spared.
    expect(all[0]?.n).toBe(MOST_ENTRIES + 251);
  }));

it('drops what is 90 days old, and says when the next is', () =>
  withTrail((reopen) => {
    const trail = reopen();
    expect(trail.due).toBe(Number.POSITIVE_INFINITY);
    trail.note(deed('old'), 1_000);
    trail.note(deed('young'), 2_000);
    expect(trail.due).toBe(1_000 + ENTRY_KEPT_MS);
    trail.trim(999 + ENTRY_KEPT_MS);
    expect(trail.list(10)).toHaveLength(2);
    trail.trim(1_000 + ENTRY_KEPT_MS);
    expect(trail.list(10).map(({ action }) => action)).toEqual(['young']);
    expect(trail.due).toBe(2_000 + ENTRY_KEPT_MS);
  }));

it('takes no endless text', () =>
  withTrail((reopen) => {
    reopen().note(deed('x', 'y'.repeat(10_000)), 0);
    expect(reopen().list(1)[0]?.target).toHaveLength(256);
  }));
