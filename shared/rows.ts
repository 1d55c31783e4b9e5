/** Which commands are to be stored, in what rows of the log, and how far back it must be read. @module */
import { Copies } from './copies.ts';
import type { Command } from './stored-command.ts';

/** A row of the log: commands as they stand now, to be stored at its position. */
export interface Row {
  readonly position: number;
  readonly commands: readonly Command[];
}

/**
 * Commands to a row: mostly they have 2 to 6 KB each, a CallStart with headers, metadata and URIs as long as they may be
 * 20 KB. So they stay well under the 2 MB that a row may have.
 */
const ROW_COMMANDS = 50;
/**
 * A copy that lies further back is stored anew, so that waking up reads little: so many positions, and so many more
 * for each command that runs, so that a turn does not carry the more the more run.
 */
const REACH = 2_000;
const REACH_EACH = 8;

/** The log as it is to be written: each command has its newest copy somewhere in it, as long as it runs. */
export class Rows {
  #changed = new Set<Command>();
  readonly #copies = new Copies<Command>();

  /** There is something to store. */
  get any(): boolean {
    return this.#changed.size > 0;
  }

  /** A command is there again, from where its newest copy stands; the oldest copy comes first. */
  add(command: Command): void {
    this.#copies.stored(command.position, [command]);
  }

  /** It is to be stored anew. */
  changed(command: Command): void {
    this.#changed.add(command);
  }

  /** It is over: its copies are needed no more, once its end is stored. */
  end(command: Command): void {
    this.#copies.forget(command);
  }

  /**
   * What is to be stored since the last call, and what lies too far back.
   * @param position of the first row; each takes the next one
   * @param running how many commands run
   */
  take(position: number, running: number): readonly Row[] {
    if (this.#changed.size === 0) return [];
    const reach = REACH + REACH_EACH * running;
    for (const command of this.#copies.before(position - reach)) this.#changed.add(command);
    const changed = [...this.#changed];
    this.#changed = new Set();
    const rows: Row[] = [];
    for (let from = 0; from < changed.length; from += ROW_COMMANDS) {
      rows.push(this.#row(position + rows.length, changed.slice(from, from + ROW_COMMANDS)));
    }
    return rows;
  }

  /** Where the oldest stored copy stands that waking up needs; `position` if there is none. */
  floor(position: number): number {
    return Math.min(this.#copies.oldest, position);
  }

  #row(position: number, commands: readonly Command[]): Row {
    for (const command of commands) command.position = position;
    this.#copies.stored(
      position,
      commands.filter(({ state }) => state),
    );
    return { position, commands };
  }
}
