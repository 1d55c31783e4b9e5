/** Migrates an object's database to the schema that this release uses. @module */

/** One change of the schema. Once released, a step is never altered: later changes are new steps. */
export interface SchemaStep {
  readonly name: string;
  readonly sql: string;
}

/**
 * Runs the steps that this database has not seen, each once and in one transaction with the record that it has run.
 * Throws where the database was created by a newer release, because going on could damage data that this release does
 * not know.
 */
export function migrate(storage: DurableObjectStorage, steps: readonly SchemaStep[]): void {
  const { sql } = storage;
  sql.exec(
    'CREATE TABLE IF NOT EXISTS schema_steps (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL)',
  );
  const version = schemaVersion(sql);
  if (version > steps.length) {
    throw new Error(
      `The database has schema version ${version}, but this release knows only ${steps.length}: deploy a release at least as new as the last one`,
    );
  }
  steps.slice(version).forEach(({ name, sql: statements }, index) => {
    storage.transactionSync(() => {
      sql.exec(statements);
      sql.exec(
        'INSERT INTO schema_steps (version, name, applied_at) VALUES (?, ?, ?)',
        version + index + 1,
        name,
        Date.now(),
      );
    });
  });
}

/** Returns how many steps the database has seen. */
function schemaVersion(sql: SqlStorage): number {
  return sql.exec<{ version: number }>('SELECT coalesce(max(version), 0) AS version FROM schema_steps').one()
    .version;
}
