/** The tables of the objects that hold control data, as the steps that lead to them. @module */
import type { Step } from './migrate.ts';

/**
 * Who did what. AUTOINCREMENT, since a page of the trail is asked for by the number that the last one ended with: no
 * number may come again.
 */
const AUDIT = `
  CREATE TABLE audit (
    n INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    source TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    outcome TEXT NOT NULL
  );
`;

/** Of a Tenant. Times are Unix milliseconds. */
export const TENANT_STEPS: readonly Step[] = [
  {
    name: 'the tenant, its sites and its keys',
    sql: `
      CREATE TABLE tenant (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        id TEXT NOT NULL,
        created INTEGER NOT NULL,
        deleted INTEGER,
        version INTEGER NOT NULL,
        limits TEXT NOT NULL
      );
      CREATE TABLE sites (
        id TEXT PRIMARY KEY,
        created INTEGER NOT NULL,
        location TEXT
      ) WITHOUT ROWID;
      CREATE TABLE keys (
        id TEXT PRIMARY KEY,
        role TEXT NOT NULL,
        site TEXT,
        scopes TEXT NOT NULL,
        hash TEXT NOT NULL,
        created INTEGER NOT NULL,
        last_used INTEGER,
        revoked_at INTEGER
      ) WITHOUT ROWID;
    `,
  },
  { name: 'the audit trail', sql: AUDIT },
  {
    name: 'rules, origins and retention',
    sql: `
      ALTER TABLE tenant ADD COLUMN rules TEXT NOT NULL DEFAULT '{"allow":[],"deny":[]}';
      ALTER TABLE tenant ADD COLUMN origins TEXT NOT NULL DEFAULT '[]';
      ALTER TABLE tenant ADD COLUMN kept_seconds INTEGER NOT NULL DEFAULT 3600;
      ALTER TABLE sites ADD COLUMN rules TEXT NOT NULL DEFAULT '{"allow":[],"deny":[]}';
    `,
  },
  {
    // Keys that were revoked before this are untold, so their sockets are closed once more: that does no harm.
    name: 'errands to the switchboards',
    sql: `
      CREATE TABLE errands (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        site TEXT NOT NULL,
        location TEXT,
        key TEXT NOT NULL,
        due INTEGER NOT NULL,
        again INTEGER,
        tries INTEGER NOT NULL,
        UNIQUE (kind, site, key)
      );
      ALTER TABLE keys ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
    `,
  },
];

/** Of the Directory. */
export const DIRECTORY_STEPS: readonly Step[] = [
  {
    name: 'tenants',
    sql: `
      CREATE TABLE tenants (
        id TEXT PRIMARY KEY,
        created INTEGER NOT NULL,
        deleted INTEGER
      ) WITHOUT ROWID;
    `,
  },
  { name: 'the audit trail', sql: AUDIT },
];
