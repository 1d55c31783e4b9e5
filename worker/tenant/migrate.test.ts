/** Databases of every earlier release come up to date, once, with what they held. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { Audit } from './audit.ts';
import { Errands } from './errands.ts';
import { Keys } from './keys.ts';
import { migrate, type Step } from './migrate.ts';
import { DIRECTORY_STEPS, TENANT_STEPS } from './schema.ts';
import { SettingsRow } from './settings.ts';
import { Sites } from './sites.ts';

/** An empty database. */
function withDatabase(test: (storage: DurableObjectStorage) => void): Promise<void> {
  const stub = env.TENANT.get(env.TENANT.newUniqueId());
  return runInDurableObject(stub, async (_, { storage }) => {
    await storage.deleteAll();
    test(storage);
  });
}

/** What a release of schema version 1, 2, … wrote. */
const WRITTEN = [
  `INSERT INTO tenant (only, id, created, version, limits) VALUES (1, 'acme', 1000, 7, '{"messages_per_second":9}');
   INSERT INTO sites (id, created, location) VALUES ('berlin', 1001, 'weur'), ('tokyo', 1002, NULL);
   INSERT INTO keys (id, role, site, scopes, hash, created, last_used, revoked_at) VALUES
     ('k1', 'api', NULL, '["CallStart"]', 'aa', 1003, 1004, NULL),
     ('k2', 'adapter', 'berlin', '[]', 'bb', 1005, NULL, 1006);`,
  `INSERT INTO audit (at, actor, source, action, target, outcome) VALUES (1007, 'admin', '::1', 'key.revoke', 'k2', 'ok');`,
  `UPDATE tenant SET rules = '{"allow":["*@a"],"deny":[]}', origins = '["https://a"]', kept_seconds = 60;
   UPDATE sites SET rules = '{"allow":[],"deny":["+1900*@*"]}' WHERE id = 'tokyo';`,
  `INSERT INTO errands (kind, site, key, due, again, tries) VALUES ('revoke', 'berlin', 'k2', 1008, NULL, 3);
   UPDATE keys SET told = 1 WHERE id = 'k2';`,
];

const OPEN = { allow: [], deny: [] };

it('has a sample of each version', () => expect(WRITTEN).toHaveLength(TENANT_STEPS.length));

it.each(TENANT_STEPS.map((_, index) => index + 1))('a tenant of schema version %i', (version) =>
  withDatabase((storage) => {
    const { sql } = storage;
    for (let released = 1; released <= version; released++) {
      migrate(storage, TENANT_STEPS.slice(0, released));
      sql.exec(WRITTEN[released - 1] ?? '');
    }
    migrate(storage, TENANT_STEPS);

    const ruled = version >= 3;
    expect(new SettingsRow(sql).get()).toMatchObject({
      id: 'acme',
      created: 1000,
      version: 7,
      limits: { messages_per_second: 9, standing_calls: 10_000 },
      rules: ruled ? { allow: ['*@a'], deny: [] } : OPEN,
      origins: ruled ? ['https://a'] : [],
      kept_seconds: ruled ? 60 : 3600,
    });
    expect(new Sites(sql).list()).toEqual([
      { id: 'berlin', created: 1001, location: 'weur', rules: OPEN },
      { id: 'tokyo', created: 1002, location: null, rules: ruled ? { allow: [], deny: ['+1900*@*'] } : OPEN },
    ]);
    const keys = new Keys(sql);
    expect(keys.get('k1')).toMatchObject({ role: 'api', site: null, scopes: ['CallStart'], lastUsed: 1004 });
    expect(keys.get('k2')).toMatchObject({ role: 'adapter', site: 'berlin', revokedAt: 1006 });
    expect(new Audit(sql).list(10).map(({ target }) => target)).toEqual(version >= 2 ? ['k2'] : []);
    // What was revoked before anyone kept errands is told again; what was told is not.
    expect(keys.takeUntold(2000).map(({ id }) => id)).toEqual(version >= 4 ? [] : ['k2']);
    expect(new Errands(sql).take(2000, 10)).toHaveLength(version >= 4 ? 1 : 0);
  }),
);

it.each(DIRECTORY_STEPS.map((_, index) => index + 1))('a directory of schema version %i', (version) =>
  withDatabase((storage) => {
    migrate(storage, DIRECTORY_STEPS.slice(0, version));
    storage.sql.exec("INSERT INTO tenants (id, created, deleted) VALUES ('acme', 1, NULL), ('old', 1, 2)");
    migrate(storage, DIRECTORY_STEPS);
    expect(storage.sql.exec('SELECT id, deleted FROM tenants').toArray()).toEqual([
      { id: 'acme', deleted: null },
      { id: 'old', deleted: 2 },
    ]);
    expect(new Audit(storage.sql).list(10)).toEqual([]);
  }),
);

const count: Step[] = [
  { name: 'a table', sql: 'CREATE TABLE ran (n INTEGER)' },
  { name: 'a row', sql: 'INSERT INTO ran VALUES (1)' },
];
const runs = ({ sql }: DurableObjectStorage) => sql.exec('SELECT n FROM ran').toArray().length;
const versions = ({ sql }: DurableObjectStorage) =>
  sql
    .exec<{ name: string }>('SELECT name FROM schema ORDER BY version')
    .toArray()
    .map(({ name }) => name);

it('runs each step once', () =>
  withDatabase((storage) => {
    for (const steps of [count.slice(0, 1), count, count, count]) migrate(storage, steps);
    expect(runs(storage)).toBe(1);
    expect(versions(storage)).toEqual(['a table', 'a row']);
  }));

it('a step that fails leaves nothing of itself, and those before it stand', () =>
  withDatabase((storage) => {
    const broken = { name: 'broken', sql: 'INSERT INTO ran VALUES (2); INSERT INTO nowhere VALUES (1)' };
    expect(() => migrate(storage, [...count, broken])).toThrow('nowhere');
    expect(runs(storage)).toBe(1);
    expect(versions(storage)).toEqual(['a table', 'a row']);
    migrate(storage, [...count, { name: 'mended', sql: 'INSERT INTO ran VALUES (3)' }]);
    expect(runs(storage)).toBe(2);
  }));

it('leaves a database of a newer release alone, and says what to do', () =>
  withDatabase((storage) => {
    migrate(storage, count);
    expect(() => migrate(storage, count.slice(0, 1))).toThrow(
      'schema version 2 and this release knows 1: deploy a release at least as new',
    );
    expect(runs(storage)).toBe(1);
  }));
