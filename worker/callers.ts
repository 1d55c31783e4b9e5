/** Those who ask over HTTP: what a subject asks is counted together, as what comes over a socket is. @module */
import type { Sender } from './limits.ts';

/** In milliseconds. A batch of 100 at a message a second owes for 100 s; all that is owed is paid by then. */
const FORGOTTEN_MS = 120_000;

interface Caller {
  /** When it last asked, in Unix milliseconds. */
  at: number;
}

export class Callers {
  /** By subject; who asked last stands last. */
  readonly #known = new Map<string, Caller>();

  /** The one of that subject, who asks now. */
  of(subject: string, now: number): Sender {
    const caller = this.#known.get(subject) ?? { at: now };
    caller.at = now;
    this.#known.delete(subject);
    this.#known.set(subject, caller);
    for (const [each, { at }] of this.#known) {
      if (at > now - FORGOTTEN_MS) break;
      this.#known.delete(each);
    }
    return caller;
  }
}
