/** When the bytes of one direction of a TCP connection arrive over a network with delay, jitter and loss. Pure. @module */

/** A network between two ends. */
export interface Network {
  /** One way, in milliseconds. */
  readonly delayMs: number;
  /** Up to so much longer than `delayMs`, evenly distributed, in milliseconds. */
  readonly jitterMs: number;
  /** The share of TCP segments that are lost, from 0 to 1. */
  readonly loss: number;
}

/** Bytes of a TCP segment on Ethernet: 1,500 less the headers of IPv4 and TCP (RFC 9293 §3.7.1). */
const SEGMENT_BYTES = 1_460;

/**
 * A lost segment is noticed after two round trips: a connection with little traffic gets no three duplicate acknowledgments, so a tail
 * loss probe finds it (RFC 8985 §7.2). All that follows waits for it, because TCP delivers in order.
 */
const PROBE_ROUND_TRIPS = 2;
/** Probes are at least this far apart, in milliseconds (RFC 8985 §7.2). */
const MIN_PROBE_MS = 10;

export class DelaySchedule {
  readonly #network: Network;
  readonly #random: () => number;
  #lastArrival = 0;

  /** @param random returns a number from 0 to below 1 */
  constructor(network: Network, random: () => number) {
    this.#network = network;
    this.#random = random;
  }

  /** Returns when bytes arrive that are sent at `now`, in milliseconds of the same clock: never before earlier ones. */
  arrivalOf(bytes: number, now: number): number {
    const { delayMs, jitterMs, loss } = this.#network;
    let arrival = now + delayMs + jitterMs * this.#random();
    for (let rest = bytes; rest > 0; rest -= SEGMENT_BYTES)
      if (this.#random() < loss) arrival += Math.max(PROBE_ROUND_TRIPS * 2 * delayMs, MIN_PROBE_MS);
    this.#lastArrival = Math.max(this.#lastArrival, arrival);
    return this.#lastArrival;
  }
}
