/**
 * The log of a site is cut into segments, each with tables of its own. Old ones are dropped whole, which writes no row where
 * deleting would write one for each. What stands longer than a segment is kept is carried over before that is dropped.
 * @module
 */

/** How much is kept. */
export interface Retention {
  /** A segment is closed when it is so old, in milliseconds, … */
  readonly segmentMs: number;
  /** … or when it spans so many positions; a turn takes one, and one for each notification. */
  readonly segmentSpan: number;
  /** So many closed segments are kept at most, … */
  readonly segments: number;
  /** … and each for so long after it was closed, in milliseconds. */
  readonly keptMs: number;
}

/** An hour, or 500,000 positions (about 50,000 calls): whichever is less. */
export const RETENTION: Retention = {
  segmentMs: 720_000,
  segmentSpan: 100_000,
  segments: 5,
  keptMs: 2_880_000,
};

/**
 * Keeps for so many seconds at most. A segment goes whole, so its last row is as old then as a segment is long less:
 * a fifth.
 */
export function retentionOf(seconds: number): Retention {
  const segmentMs = Math.round((seconds * 1_000) / RETENTION.segments);
  return { ...RETENTION, segmentMs, keptMs: seconds * 1_000 - segmentMs };
}

/** Tables `log_<id>`, `ended_<id>` and `calls_<id>`. */
export type Segment = {
  readonly id: number;
  /** Unix milliseconds. */
  readonly opened: number;
  /** Its first position. */
  readonly first: number;
};

export class Segments implements Iterable<Segment> {
  readonly #sql: SqlStorage;
  #retention: Retention;
  #site: Site;
  /** Oldest first; the last is written to. */
  readonly #segments: Segment[];
  /** Carries over what is still needed of a segment that is about to be dropped: all before that position. */
  #carry: (end: number, now: number) => void = () => {};
  /** A running command stood in the way of {@link trim}: it is not due again before, in Unix milliseconds. */
  #blockedUntil = 0;

  constructor(sql: SqlStorage, retention: Retention) {
    this.#sql = sql;
    this.#retention = retention;
    sql.exec(`
      CREATE TABLE IF NOT EXISTS site (epoch TEXT NOT NULL, dropped INTEGER NOT NULL, position INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS segments (id INTEGER PRIMARY KEY, opened INTEGER NOT NULL, first INTEGER NOT NULL);
    `);
    this.#site = sql.exec<Site>('SELECT epoch, dropped, position FROM site').toArray()[0] ?? this.#found();
    this.#segments = sql.exec<Segment>('SELECT id, opened, first FROM segments ORDER BY id').toArray();
    for (const { id } of this.#segments) this.#createCalls(id);
  }

  /** The oldest first. */
  [Symbol.iterator](): Iterator<Segment> {
    return this.#segments.values();
  }

  /** The newest first. */
  get newestFirst(): readonly Segment[] {
    return this.#segments.toReversed();
  }

  /** Random for each storage. */
  get epoch(): string {
    return this.#site.epoch;
  }

  /** The first position that is kept: what came before may be gone. */
  get kept(): number {
    return this.#site.position;
  }

  /** Nothing is kept longer than so many seconds, from now on; what is older goes with the next {@link trim}. */
  keepFor(seconds: number): void {
    this.#retention = retentionOf(seconds);
  }

  /** All is kept for so long at least, in milliseconds, unless too much is written. */
  get keptMs(): number {
    return this.#retention.keptMs;
  }

  /** Before a segment is dropped, `carry` puts what is still needed of its calls into the newest one. */
  onDrop(carry: (end: number, now: number) => void): void {
    this.#carry = carry;
  }

  /** When {@link trim} is due, in Unix milliseconds; infinity where nothing is kept. */
  get due(): number {
    return Math.max(this.#oldestEnds, this.#blockedUntil);
  }

  get #oldestEnds(): number {
    const [oldest] = this.#segments;
    return oldest
      ? oldest.opened + this.#retention.segmentMs + this.#retention.keptMs
      : Number.POSITIVE_INFINITY;
  }

  /** Drops segments that are too old or too many; none that a running command still needs. */
  trim(now: number, floor: number): void {
    for (const segment of [...this.#segments]) {
      if (this.#segments[0] !== segment) continue;
      const tooMany = this.#segments.length > this.#retention.segments + 1;
      if (!tooMany && now < this.#oldestEnds) return;
      const logged = 1 + (this.#lastIn(`log_${segment.id}`) ?? segment.first);
      if (logged > floor) {
        this.#blockedUntil = now + this.#retention.segmentMs;
        return;
      }
      const end = Math.max(logged, 1 + (this.#lastIn(`calls_${segment.id}`) ?? 0));
      this.#carry(end, now);
      // Carrying over may have opened a segment, and so have dropped this one.
      if (this.#segments[0] !== segment) continue;
      this.#sql.exec(
        `DROP TABLE log_${segment.id}; DROP TABLE ended_${segment.id}; DROP TABLE calls_${segment.id};`,
      );
      this.#sql.exec('DELETE FROM segments WHERE id = ?', segment.id);
      this.#site = { ...this.#site, dropped: segment.id, position: end };
      this.#sql.exec('UPDATE site SET dropped = ?, position = ?', segment.id, end);
      this.#segments.shift();
    }
  }

  /** The segment that is written to. One that was filled in a hurry makes room by itself: no alarm was due yet. */
  writable(position: number, floor: number, now: number): Segment {
    const current = this.#segments.at(-1);
    const { segmentMs, segmentSpan } = this.#retention;
    if (current && position < current.first + segmentSpan && now < current.opened + segmentMs) return current;
    const segment = { id: (current?.id ?? this.#site.dropped) + 1, opened: now, first: position };
    this.#sql.exec(`
      CREATE TABLE log_${segment.id} (position INTEGER PRIMARY KEY, row TEXT NOT NULL);
      CREATE TABLE ended_${segment.id} (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
    `);
    this.#createCalls(segment.id);
    this.#sql.exec('INSERT INTO segments (id, opened, first) VALUES (?, ?, ?)', segment.id, now, position);
    this.#segments.push(segment);
    this.trim(now, floor);
    return segment;
  }

  /** The last position in a table; null where it is empty. */
  #lastIn(table: string): number | null {
    return this.#sql.exec<{ last: number | null }>(`SELECT max(position) AS last FROM ${table}`).one().last;
  }

  #createCalls(id: number): void {
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS calls_${id} (position INTEGER PRIMARY KEY, row TEXT NOT NULL)`,
    );
  }

  #found(): Site {
    const site = { epoch: crypto.randomUUID().slice(0, 8), dropped: 0, position: 1 };
    this.#sql.exec('INSERT INTO site (epoch, dropped, position) VALUES (?, ?, ?)', site.epoch, 0, 1);
    return site;
  }
}

/** What outlives every segment. */
type Site = {
  /** Random: ids of MI requests begin with it. */
  readonly epoch: string;
  /** The newest segment that was dropped. */
  readonly dropped: number;
  /** The first position that may still be kept. */
  readonly position: number;
};
