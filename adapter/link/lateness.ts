/**
 * How late a message of the edge is: the network may have held it back, with all that followed, and a time to live begins when it arrives.
 * The clocks of both ends need not agree: the fastest message of the connection shows by how much they differ.
 * @module
 */
import type { InDialogMessage, MiRequest } from '../../shared/protocol/link.ts';

export class Lateness {
  /** The least that an arrival here was after its sending there, each by its own clock, in milliseconds. */
  #least = Number.POSITIVE_INFINITY;
  /** By the edge's clock, until when requests may have been held back together with the `welcome`. */
  #unsureUntil = Number.NEGATIVE_INFINITY;
  /** The least that an arrival can have been after its sending: the `welcome` was not sent before `hello`. */
  #lowest = 0;

  /** Notes the `welcome`. All three times are as in {@link of}; `hello` was sent by the clock of this process. */
  onWelcome(helloSentAt: number, sentAt: number | undefined, arrivedAt: number): void {
    if (sentAt === undefined) return;
    this.#least = arrivedAt - sentAt;
    this.#lowest = helloSentAt - sentAt;
    this.#unsureUntil = sentAt + (arrivedAt - helloSentAt);
  }

  /**
   * Returns how much longer a message took than the fastest one, in milliseconds.
   * @param sentAt by the edge's clock; undefined from an edge that does not say it
   * @param arrivedAt by a clock of this process that only rises
   */
  of(sentAt: number | undefined, arrivedAt: number): number {
    if (sentAt === undefined) return 0;
    this.#least = Math.min(this.#least, arrivedAt - sentAt);
    return arrivedAt - sentAt - (sentAt <= this.#unsureUntil ? this.#lowest : this.#least);
  }
}

/** Returns a request with the time that is left of it. One that is too late has no time to live. */
export function withoutLostTime<T extends MiRequest | InDialogMessage>(request: T, lateMs: number): T {
  const { ttl_ms, send_within_ms = ttl_ms } = request;
  if (lateMs <= 0) return request;
  const left = Math.ceil(send_within_ms - lateMs);
  if (left <= 0) return { ...request, ttl_ms: 0 };
  return { ...request, ttl_ms: Math.ceil(ttl_ms - lateMs), send_within_ms: left };
}
