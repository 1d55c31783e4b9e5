/**
 * When the messages of the outbox are sent. Each frame costs the edge a turn, and a row if it has an effect. So while many calls are under
 * way, messages are gathered; those that nobody waits for also while few are. They keep their order: a frame has all messages up to the
 * newest one. Pure.
 * @module
 */

/**
 * Messages are gathered for a quarter of a round trip of the link: nobody notices it beside the round trips that a command takes, and a
 * link on one machine gains nothing.
 */
const GATHER_SHARE = 0.25;
/** The bounds of that, in milliseconds. Node's timers have a millisecond. */
const MIN_GATHER_MS = 1;
const MAX_GATHER_MS = 15;

/** Call-IDs that commands wait for while one is alone: a CallStart has two, and an attended transfer three. */
const LONE_CALLIDS = 4;

/** From this number of replies on that the edge has not acknowledged, it is busy: it acknowledges with its next request. */
const BUSY_UNACKNOWLEDGED_REPLIES = 8;

/** How busy the link is. */
export interface LinkLoad {
  /** Call-IDs that commands wait for; 0 if the edge does not say. */
  readonly awaitedCalls: number;
  readonly unacknowledgedReplies: number;
  /** In milliseconds; 0 if the edge does not say what it waits for. */
  readonly roundTripMs: number;
}

/** Returns how far apart frames are, in milliseconds; 0 while a call is alone. */
export function gatherMs({ awaitedCalls, unacknowledgedReplies, roundTripMs }: LinkLoad): number {
  if (awaitedCalls <= LONE_CALLIDS && unacknowledgedReplies < BUSY_UNACKNOWLEDGED_REPLIES) return 0;
  return Math.min(Math.max(roundTripMs * GATHER_SHARE, MIN_GATHER_MS), MAX_GATHER_MS);
}

export class SendSchedule {
  readonly #maxUnawaitedMs: number;
  #lastSentAt = Number.NEGATIVE_INFINITY;
  #dueAt = Number.POSITIVE_INFINITY;

  /** @param maxUnawaitedMs how long a message may wait that nobody waits for */
  constructor(maxUnawaitedMs: number) {
    this.#maxUnawaitedMs = maxUnawaitedMs;
  }

  /** When everything that has been added is to be sent, in milliseconds of the clock of the other methods; infinity for nothing. */
  get dueAt(): number {
    return this.#dueAt;
  }

  /** A message was added that somebody waits for: it is sent at once, unless the last frame was sent less than `gatherForMs` ago. */
  onAwaited(gatherForMs: number, now: number): void {
    this.#dueAt = Math.min(this.#dueAt, Math.max(now, this.#lastSentAt + gatherForMs));
  }

  /** A message was added that may wait until something else is sent. */
  onUnawaited(now: number): void {
    this.#dueAt = Math.min(this.#dueAt, now + this.#maxUnawaitedMs);
  }

  /** All messages were sent. */
  onSent(now: number): void {
    this.#lastSentAt = now;
    this.#dueAt = Number.POSITIVE_INFINITY;
  }
}
