/**
 * The edge's MI requests: each run at most once, within its time, if it is on the list; each answered.
 * @module
 */
import type { Mi } from '../shared/link.ts';
import { AtMostOnce } from './at-most-once.ts';
import type { Log } from './log.ts';
import type { MiClient } from './mi.ts';
import type { MiAnswer } from './mi-message.ts';

/**
 * Requests that are under way or whose reply is not acknowledged: three times what MI runs at once. An edge that asks
 * for more has lost count.
 */
const MAX_REMEMBERED = 32_768;

/** What a timer of Node holds, in milliseconds: a longer one would fire at once. */
const MAX_TIMER = 2 ** 31 - 1;

export class Requests {
  readonly #mi: Pick<MiClient, 'request'>;
  readonly #allowed: ReadonlySet<string>;
  readonly #reply: (id: string, answer: MiAnswer) => number;
  readonly #log: Log;
  readonly #taken: AtMostOnce;

  /** @param reply puts the reply on its way and gives its sequence number */
  constructor(
    mi: Pick<MiClient, 'request'>,
    allowed: ReadonlySet<string>,
    reply: (id: string, answer: MiAnswer) => number,
    log: Log,
    remembered = MAX_REMEMBERED,
  ) {
    this.#mi = mi;
    this.#allowed = allowed;
    this.#reply = reply;
    this.#log = log;
    this.#taken = new AtMostOnce(remembered);
  }

  /** Takes a request; one that is known is left alone. False: there are too many, and it was not taken. */
  take(request: Mi): boolean {
    const taken = this.#taken.begin(request.id);
    if (taken === 'new') void this.#run(request).then((answer) => this.#answer(request, answer));
    return taken !== 'full';
  }

  /** Replies that the edge has not acknowledged: it thanks with its next request, so many of them mean a busy edge. */
  get unacknowledged(): number {
    return this.#taken.unacknowledged;
  }

  /** The edge has stored all replies up to `seq`. */
  acknowledged(seq: number): void {
    this.#taken.acknowledged(seq);
  }

  async #run({ id, method, params, timeout_ms, ttl_ms }: Mi): Promise<MiAnswer> {
    if (!this.#allowed.has(method)) {
      this.#log.warn({ method }, 'MI command refused: it is not on the list (--allow)');
      return { outcome: 'refused' };
    }
    if (ttl_ms <= 0) return { outcome: 'expired' };
    const timeoutMs = Math.min(timeout_ms, MAX_TIMER);
    // With the edge's id, so that what OpenSIPS logs can be followed all the way back.
    return this.#mi.request(method, params, { timeoutMs, ttlMs: Math.min(ttl_ms, MAX_TIMER) }, id);
  }

  #answer({ id, method }: Mi, answer: MiAnswer): void {
    if ('outcome' in answer) this.#log.warn({ method, outcome: answer.outcome }, 'MI command without answer');
    else this.#log.debug({ method, refused: 'error' in answer }, 'MI command answered');
    this.#taken.answered(id, this.#reply(id, answer));
  }
}
