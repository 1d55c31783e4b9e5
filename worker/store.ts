/**
 * The commands of a site in SQL, as a log: one row holds all commands that a turn has changed, as they then stood,
 * so a turn costs one row whatever it did. A command that has ended is found by its name.
 *
 * The log is cut into segments, each with tables of its own. Old ones are dropped whole, which writes no row where
 * deleting would write one for each. Each has a table of its own for what became of calls: that is read without the
 * commands, and what stands longer than a segment is kept is carried over before that is dropped.
 * @module
 */
import type { Command, Told } from '../shared/stored-command.ts';

/** How far the adapter's numbered messages have been applied. */
export interface Applied {
  readonly stream: string;
  readonly seq: number;
}

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

/** What was there when the object woke up. */
export interface Awakened {
  readonly epoch: string;
  readonly position: number;
  readonly applied: Applied | null;
  readonly running: readonly Command[];
}

/** A notification with the command that it is of. */
export interface Logged {
  readonly command: Command;
  readonly told: Told;
}

/** A row of the log. */
interface Row {
  /** When it was written, in Unix milliseconds; where nobody is to be told, it is not. */
  readonly at?: number;
  readonly applied: Applied | null;
  /** No running command's newest copy stands before this position. */
  readonly floor: number;
  readonly commands: readonly Command[];
}

/** Tables `log_<id>`, `ended_<id>` and `calls_<id>`. */
type Segment = {
  readonly id: number;
  /** Unix milliseconds. */
  readonly opened: number;
  /** Its first position. */
  readonly first: number;
};

export class Store {
  readonly #sql: SqlStorage;
  #retention: Retention;
  #site: Site;
  /** Oldest first; the last is written to. */
  readonly #segments: Segment[];
  /** Carries over what is still needed of a segment that is about to be dropped: all before that position. */
  #carry: (end: number, now: number) => void = () => {};
  /** A running command stood in the way of {@link trim}: it is not due again before, in Unix milliseconds. */
  #blockedUntil = 0;

  constructor(sql: SqlStorage, retention = RETENTION) {
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

  /** Before a segment is dropped, `carry` puts what is still needed of its calls into the newest one. */
  onDrop(carry: (end: number, now: number) => void): void {
    this.#carry = carry;
  }

  /** Reads the log from where the oldest running command stands. */
  awake(): Awakened {
    const { epoch } = this.#site;
    const last = this.#last();
    const free = Math.max(this.#site.position, 1 + this.#lastOfCalls);
    if (!last) return { epoch, position: free, applied: null, running: [] };
    const { applied, floor } = parse(last);
    const running = new Map<number, Command>();
    let position = last.position;
    for (const row of this.#rowsFrom(floor)) {
      for (const command of row.commands) {
        running.delete(command.id);
        if (command.state) running.set(command.id, command);
        position = Math.max(position, command.id, command.told.at(-1)?.seq ?? 0);
      }
    }
    return { epoch, position: Math.max(free, position + 1), applied, running: [...running.values()] };
  }

  /** Stores what became of calls: `position` is that of the last of it. */
  appendCalls(position: number, row: string, floor: number, now: number): void {
    const { id } = this.#writable(position, floor, now);
    this.#sql.exec(`INSERT INTO calls_${id} (position, row) VALUES (?, ?)`, position, row);
  }

  /** What was stored of calls at `position` and later, oldest first. */
  *callsFrom(position: number): Generator<StoredRow> {
    for (const { id } of this.#segments) {
      yield* this.#sql.exec<StoredRow>(
        `SELECT position, row FROM calls_${id} WHERE position >= ? ORDER BY position`,
        position,
      );
    }
  }

  /** The newest row of what became of calls. */
  lastCalls(): string | undefined {
    for (const { id } of this.#segments.toReversed()) {
      const [last] = this.#sql.exec<{ row: string }>(
        `SELECT row FROM calls_${id} ORDER BY position DESC LIMIT 1`,
      );
      if (last) return last.row;
    }
    return undefined;
  }

  /** The first position that is kept: what came before may be gone. */
  get kept(): number {
    return this.#site.position;
  }

