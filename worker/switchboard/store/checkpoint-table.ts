/** Keeps the latest checkpoint of a site's calls. It belongs to no segment of the log: each checkpoint replaces the one before. @module */

export interface StoredCheckpoint {
  /** It contains what the log of calls has up to this position; 0 before the first checkpoint. */
  readonly position: number;
  /** In the order in which they were written. */
  readonly rows: readonly string[];
}

export class CheckpointTable {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(
      'CREATE TABLE IF NOT EXISTS checkpoint (id INTEGER PRIMARY KEY, position INTEGER NOT NULL, row TEXT NOT NULL)',
    );
  }

  /** The position of the checkpoint. */
  get position(): number {
    return (
      this.#sql.exec<{ last: number | null }>('SELECT max(position) AS last FROM checkpoint').one().last ?? 0
    );
  }

  read(): StoredCheckpoint {
    const rows = this.#sql.exec<{ row: string }>('SELECT id, row FROM checkpoint ORDER BY id').toArray();
    return { position: this.position, rows: rows.map(({ row }) => row) };
  }

  /** Replaces the checkpoint. */
  write({ position, rows }: StoredCheckpoint): void {
    for (const [id, row] of rows.entries())
      this.#sql.exec(
        'INSERT OR REPLACE INTO checkpoint (id, position, row) VALUES (?, ?, ?)',
        id,
        position,
        row,
      );
    this.#sql.exec('DELETE FROM checkpoint WHERE id >= ?', rows.length);
  }
}
