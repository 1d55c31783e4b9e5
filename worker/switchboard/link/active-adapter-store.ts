/** The adapters that serve a site together, stored when one connects with another process, and when one is lost. @module */
import type { AppliedPosition } from '../store/command-log.ts';
import type { LostAdapter } from './adapter-set.ts';

interface StoredAdapter extends AppliedPosition {
  readonly adapter: string;
  /** Since when it is not connected although it should be, in Unix milliseconds. */
  readonly lostAt?: number;
  /** It is dialed, and is not connected because nobody needs it. */
  readonly isReleased?: boolean;
}

type Row = {
  adapter: string;
  stream: string;
  seq: number;
  lost_at: number | null;
  released: number;
};

export class ActiveAdapterStore {
  readonly #sql: SqlStorage;
  readonly #byName = new Map<string, StoredAdapter>();
  readonly #unstored = new Set<string>();

  /** @param logged the positions in the log, which may be ahead of those that are stored here */
  constructor(sql: SqlStorage, logged: readonly AppliedPosition[]) {
    this.#sql = sql;
    sql.exec(
      'CREATE TABLE IF NOT EXISTS active_adapters (adapter TEXT PRIMARY KEY, stream TEXT NOT NULL, seq INTEGER NOT NULL, lost_at INTEGER, released INTEGER NOT NULL) WITHOUT ROWID',
    );
    for (const { adapter, stream, seq, lost_at, released } of sql.exec<Row>(
      'SELECT * FROM active_adapters',
    )) {
      const inLog = logged.find((each) => each.stream === stream)?.seq ?? 0;
      const position = { adapter, stream, seq: Math.max(seq, inLog) };
      this.#byName.set(adapter, {
        ...position,
        ...(lost_at === null ? {} : { lostAt: lost_at }),
        ...(released === 1 ? { isReleased: true } : {}),
      });
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
    const { stream, lostAt, isReleased } = this.#byName.get(next.adapter) ?? {};
    const isSame = stream === next.stream && lostAt === next.lostAt && isReleased === next.isReleased;
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
          'INSERT OR REPLACE INTO active_adapters (adapter, stream, seq, lost_at, released) VALUES (?, ?, ?, ?, ?)',
          name,
          stored.stream,
          stored.seq,
          stored.lostAt ?? null,
          stored.isReleased ? 1 : 0,
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
