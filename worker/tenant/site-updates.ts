/** Delivers the updates of the outbox. A switchboard that cannot be reached is retried later and delays no other. @module */
import type { Outbox, SiteUpdate } from './outbox.ts';

/** The maximum number of updates per run: the platform limits the calls to other objects that one invocation makes. */
const MAX_BATCH = 200;

/** How long a switchboard may take to answer, in milliseconds. */
const REPLY_TIMEOUT_MS = 5_000;

export class SiteUpdater {
  readonly #outbox: Outbox;
  readonly #deliver: (update: SiteUpdate) => Promise<void>;

  /** @param deliver sends an update to its switchboard, and rejects where it cannot */
  constructor(outbox: Outbox, deliver: (update: SiteUpdate) => Promise<void>) {
    this.#outbox = outbox;
    this.#deliver = deliver;
  }

  /** Takes what is due at once. The promise resolves when all of it has been attempted, and never rejects. */
  deliverDue(now: number): Promise<unknown> {
    return Promise.all(this.#outbox.take(now, MAX_BATCH).map((update) => this.#attempt(update)));
  }

  async #attempt(update: SiteUpdate): Promise<void> {
    try {
      await withTimeout(REPLY_TIMEOUT_MS, this.#deliver(update));
      this.#outbox.onDelivered(update, Date.now());
    } catch (error) {
      console.warn(
        `Could not deliver the update "${update.kind}" to site ${update.site}; retrying later`,
        error,
      );
      this.#outbox.onFailed(update, Date.now());
    }
  }
}

/** Rejects where a promise takes longer than `ms` milliseconds. */
async function withTimeout<T>(ms: number, promise: Promise<T>): Promise<T> {
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
