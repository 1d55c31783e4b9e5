/** What a site remembers of being dialed, beyond a hibernation. @module */

/** The state as it is stored. */
export interface DialState {
  /** The number of the Dialer that has had room for the site. */
  readonly shard: number;
  /** Why the last attempt has failed; null if it has not. */
  readonly failure: string | null;
  /** The link was closed because nobody needed it. */
  readonly isReleased: boolean;
}

const INITIAL: DialState = { shard: 0, failure: null, isReleased: false };

type StateRow = { shard: number; failure: string | null; released: number };

export class DialStateStore {
  readonly #sql: SqlStorage;
  #state: DialState;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
    sql.exec(
      'CREATE TABLE IF NOT EXISTS dialing (id INTEGER PRIMARY KEY, shard INTEGER NOT NULL, failure TEXT, released INTEGER NOT NULL)',
    );
    const [row] = sql.exec<StateRow>('SELECT shard, failure, released FROM dialing').toArray();
    this.#state = row ? { shard: row.shard, failure: row.failure, isReleased: row.released === 1 } : INITIAL;
  }

  get(): DialState {
    return this.#state;
  }

  /** Writes a row if anything has changed. */
  set(change: Partial<DialState>): void {
    const state = { ...this.#state, ...change };
    const isEqual = (Object.keys(state) as (keyof DialState)[]).every(
      (name) => state[name] === this.#state[name],
    );
    if (isEqual) return;
    this.#state = state;
    this.#sql.exec(
      'INSERT OR REPLACE INTO dialing (id, shard, failure, released) VALUES (1, ?, ?, ?)',
      state.shard,
      state.failure,
      state.isReleased ? 1 : 0,
    );
  }
}
