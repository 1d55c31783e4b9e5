/**
 * The log of a site consists of segments with tables of their own. Old segments are dropped whole, which writes no rows, while
 * deleting would write one for each. Active calls in a segment are copied before it is dropped.
 * @module
 */
import { type Retention, retentionFor } from '../../objects/retention.ts';

/** Tables `log_<id>`, `names_<id>` and `calls_<id>`. */
export type Segment = {
  readonly id: number;
  /** Unix milliseconds. */
  readonly opened: number;
  /** Its first position. */
  readonly first: number;
  /** How much larger the database was when it was closed than when it was opened, about; 0 for the one that is written to. */
  readonly bytes: number;
};

/** The size of the database is read again after a segment has taken this part of its bytes: reading it takes two statements. */
const SIZE_CHECKS_PER_SEGMENT = 64;

/** Running commands and active calls are copied this often at most, in milliseconds, so that a segment can be dropped: the other sites of the machine wait for it. */
const COPY_INTERVAL_MS = 50;

export class Segments implements Iterable<Segment> {
  readonly #sql: SqlStorage;
  #retention: Retention;
  #site: SiteRow;
  /** Oldest first; the last one is written to. */
  readonly #segments: Segment[];
  #copyCalls: (end: number, now: number) => boolean = () => true;
  /** A running command or an active call has blocked {@link trim}, which is not due again before, in Unix milliseconds. */
  #blockedUntil = 0;
  /** Some of the active calls in the oldest segment are copied, and others are not. */
  #isCopyingCalls = false;
  /** Too much is stored, and running commands still need what is before this position; 0 if they do not. */
  #neededBefore = 0;
  /** When running commands were copied last, in Unix milliseconds. */
  #copiedAt = Number.NEGATIVE_INFINITY;
  /** A segment was opened since the last {@link trimIfOpened}. */
  #isOpened = false;
  /** Nothing is known yet of what had blocked {@link trim} before a hibernation. */
  #isRestored = true;
  /** The characters that were written since the size of the database was last read; infinity before the first time. */
  #charactersSinceCheck = Number.POSITIVE_INFINITY;

