/** How large the rows are that an object has stored. @module */

/** The largest row that a table may have, in bytes: the platform refuses rows, texts and blobs of more than 2 MB. */
export const MAX_ROW_BYTES = 1_000_000;

/** Returns the bytes of the largest row of each table: the sum of its columns, texts in UTF-8. */
export function largestRows(sql: SqlStorage): Record<string, number> {
  const tables = sql
    .exec<{ name: string }>(
      `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\' AND name NOT LIKE 'sqlite%'`,
    )
    .toArray();
  return Object.fromEntries(
    tables.map(({ name }) => {
      const columns = sql.exec(`SELECT * FROM ${name} LIMIT 0`).columnNames;
      const bytes = columns.map((column) => `coalesce(octet_length(${column}), 0)`).join(' + ');
      const { largest } = sql
        .exec<{ largest: number | null }>(`SELECT max(${bytes}) AS largest FROM ${name}`)
        .one();
      return [name, largest ?? 0];
    }),
  );
}
