/** The tables of a site's webhooks. Times are Unix milliseconds. @module */
import type { SchemaStep } from '../objects/migrate.ts';

/**
 * Deliveries in state `delivered` are in no index: most are in that state, and each index costs one more row per write.
 * Pending ranges are few, so an index would cost more than it saves. AUTOINCREMENT, because administrators page through
 * deliveries by number: no number may be used again.
 */
export const WEBHOOKS_SCHEMA: readonly SchemaStep[] = [
  {
    name: 'endpoints, deliveries and pending ranges',
    sql: `
      CREATE TABLE site (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        name TEXT NOT NULL,
        epoch TEXT NOT NULL,
        last_seq INTEGER NOT NULL,
        is_announced INTEGER NOT NULL,
        delivery_count INTEGER NOT NULL DEFAULT 0,
        delivery_bytes INTEGER NOT NULL DEFAULT 0
      );
      CREATE TABLE endpoints (
        id TEXT PRIMARY KEY,
        created_at INTEGER NOT NULL,
        url TEXT NOT NULL,
        description TEXT NOT NULL,
        events TEXT NOT NULL,
        addresses TEXT NOT NULL,
        enabled INTEGER NOT NULL,
        disabled_reason TEXT,
        signers TEXT NOT NULL,
        quiet_until INTEGER NOT NULL DEFAULT 0,
        dropped_count INTEGER NOT NULL DEFAULT 0
      ) WITHOUT ROWID;
      CREATE TABLE deliveries (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        endpoint_id TEXT NOT NULL,
        message_id TEXT NOT NULL,
        type TEXT NOT NULL,
        ordering_key TEXT NOT NULL,
        body TEXT NOT NULL,
        created_at INTEGER NOT NULL,
        state TEXT NOT NULL,
        attempt_count INTEGER NOT NULL DEFAULT 0,
        due INTEGER,
        attempts TEXT NOT NULL DEFAULT '[]'
      );
      CREATE INDEX waiting ON deliveries (endpoint_id, due, number) WHERE due IS NOT NULL;
      CREATE INDEX failed ON deliveries (endpoint_id) WHERE state = 'failed';
      CREATE TABLE pending_ranges (
        id INTEGER PRIMARY KEY,
        endpoint_id TEXT NOT NULL,
        after_seq INTEGER NOT NULL,
        last_seq INTEGER NOT NULL,
        filter TEXT NOT NULL,
        extend_until INTEGER NOT NULL,
        read_by INTEGER NOT NULL
      );
    `,
  },
];
