/** What of the calls of a site is in memory, and what a restore reads to have it there again. @module */

export interface MemoryLimits {
  /** Calls that may be open, each with some 2 KB. Those that are not written yet come on top. */
  readonly maxOpen: number;
  /** Characters of the text of a closed call; one with a longer text is only in the log. */
  readonly maxText: number;
  /** Ended calls, each with as much memory as an active one. */
  readonly maxEnded: number;
  /** Characters of the log after a checkpoint at which the next one is due, unless the checkpoint itself has more. */
  readonly minTail: number;
}

/**
 * A call without metadata has a text of some 200 characters, and its Call-ID and its places in maps and sets take some 250 bytes: together
 * less than 600 bytes. Events that tell more of an end come within seconds, so that few ended calls need to be in memory. A restore reads
 * 256 KB of the log in some 3 ms.
 */
export const MEMORY_LIMITS: MemoryLimits = { maxOpen: 64, maxText: 300, maxEnded: 1_000, minTail: 262_144 };
