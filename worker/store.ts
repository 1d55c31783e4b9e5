/**
 * The commands of a site in SQL, as a log: one row holds all commands that a turn has changed, as they then stood,
 * so a turn costs one row whatever it did. A command that has ended is found by its name.
 * @module
 */
import type { Command } from '../shared/runner.ts';

/** How far the adapter's numbered messages have been applied. */
export interface Applied {
  readonly stream: string;
  readonly seq: number;
}

/** A row of the log. */
interface Row {
  readonly applied: Applied | null;
  /** No running command's newest copy stands before this position. */
  readonly floor: number;
  readonly commands: readonly Command[];
}

/** What was there when the object woke up. */
export interface Awakened {
  readonly epoch: string;
  readonly position: number;
  readonly applied: Applied | null;
  readonly running: readonly Command[];
}

export class Store {
  readonly #storage: DurableObjectStorage;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    storage.sql.exec(`
      CREATE TABLE IF NOT EXISTS site (epoch TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS log (position INTEGER PRIMARY KEY, row TEXT NOT NULL);
      CREATE TABLE IF NOT EXISTS ended (name TEXT PRIMARY KEY, position INTEGER NOT NULL) WITHOUT ROWID;
    `);
  }

  /** Reads the log from where the oldest running command stands. */
  awake(): Awakened {
    const sql = this.#storage.sql;
    const epoch = sql.exec<{ epoch: string }>('SELECT epoch FROM site').toArray()[0]?.epoch ?? this.#found();
    const last = sql
      .exec<StoredRow>('SELECT position, row FROM log ORDER BY position DESC LIMIT 1')
      .toArray()[0];
    if (!last) return { epoch, position: 1, applied: null, running: [] };
    const { applied, floor } = parse(last);
    const running = new Map<number, Command>();
    let position = last.position;
    for (const stored of sql.exec<StoredRow>(
      'SELECT position, row FROM log WHERE position >= ? ORDER BY position',
      floor,
    )) {
      for (const command of parse(stored).commands) {
        running.delete(command.id);
        if (command.state) running.set(command.id, command);
        position = Math.max(position, command.id, ...command.told.map(({ seq }) => seq));
      }
    }
    return { epoch, position: position + 1, applied, running: [...running.values()] };
  }

  /** Stores what a turn changed. */
  append(position: number, commands: readonly Command[], floor: number, applied: Applied | null): void {
    const row: Row = { applied, floor, commands };
    this.#storage.sql.exec('INSERT INTO log (position, row) VALUES (?, ?)', position, JSON.stringify(row));
    for (const command of commands) {
      if (command.state) continue;
      this.#storage.sql.exec(
        'INSERT OR REPLACE INTO ended (name, position) VALUES (?, ?)',
        name(command.subject, command.cmdId),
        position,
      );
    }
  }

  /** A command that has ended, if it is still kept. */
  ended(subject: string, cmdId: string): Command | undefined {
    const stored = this.#storage.sql
      .exec<StoredRow>(
        'SELECT log.position, row FROM ended JOIN log ON log.position = ended.position WHERE name = ?',
        name(subject, cmdId),
      )
      .toArray()[0];
    return stored && parse(stored).commands.find((each) => each.subject === subject && each.cmdId === cmdId);
  }

  #found(): string {
    const epoch = crypto.randomUUID().slice(0, 8);
    this.#storage.sql.exec('INSERT INTO site (epoch) VALUES (?)', epoch);
    return epoch;
  }
}

type StoredRow = { position: number; row: string };

function parse(stored: StoredRow): Row {
  return JSON.parse(stored.row) as Row;
}

function name(subject: string, cmdId: string): string {
  return `${subject}\n${cmdId}`;
}
