/** Reads the pages of a list at an even pace, also where OpenSIPS is slow to reply. @module */
import { setTimeout as delay } from 'node:timers/promises';
import type { PageReader } from '../opensips/dialog-pages.ts';
import type { MiResponse } from '../opensips/mi-message.ts';

/** Pages that are requested at a time, if replies take longer than the pause between two pages. */
const MAX_AHEAD = 4;

interface RequestedPage {
  readonly index: number;
  readonly counter: number;
  readonly response: Promise<MiResponse>;
}

export class PacedPages {
  readonly #readPage: PageReader;
  readonly #pauseMs: number;
  readonly #expectedSize: number;
  #ahead: RequestedPage[] = [];
  #lastStart = Number.NEGATIVE_INFINITY;

  /**
   * @param pauseMs between the beginnings of two pages
   * @param expectedSize about how many dialogs there are: nothing is requested ahead after them
   */
  constructor(readPage: PageReader, pauseMs: number, expectedSize: number) {
    this.#readPage = readPage;
    this.#pauseMs = pauseMs;
    this.#expectedSize = expectedSize;
  }

  /**
   * Reads a page, and begins with those that follow it if the list does not change. A page that was requested before the one ahead of it
   * has arrived is as good: the reader accepts it only if it repeats a dialog of that one.
   */
  readonly read: PageReader = (index, counter) => {
    const [first] = this.#ahead;
    if (first?.index !== index || first.counter !== counter) this.#ahead = [this.#request(index, counter)];
    while (this.#ahead.length < MAX_AHEAD) {
      const next = index + this.#ahead.length * (counter - 1);
      if (next >= this.#expectedSize) break;
      this.#ahead.push(this.#request(next, counter));
    }
    return this.#ahead.shift()?.response ?? this.#readPage(index, counter);
  };

  #request(index: number, counter: number): RequestedPage {
    const now = performance.now();
    this.#lastStart = Math.max(now, this.#lastStart + this.#pauseMs);
    const waitMs = this.#lastStart - now;
    // A timer has whole milliseconds.
    const response =
      waitMs < 1 ? this.#readPage(index, counter) : delay(waitMs).then(() => this.#readPage(index, counter));
    return { index, counter, response };
  }
}
