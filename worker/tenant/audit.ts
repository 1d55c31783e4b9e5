/** The audit trail: who did what, from where, with which outcome. Never a secret. @module */

/** Who acts. */
export interface By {
  /** `admin`, or `key:` and the id of an API key. */
  readonly actor: string;
  /** The IP address; `unknown` where nobody says. */
  readonly from: string;
}

/** What is noted. */
export interface Deed extends By {
  /** Such as `key.revoke`. */
  readonly action: string;
  /** What it was done to: an id. */
  readonly target: string;
  /** `ok`, or why not. */
  readonly outcome: string;
}

/** A line of the trail. */
export interface Entry extends Deed {
  readonly n: number;
  readonly at: string;
}

/** So many entries are kept at most, … */
export const MOST_ENTRIES = 10_000;
/** … and each for 90 days, in milliseconds. */
export const ENTRY_KEPT_MS = 90 * 86_400_000;

/** Past {@link MOST_ENTRIES} so many are dropped together: finding the oldest reads the whole table. */
const DROPPED_TOGETHER = 100;

/** No field of a deed is longer, in characters. */
const LONGEST = 256;

/** What happens many times a second at a busy tenant; it must not wash away what an administrator did. */
const FREQUENT = 'token.mint';

type Row = {
  n: number;
  at: number;
  actor: string;
  source: string;
  action: string;
  target: string;
  outcome: string;
};

export class Audit {
  readonly #sql: SqlStorage;
  #count: number | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Notes a deed: one row. */
  note({ actor, from, action, target, outcome }: Deed, now: number): void {
    this.#sql.exec(
      'INSERT INTO audit (at, actor, source, action, target, outcome) VALUES (?, ?, ?, ?, ?, ?)',
      now,
      ...[actor, from, action, target, outcome].map((text) => text.slice(0, LONGEST)),
    );
    this.#count = this.#counted() + (this.#count === undefined ? 0 : 1);
    if (this.#count >= MOST_ENTRIES + DROPPED_TOGETHER) this.#drop(this.#count - MOST_ENTRIES);
  }

  /** Newest first, from before entry `before` on. */
  list(limit: number, before = Number.MAX_SAFE_INTEGER): Entry[] {
    return this.#sql
      .exec<Row>('SELECT * FROM audit WHERE n < ? ORDER BY n DESC LIMIT ?', before, limit)
      .toArray()
      .map(({ at, source, ...row }) => ({ ...row, from: source, at: new Date(at).toISOString() }));
  }

  /** When {@link trim} is due, in Unix milliseconds; infinity where nothing is kept. */
  get due(): number {
    const [oldest] = this.#sql.exec<{ at: number }>('SELECT at FROM audit ORDER BY n LIMIT 1').toArray();
    return oldest ? oldest.at + ENTRY_KEPT_MS : Number.POSITIVE_INFINITY;
  }

  /** Drops what is too old. */
  trim(now: number): void {
    if (now < this.due) return;
    this.#sql.exec('DELETE FROM audit WHERE at <= ?', now - ENTRY_KEPT_MS);
    this.#count = undefined;
  }

  /** Drops all. */
  clear(): void {
    this.#sql.exec('DELETE FROM audit');
    this.#count = undefined;
  }

  /** The oldest go, and of them the frequent ones first. */
  #drop(count: number): void {
    this.#sql.exec(
      'DELETE FROM audit WHERE n IN (SELECT n FROM audit ORDER BY action = ? DESC, n LIMIT ?)',
      FREQUENT,
      count,
    );
    this.#count = undefined;
  }

  #counted(): number {
    return this.#count ?? this.#sql.exec<{ n: number }>('SELECT count(*) AS n FROM audit').one().n;
  }
}
