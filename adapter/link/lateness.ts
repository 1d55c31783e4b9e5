/**
 * How late a message of the edge arrives. A link can be half open for some seconds and then deliver what was sent meanwhile: nothing in
 * the socket tells that a request for a phone is old by then. Pure.
 * @module
 */
import type { InDialogMessage, ListMessage, MiRequest } from '../../shared/protocol/link.ts';

/**
 * How much the two clocks may drift apart, in milliseconds for each millisecond. NTP corrects a clock by at most 500 ppm
 * (RFC 5905 §11.3).
 */
const MAX_DRIFT = 0.000_5;

/** Messages that were held up together arrive within this time; two late ones that are further apart mean that a clock was set. */
const TOGETHER_MS = 1_000;
/** How much the lateness of two messages may differ if a clock was set. */
const CLOCK_SET_TOLERANCE_MS = 500;
/** What counts as late at all: more than any network takes. */
const LATE_MS = 2_000;

interface Observation {
  /** Between arrival and sending, each by its own clock. */
  readonly difference: number;
  readonly at: number;
}

/**
 * Compares the times at which messages were sent, by the edge's clock, with the times at which they arrive, by a monotonic clock of
 * this machine. The clocks need not agree: the fastest message so far counts as not late at all.
 */
export class Lateness {
  #fastest: Observation | undefined;
  #lastLate: Observation | undefined;
  #isClockSet = false;
  /** Requests that were sent until then, by the edge's clock, may have been held back together with the `welcome`. */
  #unsure: { readonly sentUntil: number; readonly leastDifference: number } | undefined;

  /**
   * Notes the `welcome`, which was not sent before `hello`. The times are as in {@link of}; `hello` was sent by the clock of this
   * machine.
   */
  onWelcome(helloSentAt: number, sentAt: number | undefined, arrivedAt: number): void {
    if (sentAt === undefined) return;
    this.#fastest = { difference: arrivedAt - sentAt, at: arrivedAt };
    this.#unsure = {
      sentUntil: sentAt + (arrivedAt - helloSentAt),
      leastDifference: helloSentAt - sentAt,
    };
  }

  /**
   * Returns by how many milliseconds a message is later than the fastest one; 0 for the first one. If the edge's clock is set back, all
   * count as late: see {@link isClockSet}.
   * @param sentAt in Unix milliseconds, by the edge's clock; undefined from an edge that does not say it
   * @param arrivedAt in milliseconds of a monotonic clock
   */
  of(sentAt: number | undefined, arrivedAt: number): number {
    if (sentAt === undefined) return 0;
    const seen = { difference: arrivedAt - sentAt, at: arrivedAt };
    this.#isClockSet ||= this.#showsThatClockWasSet(seen);
    const afterFastest =
      this.#fastest === undefined ? 0 : seen.difference - expectedDifference(this.#fastest, arrivedAt);
    if (afterFastest <= 0) this.#fastest = seen;
    const unsure = this.#unsure && sentAt <= this.#unsure.sentUntil ? this.#unsure : undefined;
    const late = unsure ? seen.difference - unsure.leastDifference : Math.max(0, afterFastest);
    if (late < LATE_MS) this.#lastLate = undefined;
    else this.#lastLate ??= seen;
    return late;
  }

  /**
   * Whether the edge's clock seems to have been set back: two messages were as late as each other, more than a second apart. Only a new
   * connection tells for sure, because its `welcome` compares the clocks again.
   */
  get isClockSet(): boolean {
    return this.#isClockSet;
  }

  #showsThatClockWasSet({ difference, at }: Observation): boolean {
    const last = this.#lastLate;
    if (last === undefined || at - last.at < TOGETHER_MS) return false;
    this.#lastLate = undefined;
    return Math.abs(difference - last.difference) < CLOCK_SET_TOLERANCE_MS;
  }
}

/** Returns what the difference of a message as fast as that one is now at most. */
function expectedDifference({ difference, at }: Observation, now: number): number {
  return difference + MAX_DRIFT * (now - at);
}

/** Returns a request with the time that is left of it. One that is too late has no time to live. */
export function withoutLostTime<T extends MiRequest | InDialogMessage | ListMessage>(
  request: T,
  lateMs: number,
): T {
  const { ttl_ms, send_within_ms = ttl_ms } = request;
  if (lateMs <= 0) return request;
  const left = Math.ceil(send_within_ms - lateMs);
  if (left <= 0) return { ...request, ttl_ms: 0 };
  return { ...request, ttl_ms: Math.ceil(ttl_ms - lateMs), send_within_ms: left };
}
