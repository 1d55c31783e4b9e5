/** The tables of the objects Tenant and Directory. Times are Unix milliseconds. @module */
import type { SchemaStep } from '../objects/migrate.ts';

/** AUTOINCREMENT, because readers page through the trail by id: no id may be used again. */
const AUDIT_TABLE = `
  CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    address TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    outcome TEXT NOT NULL
  );
`;

/** Before there were names, every administrator had the admin secret. */
const AUDIT_ROLE = `
  ALTER TABLE audit ADD COLUMN role TEXT;
  UPDATE audit SET role = 'all' WHERE actor = 'admin';
`;

export const TENANT_SCHEMA: readonly SchemaStep[] = [
  {
    name: 'settings, sites, keys, outbox and audit trail',
    sql: `
      CREATE TABLE settings (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        tenant_id TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        deleted_at INTEGER,
        version INTEGER NOT NULL,
        limits TEXT NOT NULL DEFAULT '{}',
        rules TEXT NOT NULL DEFAULT '{"allow":[],"deny":[]}',
        origins TEXT NOT NULL DEFAULT '[]',
        kept_seconds INTEGER NOT NULL DEFAULT 3600
      );
      CREATE TABLE sites (
        id TEXT PRIMARY KEY,
        created_at INTEGER NOT NULL,
        location TEXT,
        rules TEXT NOT NULL DEFAULT '{"allow":[],"deny":[]}'
      ) WITHOUT ROWID;
      CREATE TABLE keys (
        id TEXT PRIMARY KEY,
        role TEXT NOT NULL,
        site TEXT,
        scopes TEXT NOT NULL,
        hash TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        last_used_at INTEGER,
        revoked_at INTEGER,
        is_announced INTEGER NOT NULL DEFAULT 0
      ) WITHOUT ROWID;
      CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL,
        site TEXT NOT NULL,
        location TEXT,
        key_id TEXT NOT NULL,
        due INTEGER NOT NULL,
        repeat_at INTEGER,
        attempts INTEGER NOT NULL,
        UNIQUE (kind, site, key_id)
      );
      ${AUDIT_TABLE}
    `,
  },
  {
    name: 'who opens the link of a site',
    sql: `ALTER TABLE sites ADD COLUMN link TEXT NOT NULL DEFAULT '{"mode":"accept"}';`,
  },
  {
    name: 'how the adapters of a site share it',
    sql: `
      ALTER TABLE sites ADD COLUMN adapters TEXT NOT NULL DEFAULT 'standby';
      ALTER TABLE sites ADD COLUMN replicated_dialogs INTEGER NOT NULL DEFAULT 0;
    `,
  },
  { name: 'role of the administrator in the audit trail', sql: AUDIT_ROLE },
  {
    name: 'what a tenant sets itself, and its bounds',
    sql: `
      ALTER TABLE settings ADD COLUMN bounds TEXT NOT NULL DEFAULT '{}';
      ALTER TABLE settings ADD COLUMN own TEXT NOT NULL DEFAULT '{"rules":{"allow":[],"deny":[]},"origins":[]}';
    `,
  },
];

export const DIRECTORY_SCHEMA: readonly SchemaStep[] = [
  {
    name: 'tenants and audit trail',
    sql: `
      CREATE TABLE tenants (
        id TEXT PRIMARY KEY,
        created_at INTEGER NOT NULL,
        deleted_at INTEGER
      ) WITHOUT ROWID;
      ${AUDIT_TABLE}
    `,
  },
  {
    name: 'version of the tenant that is listed',
    sql: 'ALTER TABLE tenants ADD COLUMN version INTEGER NOT NULL DEFAULT 0;',
  },
  { name: 'role of the administrator in the audit trail', sql: AUDIT_ROLE },
  {
    name: 'administrators',
    sql: `
      CREATE TABLE administrators (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        role TEXT NOT NULL,
        hash TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        last_used_at INTEGER,
        revoked_at INTEGER
      ) WITHOUT ROWID;
    `,
  },
];
