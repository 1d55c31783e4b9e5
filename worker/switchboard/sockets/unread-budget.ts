/** Counts the bytes that clients may not have read yet, of every object in this isolate. @module */

/** How fast a client is assumed to read that cannot acknowledge, in bytes per second: more than a telephone network has to say. */
export const ASSUMED_READ_RATE = 65_536;

/**
 * Bytes that all sockets of an isolate may leave unread: a quarter of its memory, whoever's objects run in it. A socket that was closed
 * keeps its bytes until they would have been read.
 */
const MAX_UNREAD_BYTES = 33_554_432;

/** A socket with less is not closed for the sake of the others. */
const MIN_CLOSED_BYTES = 262_144;

/** Shares that are counted again for each new one: more than one, so that those of closed sockets do not stay. */
const EXAMINED_PER_NEW_SHARE = 2;

/** The bytes of one socket. */
export interface UnreadShare {
  bytes: number;
  /** When they were counted, in Unix milliseconds. */
  countedAt: number;
  /** It has the most, and there are too many: its object closes it. */
  isCondemned: boolean;
}

export class UnreadBudget {
  readonly #maxBytes: number;
  readonly #shares = new Set<UnreadShare>();
  #total = 0;

  constructor(maxBytes = MAX_UNREAD_BYTES) {
    this.#maxBytes = maxBytes;
  }

  /** How many sockets have bytes. */
  get size(): number {
    return this.#shares.size;
  }

  /** Adds bytes that were sent, or removes some that were read. Condemns the largest share if there are too many. */
  change(share: UnreadShare, bytes: number, now: number): void {
    const isNew = !this.#shares.has(share);
    this.#set(share, Math.max(0, this.#decayed(share, now) + bytes), now);
    if (isNew) this.#countOldestAgain(now);
    if (this.#total <= this.#maxBytes) return;
    for (const each of this.#shares) this.#set(each, this.#decayed(each, now), now);
    if (this.#total <= this.#maxBytes) return;
    let largest: UnreadShare | undefined;
    for (const each of this.#shares)
      if (!each.isCondemned && each.bytes > (largest?.bytes ?? MIN_CLOSED_BYTES)) largest = each;
    if (largest) largest.isCondemned = true;
  }

  #countOldestAgain(now: number): void {
    let left = EXAMINED_PER_NEW_SHARE;
    for (const each of this.#shares) {
      if (left-- === 0) return;
      this.#set(each, this.#decayed(each, now), now);
      // The next ones are examined before it is again.
      if (this.#shares.delete(each)) this.#shares.add(each);
    }
  }

  #decayed({ bytes, countedAt }: UnreadShare, now: number): number {
    return Math.max(0, bytes - (Math.max(0, now - countedAt) * ASSUMED_READ_RATE) / 1_000);
  }

  #set(share: UnreadShare, bytes: number, now: number): void {
    this.#total += bytes - (this.#shares.has(share) ? share.bytes : 0);
    share.bytes = bytes;
    share.countedAt = now;
    if (bytes > 0) this.#shares.add(share);
    else this.#shares.delete(share);
  }
}

/** The budget of this isolate. */
export const unreadBudget = new UnreadBudget();
