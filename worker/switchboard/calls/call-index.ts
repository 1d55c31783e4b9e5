/** The calls of a site that are in memory, in order: active ones, and the latest ended ones. @module */
import type { CallRecord } from './call-record.ts';
import type { MemoryLimits } from './memory-limits.ts';

export class CallIndex {
  readonly #maxEnded: number;
  /** By the first change. */
  #all: CallRecord[] = [];
  /** Oldest first, except that a call that goes on after its end is where it went on. */
  #active = new Set<CallRecord>();
  #oldest: CallRecord | undefined;
  #oldestBegan = Number.POSITIVE_INFINITY;
  /** By the time of the end, or when a client asked for them. */
  #ended: CallRecord[] = [];
  #countedSize = 0;
  /** {@link prune} is due beyond this number of ended calls. It rises with those that cannot be removed yet. */
  #pruneBeyond: number;

  constructor({ maxEnded }: MemoryLimits) {
    this.#maxEnded = maxEnded;
    this.#pruneBeyond = maxEnded * 1.1;
  }

  /** All calls by their first change. */
  get all(): readonly CallRecord[] {
    return this.#all;
  }

  /** Active calls. */
  get active(): ReadonlySet<CallRecord> {
    return this.#active;
  }

  /** When the oldest active call began, in Unix milliseconds; infinity if there is none. */
  get oldestBegan(): number {
    // Cached, because a Set walks past all entries that were deleted from its front, and the call may have to be read.
    if (!this.#oldest || !this.#active.has(this.#oldest)) {
      [this.#oldest] = this.#active;
      this.#oldestBegan = this.#oldest?.peek().timeline[0]?.at ?? Number.POSITIVE_INFINITY;
    }
    return this.#oldestBegan;
  }

  /** The number of active calls that commands have made. */
  get countedSize(): number {
    return this.#countedSize;
  }

  /** Whether {@link prune} is due. It walks all calls, so it does not run for each one too many. */
  get isPruneDue(): boolean {
    return this.#ended.length > this.#pruneBeyond;
  }

  /** Adds an active call. It is the newest, or {@link sort} follows. */
  add(record: CallRecord): void {
    this.#all.push(record);
    this.#active.add(record);
    if (record.isCounted) this.#countedSize++;
  }

  /** Adds a call that has ended already, and was not in memory. */
  addEnded(record: CallRecord): void {
    const later = this.#all.findIndex(({ firstSeq }) => firstSeq > record.firstSeq);
    this.#all.splice(later < 0 ? this.#all.length : later, 0, record);
    record.endSeq = record.call.seq;
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
    record.endSeq = record.call.seq;
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
    record.endSeq = 0;
    this.#active.add(record);
    return true;
  }

  /** Restores the order after calls were added out of order. */
  sort(): void {
    this.#all.sort((one, other) => one.firstSeq - other.firstSeq);
    this.#ended.sort((one, other) => one.endSeq - other.endSeq);
    this.#active = new Set(this.#all.filter((record) => this.#active.has(record)));
    this.#oldest = undefined;
  }

  /**
   * Removes calls that ended before a log position, and the oldest of those that are too many, unless something of them is still to be written.
   * Returns the removed ones.
   */
  prune(position: number): Iterable<CallRecord> {
    const excess = this.#ended.length - this.#maxEnded;
    const removed = new Set(
      this.#ended.filter((record, index) => record.endSeq < position || (index < excess && record.isWritten)),
    );
    if (removed.size > 0) {
      this.#ended = this.#ended.filter((record) => !removed.has(record));
      this.#all = this.#all.filter((record) => !removed.has(record));
    }
    this.#pruneBeyond = Math.max(this.#maxEnded, this.#ended.length) * 1.1;
    return removed;
  }
}

/** The first leg of a CallStart does not count: it only leads to the call that the command makes. */
function isMadeByCommand({ call, owner }: CallRecord): boolean {
  if (owner === undefined || call.state === 'ringing' || call.state === 'ended') return false;
  return call.origin?.method !== 'CallStart' || call.from !== undefined;
}
