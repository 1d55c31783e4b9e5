/**
 * The log of a site's calls: rows of lines. Of each call that stands it knows where the log has it whole, and each row
 * says from where on all of those are found: so waking up reads little, and the rest only when somebody asks.
 * @module
 */
import { Copies } from '../../shared/copies.ts';
import type { Store } from '../store.ts';
import { type CallLine, type CarriedLine, isPart, type Kept, type Line, retold } from './kept.ts';

/** Lines to a row: with 2 KB of metadata each they stay under the 2 MB that a row may have. */
export const ROW_LINES = 250;

/**
 * One that stands is written anew when it was last written whole so many positions ago, and so many more for each that
 * stands. What has ended since then is read after a sleep as well: of it something may still be heard.
 */
const REACH = 2_000;
const REACH_EACH = 8;

/** Stands first in a row: from that position on, each call that stood when it was written is found whole. */
interface Floor {
  readonly floor: number;
}

/** What became of calls, in the text of a row. */
export function linesOf(row: string): Line[] {
  return (JSON.parse(row) as (Line | Floor)[]).filter((line): line is Line => !isFloor(line));
}

export class CallLog {
  readonly #store: Store;
  readonly #standing: (callid: string) => Kept | undefined;
  readonly #reach: number;
  /** Those that stand, by where they are found whole. */
  readonly #whole = new Copies<Kept>();
  /** What is before that position has not been read. */
  #unread: number;

  /**
   * @param standing finds a call that stands
   * @param reach see {@link REACH}
   */
  constructor(store: Store, standing: (callid: string) => Kept | undefined, reach = REACH) {
    this.#store = store;
    this.#standing = standing;
    this.#reach = reach;
    const row = store.lastCalls();
    const [first] = row === undefined ? [] : (JSON.parse(row) as (Line | Floor)[]);
    this.#unread = first && isFloor(first) ? first.floor : 0;
  }

  /** Reads what is needed after a sleep: `restore` is given each line of a call, in order. */
  awake(restore: (line: CallLine | CarriedLine) => void): void {
    for (const { position, row } of this.#store.callsFrom(this.#unread)) {
      const lines = linesOf(row);
      for (const line of lines) if ('call' in line) restore(line);
      this.#whole.stored(position, this.#wholeIn(lines));
    }
  }

  /** All from this position on has been read. */
  get unread(): number {
    return this.#unread;
  }

  /** Reads what {@link awake} left unread: calls as they stood then, those that have ended since in part. */
  past(heard: (line: CallLine | CarriedLine) => void): Iterable<Kept> {
    const end = this.#unread;
    this.#unread = 0;
    const calls = new Map<string, Kept>();
    if (end === 0) return calls.values();
    for (const { position, row } of this.#store.callsFrom(0)) {
      if (position >= end) break;
      for (const line of linesOf(row)) {
        if (!('call' in line)) continue;
        calls.set(line.call.callid, retold(line, calls.get(line.call.callid)));
        heard(line);
      }
    }
    return calls.values();
  }

  /** The first number that is kept: what came before may be gone. */
  get kept(): number {
    return this.#store.segments.kept;
  }

  /** The lines of a number and later, a row at a time, oldest first. */
  *from(number: number): Generator<readonly Line[]> {
    for (const { row } of this.#store.callsFrom(number))
      yield linesOf(row).filter(({ seq }) => seq >= number);
  }

  /**
   * Writes lines, in order. Gives how many rows that took.
   * @param needed where the oldest stored copy stands that a running command needs
   */
  append(lines: readonly Line[], needed: number, now: number): number {
    const rows = Array.from({ length: Math.ceil(lines.length / ROW_LINES) }, (_, at) => {
      const some = lines.slice(at * ROW_LINES, (at + 1) * ROW_LINES);
      return { position: some.at(-1)?.seq ?? 0, some };
    });
    // All of them first: writing one may open a segment, and what is carried over then comes after all of these.
    for (const { position, some } of rows) this.#whole.stored(position, this.#wholeIn(some));
    for (const { position, some } of rows) {
      const floor = Math.max(0, Math.min(this.#whole.oldest, position - this.#reach));
      this.#store.appendCalls(position, JSON.stringify([{ floor }, ...some]), needed, now);
    }
    return rows.length;
  }

  /** It stands no more. */
  forget(kept: Kept): void {
    this.#whole.forget(kept);
  }

  /** Those that are found whole only before that position. */
  before(position: number): Iterable<Kept> {
    return this.#whole.before(position);
  }

  /** Some of those that were last written whole too long ago. */
  laggards(last: number, standing: number): Kept[] {
    const some: Kept[] = [];
    for (const kept of this.before(last - this.#reach - REACH_EACH * standing))
      if (some.push(kept) === ROW_LINES) break;
    return some;
  }

  /** Before a part of the log is dropped, `carry` writes anew what is still needed of it: all before that position. */
  onDrop(carry: (end: number, now: number) => void): void {
    this.#store.segments.onDrop(carry);
  }

  /** Those that stand and that these lines, with what follows, tell whole. */
  #wholeIn(lines: readonly Line[]): Kept[] {
    return lines.flatMap((line) => {
      const kept = 'call' in line && !isPart(line) && this.#standing(line.call.callid);
      return kept ? [kept] : [];
    });
  }
}

function isFloor(line: Line | Floor): line is Floor {
  return 'floor' in line;
}
