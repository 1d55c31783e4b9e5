/**
 * The commands of a site in SQL, as a log: one row holds all commands that a turn has changed, as they then stood,
 * so a turn costs one row whatever it did. A command that has ended is found by its name. What became of calls has tables of
 * its own, which are read without the commands.
 * @module
 */
import type { Command, Told } from '../shared/stored-command.ts';
import { RETENTION, Segments } from './store/segments.ts';

/** How far the adapter's numbered messages have been applied. */
export interface Applied {
  readonly stream: string;
  readonly seq: number;
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

export class Store {
  readonly #sql: SqlStorage;
  /** What the log is cut into, and how long it is kept. */
  readonly segments: Segments;

  constructor(sql: SqlStorage, retention = RETENTION) {
    this.#sql = sql;
    this.segments = new Segments(sql, retention);
  }

  /** Reads the log from where the oldest running command stands. */
  awake(): Awakened {
    const { epoch, kept } = this.segments;
    const last = this.#last();
    const free = Math.max(kept, 1 + this.#lastOfCalls);
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
    const { id } = this.segments.writable(position, floor, now);
    this.#sql.exec(`INSERT INTO calls_${id} (position, row) VALUES (?, ?)`, position, row);
  }

  /** What was stored of calls at `position` and later, oldest first. */
  *callsFrom(position: number): Generator<StoredRow> {
    for (const { id } of this.segments) {
      yield* this.#sql.exec<StoredRow>(
        `SELECT position, row FROM calls_${id} WHERE position >= ? ORDER BY position`,
        position,
      );
    }
  }

  /** The newest row of what became of calls. */
  lastCalls(): string | undefined {
    for (const { id } of this.segments.newestFirst) {
      const [last] = this.#sql.exec<{ row: string }>(
        `SELECT row FROM calls_${id} ORDER BY position DESC LIMIT 1`,
      );
      if (last) return last.row;
    }
    return undefined;
  }

  /** Stores what a turn changed. */
  append(row: Row & { readonly position: number }, now: number): void {
    const { position, ...rest } = row;
    const { id } = this.segments.writable(position, row.floor, now);
    this.#sql.exec(`INSERT INTO log_${id} (position, row) VALUES (?, ?)`, position, JSON.stringify(rest));
    for (const command of row.commands) {
      if (command.state) continue;
      this.#sql.exec(
        `INSERT OR REPLACE INTO ended_${id} (name, position) VALUES (?, ?)`,
        name(command.subject, command.cmdId),
        position,
      );
    }
  }

  /** A command that has ended, if it is still kept. */
  ended(subject: string, cmdId: string): Command | undefined {
    // A statement for each: the platform takes five terms to a compound SELECT, and there are more segments.
    for (const { id } of this.segments.newestFirst) {
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
    if (since > Math.max(this.#last()?.position ?? this.segments.kept, this.#lastOfCalls)) return undefined;
    if (since < this.segments.kept - 1) return undefined;
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

  *#rowsFrom(position: number, containing = ''): Generator<Row> {
    for (const stored of this.#storedFrom(position, containing)) yield parse(stored);
  }

  *#storedFrom(position: number, containing = ''): Generator<StoredRow> {
    for (const { id } of this.segments) {
      yield* this.#sql.exec<StoredRow>(
        `SELECT position, row FROM log_${id} WHERE position >= ? AND (? = '' OR instr(row, ?)) ORDER BY position`,
        position,
        containing,
        containing,
      );
    }
  }

  #last(): StoredRow | undefined {
    for (const { id } of this.segments.newestFirst) {
      const [last] = this.#sql.exec<StoredRow>(
        `SELECT position, row FROM log_${id} ORDER BY position DESC LIMIT 1`,
      );
      if (last) return last;
    }
    return undefined;
  }

  get #lastOfCalls(): number {
    for (const { id } of this.segments.newestFirst) {
      const { last } = this.#sql
        .exec<{ last: number | null }>(`SELECT max(position) AS last FROM calls_${id}`)
        .one();
      if (last !== null) return last;
    }
    return 0;
  }
}

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
