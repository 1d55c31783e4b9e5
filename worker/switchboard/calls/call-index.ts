/** The calls of a site in order: active ones, and a number of ended ones. @module */
import type { CallRecord } from './call-record.ts';

/** Ended calls that are kept in memory, and none for longer than the log is. */
export const MAX_ENDED = 10_000;

export class CallIndex {
  /** By the first change. */
  #all: CallRecord[] = [];
  /** Oldest first, except that a call that goes on after its end is where it went on. */
  #active = new Set<CallRecord>();
  #oldest: CallRecord | undefined;
  /** By the time of the end. */
  #ended: CallRecord[] = [];
  #countedSize = 0;

  /** All calls by their first change. */
  get all(): readonly CallRecord[] {
    return this.#all;
  }

  /** Active calls. */
  get active(): ReadonlySet<CallRecord> {
    return this.#active;
  }

  /** The oldest active call. */
  get oldest(): CallRecord | undefined {
    // Cached, because a Set walks past all entries that were deleted from its front.
    if (!this.#oldest || !this.#active.has(this.#oldest)) [this.#oldest] = this.#active;
    return this.#oldest;
  }

  /** The number of active calls that commands have made. */
  get countedSize(): number {
    return this.#countedSize;
  }

  /** Whether {@link prune} is due. It walks all calls, so it does not run for each one too many. */
  get isPruneDue(): boolean {
    return this.#ended.length > MAX_ENDED * 1.1;
  }

  /** Adds an active call. It is the newest, or {@link sort} follows. */
  add(record: CallRecord): void {
    this.#all.push(record);
    this.#active.add(record);
  }

  /** Adds a call that has ended already. {@link sort} must follow. */
  addEnded(record: CallRecord): void {
    this.#all.push(record);
    this.#ended.push(record);
  }

  /** Counts a call while it is answered. Returns whether it has just begun to count. */
  count(record: CallRecord): boolean {
    const isCounted = isMadeByCommand(record);
    if (record.isCounted === isCounted) return false;
    record.isCounted = isCounted;
    this.#countedSize += isCounted ? 1 : -1;
    return isCounted;
  }

  /** Moves a call to the ended ones. Returns false if it was there. */
  end(record: CallRecord): boolean {
    if (!this.#active.delete(record)) return false;
    this.#ended.push(record);
    return true;
  }

  /** Moves an ended call back to the active ones. Returns false if it was not among the ended. */
  reopen(record: CallRecord): boolean {
    if (this.#active.has(record)) return false;
    // The latest ends are last, and a call goes on soon after its end if at all.
    const index = this.#ended.lastIndexOf(record);
    if (index < 0) return false;
    this.#ended.splice(index, 1);
    this.#active.add(record);
    return true;
  }

  /** Restores the order after calls were added out of order. */
  sort(): void {
    this.#all.sort((one, other) => one.firstSeq - other.firstSeq);
    this.#ended.sort((one, other) => one.call.seq - other.call.seq);
    this.#active = new Set(this.#all.filter((record) => this.#active.has(record)));
    this.#oldest = undefined;
  }

  /** Removes calls that ended before a log position, and the oldest of those that are too many. Returns the removed ones. */
  prune(position: number): Iterable<CallRecord> {
    const excess = this.#ended.length - MAX_ENDED;
    const removed = new Set(
      this.#ended.filter(({ call: { seq } }, index) => index < excess || seq < position),
    );
    if (removed.size === 0) return removed;
    this.#ended = this.#ended.filter((record) => !removed.has(record));
    this.#all = this.#all.filter((record) => !removed.has(record));
    return removed;
  }
}

/** The first leg of a CallStart does not count: it only leads to the call that the command makes. */
function isMadeByCommand({ call, owner }: CallRecord): boolean {
  if (owner === undefined || call.state === 'ringing' || call.state === 'ended') return false;
  return call.origin?.method !== 'CallStart' || call.from !== undefined;
}
