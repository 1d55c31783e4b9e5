/** The tables of a site's webhooks. Times are Unix milliseconds. @module */
import type { Step } from '../tenant/migrate.ts';

export const WEBHOOKS_STEPS: readonly Step[] = [
  {
    name: 'endpoints and deliveries',
    // What is delivered is in no index: most are, and each index costs a row.
    sql: `
      CREATE TABLE site (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        place TEXT NOT NULL,
        epoch TEXT NOT NULL,
        cursor INTEGER NOT NULL,
        announced INTEGER NOT NULL,
        kept INTEGER NOT NULL DEFAULT 0
      );
      CREATE TABLE endpoints (
        id TEXT PRIMARY KEY,
        created INTEGER NOT NULL,
        url TEXT NOT NULL,
        description TEXT NOT NULL,
        events TEXT NOT NULL,
        addresses TEXT NOT NULL,
        enabled INTEGER NOT NULL,
        because TEXT,
        signers TEXT NOT NULL,
        quiet_until INTEGER NOT NULL DEFAULT 0,
        dropped INTEGER NOT NULL DEFAULT 0
      ) WITHOUT ROWID;
      CREATE TABLE deliveries (
        n INTEGER PRIMARY KEY AUTOINCREMENT,
        endpoint TEXT NOT NULL,
        id TEXT NOT NULL,
        type TEXT NOT NULL,
        about TEXT NOT NULL,
        body TEXT NOT NULL,
        created INTEGER NOT NULL,
        state TEXT NOT NULL,
        tries INTEGER NOT NULL DEFAULT 0,
        due INTEGER,
        attempts TEXT NOT NULL DEFAULT '[]'
      );
      CREATE INDEX waiting ON deliveries (endpoint, due, n) WHERE due IS NOT NULL;
      CREATE INDEX failed ON deliveries (endpoint) WHERE state = 'failed';
    `,
  },
  {
    name: 'bundles',
    // Both tables share the numbers that follow from `next` on.
    sql: `
      CREATE TABLE bundles (
        n INTEGER PRIMARY KEY,
        count INTEGER NOT NULL,
        endpoint TEXT NOT NULL,
        created INTEGER NOT NULL,
        epoch TEXT NOT NULL,
        lines TEXT NOT NULL
      );
      CREATE INDEX bundled ON bundles (endpoint, n, count, created);
      ALTER TABLE site ADD COLUMN next INTEGER NOT NULL DEFAULT 1;
      UPDATE site SET next = 1 + (SELECT coalesce(max(n), 0) FROM deliveries);
    `,
  },
  {
    name: 'spans',
    // What is in bundles, two lines for each, becomes deliveries. Spans are few: an index would cost more than it saves.
    sql: `
      CREATE TABLE spans (
        id INTEGER PRIMARY KEY,
        endpoint TEXT NOT NULL,
        after INTEGER NOT NULL,
        upto INTEGER NOT NULL,
        filter TEXT NOT NULL,
        closes INTEGER NOT NULL,
        leaves INTEGER NOT NULL
      );
      INSERT INTO deliveries (n, endpoint, id, type, about, body, created, state, due)
        WITH RECURSIVE line (n, nth, endpoint, epoch, created, text, rest) AS (
          SELECT n, -1, endpoint, epoch, created, '', lines || char(10) FROM bundles
          UNION ALL
          SELECT n, nth + 1, endpoint, epoch, created,
            substr(rest, 1, instr(rest, char(10)) - 1), substr(rest, instr(rest, char(10)) + 1)
          FROM line WHERE rest <> ''
        )
        SELECT head.n + head.nth / 2, head.endpoint, 'msg_' || head.epoch || '_' || (head.text ->> 0),
          head.text ->> 1, head.text ->> 2, body.text, head.created, 'waiting', head.created
        FROM line AS head JOIN line AS body ON body.n = head.n AND body.nth = head.nth + 1
        WHERE head.nth % 2 = 0 AND head.nth >= 0;
      DROP TABLE bundles;
    `,
  },
];
