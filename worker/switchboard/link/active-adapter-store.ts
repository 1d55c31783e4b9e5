/** The adapters that serve a site together, stored when one connects with another process, and when one is lost. @module */
import type { AppliedPosition } from '../store/command-log.ts';
import type { LostAdapter } from './adapter-set.ts';

interface StoredAdapter extends AppliedPosition {
  readonly adapter: string;
  /** Since when it is not connected, in Unix milliseconds; absent while it is. */
  readonly lostAt?: number;
}

type Row = { adapter: string; stream: string; seq: number; lost_at: number | null };

export class ActiveAdapterStore {
  readonly #sql: SqlStorage;
  readonly #byName = new Map<string, StoredAdapter>();
  readonly #unstored = new Set<string>();

  /** @param logged the positions in the log, which may be ahead of those that are stored here */
  constructor(sql: SqlStorage, logged: readonly AppliedPosition[]) {
    this.#sql = sql;
    sql.exec(
      'CREATE TABLE IF NOT EXISTS active_adapters (adapter TEXT PRIMARY KEY, stream TEXT NOT NULL, seq INTEGER NOT NULL, lost_at INTEGER) WITHOUT ROWID',
    );
    for (const { adapter, stream, seq, lost_at } of sql.exec<Row>('SELECT * FROM active_adapters')) {
      const inLog = logged.find((each) => each.stream === stream)?.seq ?? 0;
      const position = { adapter, stream, seq: Math.max(seq, inLog) };
      this.#byName.set(adapter, lost_at === null ? position : { ...position, lostAt: lost_at });
    }
  }

  get all(): readonly StoredAdapter[] {
    return [...this.#byName.values()];
  }

  /** Those that are not connected, the one that was lost first first. */
  get lost(): readonly LostAdapter[] {
    return this.all
      .flatMap(({ adapter, lostAt }) => (lostAt === undefined ? [] : [{ adapter, lostAt }]))
      .sort((one, other) => one.lostAt - other.lostAt);
  }

  get(adapter: string): StoredAdapter | undefined {
    return this.#byName.get(adapter);
  }

  /** A connection of the process that was connected before changes nothing, unless it was lost. */
  set(next: StoredAdapter): void {
    const { stream, lostAt } = this.#byName.get(next.adapter) ?? {};
    const isSame = stream === next.stream && lostAt === next.lostAt;
    this.#byName.set(next.adapter, next);
    if (!isSame) this.#unstored.add(next.adapter);
  }

  delete(adapter: string): void {
    this.#byName.delete(adapter);
    this.#unstored.add(adapter);
  }

  get hasUnstored(): boolean {
    return this.#unstored.size > 0;
  }

  /** Stores the changes with the turn. */
  store(): void {
    for (const name of this.#unstored) {
      const stored = this.#byName.get(name);
      if (!stored) this.#sql.exec('DELETE FROM active_adapters WHERE adapter = ?', name);
      else
        this.#sql.exec(
          'INSERT OR REPLACE INTO active_adapters (adapter, stream, seq, lost_at) VALUES (?, ?, ?, ?)',
          name,
          stored.stream,
          stored.seq,
          stored.lostAt ?? null,
        );
    }
    this.#unstored.clear();
  }

  clear(): void {
    this.#byName.clear();
    this.#unstored.clear();
    this.#sql.exec('DELETE FROM active_adapters');
  }
}
