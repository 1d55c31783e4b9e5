/** Calls for the sending of the outbox when it is due: at once, or after messages were gathered. @module */
import type { InterestMessage } from '../../shared/protocol/link.ts';
import { CallInterest } from './call-interest.ts';
import type { AddedMessage } from './outbox.ts';
import { gatherMs, SendSchedule } from './send-schedule.ts';

export interface SendTimerOptions {
  /** Sends everything. Then {@link SendTimer.onSent} is called. */
  readonly send: () => void;
  readonly unacknowledgedReplies: () => number;
  /** How long a message may wait that nobody waits for, in milliseconds. */
  readonly maxUnawaitedMs: number;
}

export class SendTimer {
  readonly #options: SendTimerOptions;
  readonly #schedule: SendSchedule;
  readonly #interest = new CallInterest();
  /** The Call-IDs of the messages that wait because nobody waits for them. */
  readonly #unawaited = new Set<string>();
  #timer: { readonly at: number; cancel(): void } | undefined;
  #isSending = false;
  /** Of the link, in milliseconds; 0 if the edge does not tell which calls are waited for. */
  roundTripMs = 0;

  constructor(options: SendTimerOptions) {
    this.#options = options;
    this.#schedule = new SendSchedule(options.maxUnawaitedMs);
  }

  onAdded(added: AddedMessage, now: number): void {
    const isAwaited =
      'event' in added ? this.#interest.isAwaited(added.event) : !added.mayWait || this.#interest.isAll;
    if (isAwaited) {
      this.#schedule.onAwaited(gatherMs(this.#load), now);
    } else {
      if ('event' in added) this.#unawaited.add(added.event.params.callid);
      this.#schedule.onUnawaited(now);
    }
    this.#arm(now);
  }

  /** The edge tells which calls are waited for. What waits may be about one of them. */
  onInterest(message: InterestMessage, now: number): void {
    this.#interest.apply(message);
    const concerns = (callid: string) => this.#unawaited.has(callid);
    if (this.#unawaited.size === 0 || !(this.#interest.isAll || message.add?.some(concerns))) return;
    this.#schedule.onAwaited(gatherMs(this.#load), now);
    this.#arm(now);
  }

  /** Everything was sent. */
  onSent(now: number): void {
    this.#isSending = false;
    this.#unawaited.clear();
    this.#schedule.onSent(now);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#isSending = true;
  }

  get #load() {
    return {
      awaitedCalls: this.#interest.awaitedCount,
      unacknowledgedReplies: this.#options.unacknowledgedReplies(),
      roundTripMs: this.roundTripMs,
    };
  }

  /** What is added while everything is being sent is sent with it. */
  #arm(now: number): void {
    const { dueAt } = this.#schedule;
    if (this.#isSending || (this.#timer && this.#timer.at <= dueAt)) return;
    this.#timer?.cancel();
    const send = () => {
      this.#timer = undefined;
      this.#isSending = true;
      this.#options.send();
    };
    // Messages of one iteration of the event loop share a frame in any case.
    if (dueAt <= now) {
      const immediate = setImmediate(send);
      this.#timer = { at: dueAt, cancel: () => clearImmediate(immediate) };
    } else {
      const timeout = setTimeout(send, dueAt - now);
      this.#timer = { at: dueAt, cancel: () => clearTimeout(timeout) };
    }
  }
}
