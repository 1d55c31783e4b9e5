/** The audit trail is bounded in number and age, and frequent actions do not displace rare ones. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { AuditTrail, ENTRY_TTL_MS, MAX_ENTRIES } from './audit.ts';

const withTrail = (test: (reopen: () => AuditTrail) => void) =>
  runInDurableObject(env.TENANT.get(env.TENANT.newUniqueId()), (_, { storage }) =>
    test(() => new AuditTrail(storage.sql)),
  );

const auditedAction = (action: string, target = 't') => ({
  actor: 'admin:alice',
  role: 'operate' as const,
  address: '192.0.2.1',
  action,
  target,
  outcome: 'ok',
});

it('lists actor, role, address, action, target, time and outcome, newest first and page by page', () =>
  withTrail((reopen) => {
    const trail = reopen();
    for (const [at, action] of ['one', 'two', 'three'].entries())
      trail.record(auditedAction(action), at * 1000);
    const [newest, second] = reopen().list(2);
    const { address: from, ...action } = auditedAction('three');
    expect(newest).toEqual({ ...action, from, n: 3, at: '1970-01-01T00:00:02.000Z' });
    expect(trail.list(2, second?.n).map(({ action }) => action)).toEqual(['one']);
  }));

it('drops entries of issued tokens before those of administrators', () =>
  withTrail((reopen) => {
    const trail = reopen();
    trail.record(auditedAction('key.revoke'), 0);
    for (let i = 0; i < MAX_ENTRIES + 250; i++) trail.record(auditedAction('token.mint'), i);
    const entries = reopen().list(2 * MAX_ENTRIES);
    expect(entries.length).toBeGreaterThanOrEqual(MAX_ENTRIES);
    expect(entries.length).toBeLessThan(MAX_ENTRIES + 100);
    expect(entries.at(-1)?.action).toBe('key.revoke');
    // Newest first: the newest entry was not dropped.
    expect(entries[0]?.n).toBe(MAX_ENTRIES + 251);
  }));

it('drops entries of API keys before those of administrators, so that a tenant cannot displace them', () =>
  withTrail((reopen) => {
    const trail = reopen();
    trail.record(auditedAction('key.revoke'), 0);
    const byKey = { ...auditedAction('webhook.test'), actor: 'key:k1', role: null };
    for (let i = 0; i < MAX_ENTRIES + 250; i++) trail.record(byKey, i);
    const entries = reopen().list(2 * MAX_ENTRIES);
    expect(entries.length).toBeLessThan(MAX_ENTRIES + 100);
    expect(entries.at(-1)?.action).toBe('key.revoke');
    expect(
      reopen()
        .list(2, undefined, { byKeys: true })
        .map(({ actor }) => actor),
    ).toEqual(['key:k1', 'key:k1']);
    expect(entries.at(-1)?.actor).toBe('admin:alice');
  }));

it('drops entries that are 90 days old, and knows when the next one is due', () =>
  withTrail((reopen) => {
    const trail = reopen();
    expect(trail.due).toBe(Number.POSITIVE_INFINITY);
    trail.record(auditedAction('old'), 1_000);
    trail.record(auditedAction('new'), 2_000);
    expect(trail.due).toBe(1_000 + ENTRY_TTL_MS);
    trail.trim(999 + ENTRY_TTL_MS);
    expect(trail.list(10)).toHaveLength(2);
    trail.trim(1_000 + ENTRY_TTL_MS);
    expect(trail.list(10).map(({ action }) => action)).toEqual(['new']);
    expect(trail.due).toBe(2_000 + ENTRY_TTL_MS);
  }));

it('cuts long fields', () =>
  withTrail((reopen) => {
    reopen().record(auditedAction('x', 'y'.repeat(10_000)), 0);
    expect(reopen().list(1)[0]?.target).toHaveLength(256);
  }));
