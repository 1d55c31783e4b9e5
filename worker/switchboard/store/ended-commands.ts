/**
 * Finds ended commands by their `cmd_id`. Which row has a command is in the rows of the log themselves, so that a restore finds it there;
 * only from time to time are many names written at once, to a few rows by the hash of the name. A row for each command would be a fifth of
 * what a call costs.
 * @module
 */
import { hashOf } from '../../objects/text-hash.ts';
import type { Segment, Segments } from './segments.ts';

/** Rows of names in a segment. Each flush writes all of them; a look-up reads one, with some 80 KB at a site that fills its log. */
const BUCKETS = 4;

/** Names and positions are written in the largest base that JavaScript knows. */
const BASE = 36;

export class EndedCommands {
  readonly #sql: SqlStorage;
  readonly #segments: Segments;
  /** Positions of rows by name, of those that {@link flush} has not written yet. */
  readonly #pending = new Map<string, number>();
  /** Segments that 0.2.0 has opened have a table with a row for each name. */
  readonly #tablesOfNames: ReadonlySet<string>;

  constructor(sql: SqlStorage, segments: Segments) {
    this.#sql = sql;
    this.#segments = segments;
    const tables = sql.exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE name LIKE 'ended\\_%' ESCAPE '\\'",
    );
    this.#tablesOfNames = new Set(tables.toArray().map(({ name }) => name));
  }

  /** The first row of the log whose ended commands are found nowhere else; infinity if there is none. */
  get from(): number {
    const [first] = this.#pending.values();
    return first ?? Number.POSITIVE_INFINITY;
  }

  /** The last row of the log whose names are written; 0 if there is none. */
  get writtenUpTo(): number {
    for (const { id } of this.#segments.newestFirst) {
      const { last } = this.#sql
        .exec<{ last: number | null }>(`SELECT max(upto) AS last FROM names_${id}`)
        .one();
      if (last !== null) return last;
    }
    return 0;
  }

  /** The row of the log at a position has a command that has ended. */
  add(subject: string, cmdId: string, position: number): void {
    const name = nameOf(subject, cmdId);
    this.#pending.delete(name);
    this.#pending.set(name, position);
  }

  /** Returns the positions of rows that may have an ended command, the newest first: another one can have the same hash. */
  *find(subject: string, cmdId: string): Generator<number> {
    const name = nameOf(subject, cmdId);
    const pending = this.#pending.get(name);
    if (pending !== undefined) yield pending;
    const hash = hashOf(name);
    for (const segment of this.#segments.newestFirst) {
      yield* positionsIn(this.#read(segment, bucketOf(hash)), hash);
      const table = `ended_${segment.id}`;
      if (!this.#tablesOfNames.has(table)) continue;
      const [stored] = this.#sql.exec<{ position: number }>(
        `SELECT position FROM ${table} WHERE name = ?`,
        name,
      );
      if (stored) yield stored.position;
    }
  }

  /** Writes the names that are not written yet. */
  flush({ id }: Segment): void {
    const added = new Map<number, string>();
    let upto = 0;
    for (const [name, position] of this.#pending) {
      const hash = hashOf(name);
      const bucket = bucketOf(hash);
      added.set(bucket, `${added.get(bucket) ?? ''}${entryStart(hash)}${position.toString(BASE)}`);
      upto = position;
    }
    for (const [bucket, entries] of added)
      this.#sql.exec(
        `INSERT OR REPLACE INTO names_${id} (bucket, upto, entries) VALUES (?, ?, ?)`,
        bucket,
        upto,
        this.#read({ id }, bucket) + entries,
      );
    this.#pending.clear();
  }

  #read({ id }: Pick<Segment, 'id'>, bucket: number): string {
    const [stored] = this.#sql.exec<{ entries: string }>(
      `SELECT entries FROM names_${id} WHERE bucket = ?`,
      bucket,
    );
    return stored?.entries ?? '';
  }
}

/** Yields the positions of the entries with a hash, the newest first. */
function* positionsIn(entries: string, hash: number): Generator<number> {
  const start = entryStart(hash);
  for (
    let at = entries.lastIndexOf(start);
    at >= 0;
    at = at === 0 ? -1 : entries.lastIndexOf(start, at - 1)
  ) {
    const from = at + start.length;
    const end = entries.indexOf(',', from);
    yield Number.parseInt(entries.slice(from, end < 0 ? undefined : end), BASE);
  }
}

/** What an entry begins with; its position follows. */
function entryStart(hash: number): string {
  return `,${hash.toString(BASE)}:`;
}

function bucketOf(hash: number): number {
  return hash % BUCKETS;
}

function nameOf(subject: string, cmdId: string): string {
  return `${subject}\n${cmdId}`;
}
