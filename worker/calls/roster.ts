/** Which calls there are: those that stand, and some that have ended; in their order, and counted. @module */
import type { Kept } from './kept.ts';

/** So many that have ended are kept at most, and none longer than the log. */
export const ENDED_KEPT = 10_000;

export class Roster {
  /** All, by their first change. */
  #all: Kept[] = [];
  /** Oldest first. */
  #standing = new Set<Kept>();
  #oldest: Kept | undefined;
  /** The earliest first. */
  #ended: Kept[] = [];
  #counted = 0;

  /** All, by their first change. */
  get all(): readonly Kept[] {
    return this.#all;
  }

  /** Those that stand, oldest first. */
  get standing(): ReadonlySet<Kept> {
    return this.#standing;
  }

  /** The oldest that stands. */
  get oldest(): Kept | undefined {
    // Found once: a set walks past all that were deleted from its front.
    if (!this.#oldest || !this.#standing.has(this.#oldest)) [this.#oldest] = this.#standing;
    return this.#oldest;
  }

  /** How many stand that were made by commands. */
  get counted(): number {
    return this.#counted;
  }

  /** So many have ended that it is time for {@link prune}: not for each that is too much, for it walks them all. */
  get isCrowded(): boolean {
    return this.#ended.length > ENDED_KEPT * 1.1;
  }

  /** One that is the newest, or that {@link sort} will put where it belongs. */
  add(kept: Kept): void {
    this.#all.push(kept);
    this.#standing.add(kept);
  }

  /** One that had ended before it came to be known; {@link sort} will put it where it belongs. */
  addEnded(kept: Kept): void {
    this.#all.push(kept);
    this.#ended.push(kept);
  }

  /** Counts it from its answer on, until its {@link end}. Says whether it is counted from now on. */
  count(kept: Kept): boolean {
    if (kept.isCounted || !isForCommand(kept)) return false;
    kept.isCounted = true;
    this.#counted++;
    return true;
  }

  /** It has ended. False: it was known to have. */
  end(kept: Kept): boolean {
    if (!this.#standing.delete(kept)) return false;
    if (kept.isCounted) this.#counted--;
    kept.isCounted = false;
    this.#ended.push(kept);
    return true;
  }

  /** Puts those in their order that were added out of it. */
  sort(): void {
    this.#all.sort((one, other) => one.first - other.first);
    this.#ended.sort((one, other) => one.call.seq - other.call.seq);
    this.#standing = new Set(this.#all.filter((kept) => this.#standing.has(kept)));
    this.#oldest = undefined;
  }

  /** Drops those that have ended before that position, and the earliest of those that are too many. Gives what it dropped. */
  prune(end: number): Iterable<Kept> {
    const excess = this.#ended.length - ENDED_KEPT;
    const gone = new Set(this.#ended.filter(({ call: { seq } }, at) => at < excess || seq < end));
    if (gone.size === 0) return gone;
    this.#ended = this.#ended.filter((kept) => !gone.has(kept));
    this.#all = this.#all.filter((kept) => !gone.has(kept));
    return gone;
  }
}

/** Does it stand because a command has made it? A CallStart's first leg only leads to the call that it makes. */
function isForCommand({ call, owner }: Kept): boolean {
  if (owner === undefined || call.state === 'ringing' || call.state === 'ended') return false;
  return call.origin?.method !== 'CallStart' || call.from !== undefined;
}