  constructor(sql: SqlStorage, retention: Retention) {
    this.#sql = sql;
    this.#retention = retention;
    sql.exec(`
      CREATE TABLE IF NOT EXISTS site (epoch TEXT NOT NULL, dropped INTEGER NOT NULL, position INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS segments (id INTEGER PRIMARY KEY, opened INTEGER NOT NULL, first INTEGER NOT NULL, bytes INTEGER NOT NULL);
    `);
    this.#site =
      sql.exec<SiteRow>('SELECT epoch, dropped, position FROM site').toArray()[0] ?? this.#createSite();
    this.#segments = sql.exec<Segment>('SELECT id, opened, first, bytes FROM segments ORDER BY id').toArray();
    // Segments of 0.2.0 have a table of another form, in which nothing is looked up any more.
    for (const { id } of this.#segments) sql.exec(`CREATE TABLE IF NOT EXISTS ${namesTable(id)}`);
  }

  /** Iterates from the oldest to the newest. */
  [Symbol.iterator](): Iterator<Segment> {
    return this.#segments.values();
  }

  get newestFirst(): readonly Segment[] {
    return this.#segments.toReversed();
  }

  /** Random for each storage. */
  get epoch(): string {
    return this.#site.epoch;
  }

  /** The first position that is surely kept. */
  get firstKept(): number {
    return this.#site.position;
  }

  /** Keeps nothing longer, and no more bytes, than this from now on. The next {@link trim} drops what is older, or too much. */
  keep(seconds: number, storedBytes: number): void {
    this.#retention = retentionFor(seconds, storedBytes);
  }

  /** The minimum time that everything is kept, in milliseconds, unless too much is written. */
  get keptMs(): number {
    return this.#retention.segmentTtlMs;
  }

  /** The clock was set back by `ms` milliseconds: the segments are as old as they were. */
  onClockSetBack(ms: number): void {
    this.#sql.exec('UPDATE segments SET opened = opened - ?', ms);
    for (const [index, segment] of this.#segments.entries())
      this.#segments[index] = { ...segment, opened: segment.opened - ms };
    this.#blockedUntil -= ms;
  }

  /** Before a segment is dropped, `copyCalls` must copy the active calls that are only found before its end. It returns whether it has copied all. */
  beforeDrop(copyCalls: (end: number, now: number) => boolean): void {
    this.#copyCalls = copyCalls;
  }

  /** When {@link trim} is due, in Unix milliseconds; infinity if nothing is kept. */
  get due(): number {
    return Math.max(this.#oldestEnds, this.#blockedUntil);
  }

  /**
   * While too much is stored, copies of running commands before this position keep it from being dropped: write some of them again. 0 if
   * that is not due: where the running commands alone are too much, copies make no room, and must not take all the time.
   */
  takeCopyCommandsBefore(now: number): number {
    const sinceLast = now - this.#copiedAt;
    if (this.#neededBefore === 0 || (sinceLast >= 0 && sinceLast < COPY_INTERVAL_MS)) return 0;
    this.#copiedAt = now;
    return this.#neededBefore;
  }

  /** Whether running commands and active calls need so much of what is stored that there is no room for more. */
  get isFull(): boolean {
    return (
      (this.#neededBefore > 0 || this.#isCopyingCalls) && this.#sql.databaseSize > this.#retention.storedBytes
    );
  }

  get #oldestEnds(): number {
    const [oldest] = this.#segments;
    return oldest
      ? oldest.opened + this.#retention.segmentMs + this.#retention.segmentTtlMs
      : Number.POSITIVE_INFINITY;
  }

  /**
   * Drops segments that are too old, too many or too large, except those that running commands need, and the one that is written to
   * unless it is too old.
   * @param commandsFrom the oldest position that a restore of running commands needs
   */
  trim(now: number, commandsFrom: number): void {
    this.#neededBefore = 0;
    for (const segment of [...this.#segments]) {
      const isTooMuch = this.#isTooMuch;
      if (!isTooMuch && now < this.#oldestEnds) return;
      const logEnd = 1 + (this.#lastIn(`log_${segment.id}`) ?? segment.first);
      if (logEnd > commandsFrom) {
        this.#blockedUntil = now + this.#retention.segmentMs;
        if (isTooMuch) this.#neededBefore = logEnd;
        return;
      }
      const end = Math.max(logEnd, 1 + (this.#lastIn(`calls_${segment.id}`) ?? 0));
      // Copying may open a segment, which must not copy the next ones in the same turn.
      this.#isCopyingCalls = true;
      this.#blockedUntil = now + COPY_INTERVAL_MS;
      if (!this.#copyCalls(end, now)) return;
      this.#isCopyingCalls = false;
      this.#blockedUntil = 0;
      this.#sql.exec(
        `DROP TABLE log_${segment.id}; DROP TABLE names_${segment.id}; DROP TABLE calls_${segment.id}; DROP TABLE IF EXISTS ended_${segment.id};`,
      );
      this.#sql.exec('DELETE FROM segments WHERE id = ?', segment.id);
      this.#site = { ...this.#site, dropped: segment.id, position: end };
      this.#sql.exec('UPDATE site SET dropped = ?, position = ?', segment.id, end);
      this.#segments.shift();
    }
  }

  get #isTooMuch(): boolean {
    const { maxSegments, maxBytes } = this.#retention;
    const { length } = this.#segments;
    return length > maxSegments + 1 || (length > 1 && this.#sql.databaseSize > maxBytes);
  }

  /**
   * Trims if a segment was opened, because a busy site fills segments before an alarm is due, or if running commands or active calls were
   * in the way. Everything must be written before.
   */
  trimIfOpened(now: number, commandsFrom: number): void {
    const wasBlocked = this.#neededBefore > 0 || (this.#isRestored && this.#isTooMuch);
    this.#isRestored = false;
    if (this.#isCopyingCalls ? now < this.#blockedUntil : !this.#isOpened && !wasBlocked) return;
    this.#isOpened = false;
    this.trim(now, commandsFrom);
  }

  /**
   * Returns the segment to write to. After the writes, {@link trimIfOpened} must follow.
   * @param characters about how many are written
   */
  writable(position: number, characters: number, now: number): Segment {
    const current = this.#segments.at(-1);
    const { segmentMs, segmentPositions } = this.#retention;
    this.#charactersSinceCheck += characters;
    const isYoung =
      current && position < current.first + segmentPositions && now < current.opened + segmentMs;
    if (isYoung && !this.#isSegmentFull()) return current;
    if (current) this.#close(current);
    const segment = { id: (current?.id ?? this.#site.dropped) + 1, opened: now, first: position, bytes: 0 };
    this.#sql.exec(`
      CREATE TABLE log_${segment.id} (position INTEGER PRIMARY KEY, row TEXT NOT NULL);
      CREATE TABLE ${namesTable(segment.id)};
      CREATE TABLE calls_${segment.id} (position INTEGER PRIMARY KEY, row TEXT NOT NULL);
    `);
    this.#sql.exec(
      'INSERT INTO segments (id, opened, first, bytes) VALUES (?, ?, ?, 0)',
      segment.id,
      now,
      position,
    );
    this.#segments.push(segment);
    this.#isOpened = true;
    return segment;
  }

  /** Returns whether the segment that is written to has as many bytes as it may have. */
  #isSegmentFull(): boolean {
    const { segmentBytes } = this.#retention;
    if (this.#charactersSinceCheck < segmentBytes / SIZE_CHECKS_PER_SEGMENT) return false;
    this.#charactersSinceCheck = 0;
    return this.#currentBytes >= segmentBytes;
  }

  /** What the closed segments do not have. */
  get #currentBytes(): number {
    return this.#segments.reduce((rest, { bytes }) => rest - bytes, this.#sql.databaseSize);
  }

  #close(segment: Segment): void {
    const bytes = Math.max(0, this.#currentBytes);
    this.#sql.exec('UPDATE segments SET bytes = ? WHERE id = ?', bytes, segment.id);
    this.#segments[this.#segments.length - 1] = { ...segment, bytes };
  }

  /** Returns the last position in a table; null if it is empty. */
  #lastIn(table: string): number | null {
    return this.#sql.exec<{ last: number | null }>(`SELECT max(position) AS last FROM ${table}`).one().last;
  }

  #createSite(): SiteRow {
    const site = { epoch: crypto.randomUUID().slice(0, 8), dropped: 0, position: 1 };
    this.#sql.exec('INSERT INTO site (epoch, dropped, position) VALUES (?, ?, ?)', site.epoch, 0, 1);
    return site;
  }
}

/** Returns the definition of the table with the names of ended commands. */
function namesTable(id: number): string {
  return `names_${id} (bucket INTEGER PRIMARY KEY, upto INTEGER NOT NULL, entries TEXT NOT NULL)`;
}

/** What outlives every segment. */
type SiteRow = {
  /** Random. The ids of MI requests begin with it. */
  readonly epoch: string;
  /** The newest dropped segment. */
  readonly dropped: number;
  /** The first position that may still be kept. */
  readonly position: number;
};
