/** Brings an object's database to the schema that this release works with. @module */

/** One change of the schema. Once released it is never altered: what comes later is another step. */
export interface Step {
  readonly name: string;
  readonly sql: string;
}

/**
 * Runs the steps that this database has not seen, each once and in a transaction of its own with the note that it was
 * run. Throws where the database was made by a newer release: going on could damage what this one does not know.
 */
export function migrate(storage: DurableObjectStorage, steps: readonly Step[]): void {
  const { sql } = storage;
  sql.exec(
    'CREATE TABLE IF NOT EXISTS schema (version INTEGER PRIMARY KEY, name TEXT NOT NULL, at INTEGER NOT NULL)',
  );
  const version = schemaVersion(sql);
  if (version > steps.length) {
    throw new Error(
      `the database has schema version ${version} and this release knows ${steps.length}: deploy a release at least as new as the last one`,
    );
  }
  steps.slice(version).forEach(({ name, sql: text }, index) => {
    storage.transactionSync(() => {
      sql.exec(text);
      sql.exec(
        'INSERT INTO schema (version, name, at) VALUES (?, ?, ?)',
        version + index + 1,
        name,
        Date.now(),
      );
    });
  });
}

/** How many steps the database has seen. */
function schemaVersion(sql: SqlStorage): number {
  return sql.exec<{ version: number }>('SELECT coalesce(max(version), 0) AS version FROM schema').one()
    .version;
}
