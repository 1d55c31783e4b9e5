/**
 * The tables of a site's log in memory, for thousands of histories outside the platform. It knows the statements of `store/` only, and
 * throws on any other; the tests of `store/` run them in SQLite.
 * @module
 */
type Row = Record<string, string | number>;

/** The key of each table, by the beginning of its name. */
const KEYS = {
  site: 'epoch',
  segments: 'id',
  log_: 'position',
  calls_: 'position',
  names_: 'bucket',
  checkpoint: 'id',
} as const;

export class MemorySql {
  /** The rows of each table by their key. */
  readonly #tables: Map<string, Map<string | number, Row>>;

  constructor(tables = new Map<string, Map<string | number, Row>>()) {
    this.#tables = tables;
  }

  /** Returns the interface that the platform has. */
  get storage(): SqlStorage {
    return this as unknown as SqlStorage;
  }

  /** Nothing is dropped because of its size here. */
  get databaseSize(): number {
    return 0;
  }

  /** Returns a copy, as it is after a crash. */
  clone(): MemorySql {
    return new MemorySql(structuredClone(this.#tables));
  }

  exec(statements: string, ...values: (string | number)[]) {
    const queue = [...values];
    const rows = statements
      .split(';')
      .map((statement) => statement.trim())
      .filter((statement) => statement !== '')
      .flatMap((statement) => this.#run(statement, queue));
    return {
      toArray: () => rows,
      one: () => rows[0],
      [Symbol.iterator]: () => rows.values(),
    };
  }

  #run(statement: string, values: (string | number)[]): Row[] {
    const [, create] = /^CREATE TABLE (?:IF NOT EXISTS )?(\w+)/.exec(statement) ?? [];
    if (create) {
      if (!this.#tables.has(create)) this.#tables.set(create, new Map());
      return [];
    }
    const [, drop] = /^DROP TABLE (\w+)$/.exec(statement) ?? [];
    if (drop) {
      this.#table(drop);
      this.#tables.delete(drop);
      return [];
    }
    // No table is older than the code.
    if (statement.startsWith('DROP TABLE IF EXISTS ') || statement.includes(' sqlite_master ')) return [];
    const [, replaces, insert, columns] =
      /^INSERT (OR REPLACE )?INTO (\w+) \(([\w, ]+)\) VALUES/.exec(statement) ?? [];
    if (insert && columns) return this.#insert(insert, columns.split(', '), values, replaces !== undefined);
    if (statement === 'DELETE FROM segments WHERE id = ?') {
      this.#table('segments').delete(values[0] ?? '');
      return [];
    }
    if (statement === 'DELETE FROM checkpoint WHERE id >= ?') {
      const rows = this.#table('checkpoint');
      for (const id of rows.keys()) if (Number(id) >= Number(values[0])) rows.delete(id);
      return [];
    }
    if (statement === 'UPDATE segments SET bytes = ? WHERE id = ?') {
      const [bytes = 0, id = 0] = values;
      Object.assign(this.#table('segments').get(id) ?? {}, { bytes });
      return [];
    }
    if (statement === 'UPDATE site SET dropped = ?, position = ?') {
      const [dropped = 0, position = 0] = values;
      for (const row of this.#table('site').values()) Object.assign(row, { dropped, position });
      return [];
    }
    return this.#select(statement, values);
  }

  #insert(table: string, columns: readonly string[], values: (string | number)[], replaces: boolean): Row[] {
    const row = Object.fromEntries(columns.map((column) => [column, values.shift() ?? 0]));
    const rows = this.#table(table);
    const prefix = Object.keys(KEYS).find((each) => table.startsWith(each)) as keyof typeof KEYS;
    const key = row[KEYS[prefix]] ?? 0;
    if (rows.has(key) && !replaces) throw new Error(`${table} has a row ${key} already`);
    rows.set(key, row);
    return [];
  }

  #select(statement: string, values: readonly (string | number)[]): Row[] {
    const [, table] =
      /^SELECT .+ FROM (site|segments|checkpoint|log_\d+|calls_\d+|names_\d+)\b/.exec(statement) ?? [];
    if (!table) throw new Error(`This statement is not known here: ${statement}`);
    const rows = [...this.#table(table).values()].sort((one, other) => keyOf(one) - keyOf(other));
    if (statement.startsWith('SELECT max(position)')) {
      return [{ last: rows.at(-1)?.['position'] ?? null } as unknown as Row];
    }
    if (statement.startsWith('SELECT max(upto)')) {
      const last = rows.map((row) => Number(row['upto']));
      return [{ last: last.length === 0 ? null : Math.max(...last) } as unknown as Row];
    }
    if (/WHERE (position|bucket) = \?$/.test(statement))
      return rows.filter((row) => keyOf(row) === Number(values[0]));
    if (statement.endsWith('DESC LIMIT 1')) return rows.slice(-1);
    // The texts that a row must contain come first. They only save work: what is read is filtered once more.
    const [position = 0, end = 0] = values.slice(statement.includes('position <= ?') ? -2 : 0).map(Number);
    if (statement.includes('WHERE position >= ?')) return rows.filter((row) => keyOf(row) >= position);
    if (!statement.includes('WHERE position > ?')) return rows;
    const later = rows.filter((row) => keyOf(row) > position);
    if (statement.includes('AND position <= ?')) return later.filter((row) => keyOf(row) <= end);
    return later.map((row) => ({ position: keyOf(row), bytes: String(row['row']).length })).slice(0, end);
  }

  #table(name: string): Map<string | number, Row> {
    const table = this.#tables.get(name);
    if (!table) throw new Error(`There is no table ${name}`);
    return table;
  }
}

function keyOf(row: Row): number {
  return Number(row['id'] ?? row['position'] ?? row['bucket'] ?? 0);
}
