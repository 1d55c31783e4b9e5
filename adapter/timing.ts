/**
 * The adapter's intervals and timeouts, in milliseconds. Tests shorten them.
 * @module
 */
import { PING_INTERVAL_MS, PING_TIMEOUT_MS } from '../shared/protocol/link.ts';

export interface Timing {
  readonly pingIntervalMs: number;
  /** Time without any message after which the connection to the edge counts as dead. */
  readonly deadAfterMs: number;
  /** For the HTTP upgrade, and again for the `welcome` message. */
  readonly handshakeTimeoutMs: number;
  /** Bounds of the delay before reconnecting (full jitter between them). */
  readonly minReconnectDelayMs: number;
  readonly maxReconnectDelayMs: number;
  /** Delay before reconnecting if an operator has to act first: a wrong key, a site with another adapter. */
  readonly refusedRetryDelayMs: number;
  /** A connection that lasted this long after its `welcome` resets the backoff. */
  readonly stableAfterMs: number;
  /** Between two knocks at an edge that dials this adapter. An edge takes two each second. */
  readonly knockIntervalMs: number;
  /** For an event or a reply that nobody waits for, until it is sent. Nothing shows calls to a client at that time. */
  readonly maxUnawaitedMs: number;
  /** Between two health checks of OpenSIPS, and after a failed one. */
  readonly checkIntervalMs: number;
  readonly recheckIntervalMs: number;
  /** For the response to one of the adapter's own MI requests. OpenSIPS takes 1 ms on loopback. */
  readonly ownRequestTimeoutMs: number;
  /** For a clean stop in total. */
  readonly stopTimeoutMs: number;
}

/**
 * A restart of OpenSIPS must be detected within 10 s. In the worst case it happens right after a check (next one after
 * 4 s), that next check is lost (2 s), and the third follows 1 s later: 7 s.
 */
export const TIMING: Timing = {
  pingIntervalMs: PING_INTERVAL_MS,
  deadAfterMs: PING_TIMEOUT_MS,
  handshakeTimeoutMs: 10_000,
  minReconnectDelayMs: 500,
  maxReconnectDelayMs: 30_000,
  refusedRetryDelayMs: 30_000,
  stableAfterMs: 10_000,
  knockIntervalMs: 1_000,
  maxUnawaitedMs: 100,
  checkIntervalMs: 4_000,
  recheckIntervalMs: 1_000,
  ownRequestTimeoutMs: 2_000,
  stopTimeoutMs: 2_000,
};
