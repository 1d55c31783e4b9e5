/**
 * How long the adapter waits for what, in milliseconds. Tests shorten it.
 * @module
 */
import { DEAD_AFTER_MS, PING_INTERVAL_MS } from '../shared/link.ts';

export interface Timing {
  /** Between pings, and how long a silent link counts as alive. */
  readonly ping: number;
  readonly dead: number;
  /** For the upgrade, and then for `welcome`. */
  readonly handshake: number;
  /** Least and most before a connection is tried again (full jitter between them). */
  readonly reconnectLeast: number;
  readonly reconnectMost: number;
  /** Before it is tried again where only a person can mend it: a wrong key, a site that is taken. */
  readonly refused: number;
  /** A link that held so long after its welcome was good: the next one starts over with short waits. */
  readonly lasted: number;
  /** Between looks at OpenSIPS; sooner after one that failed. */
  readonly check: number;
  readonly recheck: number;
  /** For the answer to one of our own MI requests. OpenSIPS takes 1 ms on loopback. */
  readonly ownRequest: number;
  /** For a clean stop, all in all. */
  readonly stop: number;
}

/**
 * A restart of OpenSIPS must be noticed within 10 s. At worst it falls right after a look (4 s), whose
 * successor is lost (2 s), and the third is 1 s later: 7 s.
 */
export const TIMING: Timing = {
  ping: PING_INTERVAL_MS,
  dead: DEAD_AFTER_MS,
  handshake: 10_000,
  reconnectLeast: 500,
  reconnectMost: 30_000,
  refused: 30_000,
  lasted: 10_000,
  check: 4_000,
  recheck: 1_000,
  ownRequest: 2_000,
  stop: 2_000,
};