  /** Stores what a turn changed. */
  append(row: Row & { readonly position: number }, now: number): void {
    const { position, ...rest } = row;
    const segment = this.#writable(position, row.floor, now);
    this.#sql.exec(
      `INSERT INTO log_${segment.id} (position, row) VALUES (?, ?)`,
      position,
      JSON.stringify(rest),
    );
    for (const command of row.commands) {
      if (command.state) continue;
      this.#sql.exec(
        `INSERT OR REPLACE INTO ended_${segment.id} (name, position) VALUES (?, ?)`,
        name(command.subject, command.cmdId),
        position,
      );
    }
  }

  /** A command that has ended, if it is still kept. */
  ended(subject: string, cmdId: string): Command | undefined {
    // A statement for each: the platform takes five terms to a compound SELECT, and there are more segments.
    for (const { id } of this.#segments.toReversed()) {
      const [stored] = this.#sql.exec<StoredRow>(
        `SELECT log.position, row FROM ended_${id} AS ended JOIN log_${id} AS log USING (position) WHERE name = ?`,
        name(subject, cmdId),
      );
      const found =
        stored && parse(stored).commands.find((each) => each.subject === subject && each.cmdId === cmdId);
      if (found) return found;
    }
    return undefined;
  }

  /** What a session, or every one of a subject, was told after `since`, in order; undefined where that is no longer kept. */
  told(subject: string, session: string | undefined, since: number): readonly Logged[] | undefined {
    if (since > Math.max(this.#last()?.position ?? this.#site.position, this.#lastOfCalls)) return undefined;
    if (since < this.#site.position - 1) return undefined;
    const found = new Map<number, Logged>();
    const containing = session === undefined ? `"subject":${quote(subject)}` : `"session":${quote(session)}`;
    for (const row of this.#rowsFrom(since + 1, containing)) {
      for (const command of row.commands) {
        if (command.subject !== subject || command.session !== (session ?? command.session)) continue;
        for (const told of command.told) if (told.seq > since) found.set(told.seq, { command, told });
      }
    }
    return [...found.values()].sort((a, b) => a.told.seq - b.told.seq);
  }

  /** What all commands have told after one number, up to another, with when it was written down, where that was. */
  toldBetween(after: number, upto: number): Iterable<Logged & { readonly at?: number }> {
    const found = new Map<number, Logged & { readonly at?: number }>();
    let last = upto;
    for (const { position, row } of this.#storedFrom(after + 1)) {
      // What a turn tells is numbered before its rows, and those follow one another: here another turn begins.
      if (position > upto && last > upto && position > last + 1) break;
      last = position;
      const { at, commands } = parse({ row });
      const dated = at === undefined ? {} : { at };
      for (const command of commands)
        for (const told of command.told)
          if (told.seq > after && told.seq <= upto && !found.has(told.seq))
            found.set(told.seq, { command, told, ...dated });
    }
    return found.values();
  }

  /** Random for each storage. */
  get epoch(): string {
    return this.#site.epoch;
  }

  /** Nothing is kept longer than so many seconds, from now on; what is older goes with the next {@link trim}. */
  keepFor(seconds: number): void {
    this.#retention = retentionOf(seconds);
  }

  /** All is kept for so long at least, in milliseconds, unless too much is written. */
  get keptMs(): number {
    return this.#retention.keptMs;
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
      const logged = 1 + (this.#lastOf(segment)?.position ?? segment.first);
      if (logged > floor) {
        this.#blockedUntil = now + this.#retention.segmentMs;
        return;
      }
      const end = Math.max(logged, 1 + this.#lastOfCallsIn(segment));
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
  #writable(position: number, floor: number, now: number): Segment {
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

  *#rowsFrom(position: number, containing = ''): Generator<Row> {
    for (const stored of this.#storedFrom(position, containing)) yield parse(stored);
  }

  *#storedFrom(position: number, containing = ''): Generator<StoredRow> {
    for (const { id } of this.#segments) {
      yield* this.#sql.exec<StoredRow>(
        `SELECT position, row FROM log_${id} WHERE position >= ? AND (? = '' OR instr(row, ?)) ORDER BY position`,
        position,
        containing,
        containing,
      );
    }
  }

  #last(): StoredRow | undefined {
    for (const segment of this.#segments.toReversed()) {
      const last = this.#lastOf(segment);
      if (last) return last;
    }
    return undefined;
  }

  #lastOf({ id }: Segment): StoredRow | undefined {
    return this.#sql
      .exec<StoredRow>(`SELECT position, row FROM log_${id} ORDER BY position DESC LIMIT 1`)
      .toArray()[0];
  }

  #lastOfCallsIn({ id }: Segment): number {
    const [last] = this.#sql.exec<{ last: number | null }>(`SELECT max(position) AS last FROM calls_${id}`);
    return last?.last ?? 0;
  }

  get #lastOfCalls(): number {
    for (const segment of this.#segments.toReversed()) {
      const last = this.#lastOfCallsIn(segment);
      if (last > 0) return last;
    }
    return 0;
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

type StoredRow = { position: number; row: string };

function parse(stored: Pick<StoredRow, 'row'>): Row {
  return JSON.parse(stored.row) as Row;
}

/** As it stands in a row. */
function quote(text: string): string {
  return JSON.stringify(text);
}

function name(subject: string, cmdId: string): string {
  return `${subject}\n${cmdId}`;
}
