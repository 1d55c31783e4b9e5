/** Runs errands: what one switchboard does not take is tried again later, and holds up no other. @module */
import type { Errand, Errands } from './errands.ts';

/** Switchboards told in one go: the calls to others that one turn makes are counted on the platform. */
const TOLD_TOGETHER = 200;

/** A switchboard that has not answered by then, in milliseconds, is asked again later. */
const ANSWER_MS = 5_000;

export class Messenger {
  readonly #errands: Errands;
  readonly #tell: (errand: Errand) => Promise<void>;

  /** @param tell reaches the switchboard; rejects where it cannot */
  constructor(errands: Errands, tell: (errand: Errand) => Promise<void>) {
    this.#errands = errands;
    this.#tell = tell;
  }

  /** Starts on what is due. Taken at once; the promise says when all have been tried, and never rejects. */
  run(now: number): Promise<unknown> {
    return Promise.all(this.#errands.take(now, TOLD_TOGETHER).map((errand) => this.#run(errand)));
  }

  async #run(errand: Errand): Promise<void> {
    try {
      await within(ANSWER_MS, this.#tell(errand));
      this.#errands.done(errand, Date.now());
    } catch (error) {
      console.warn(`${errand.kind} did not reach the site ${errand.site}; it is tried again`, error);
      this.#errands.failed(errand, Date.now());
    }
  }
}

/** Rejects when it takes longer than so many milliseconds. */
async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
