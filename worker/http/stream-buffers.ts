/** Counts what waits for the readers of all event streams in this isolate. @module */

/** Bytes that may wait for all readers together: an eighth of the memory of an isolate. */
const MAX_BUFFERED_BYTES = 16_777_216;

/** While too much waits, a stream with more than this is ended; the others are not. */
const MIN_ENDED_BYTES = 65_536;

/** What waits for one reader. */
export interface StreamBuffer {
  /** Sets how many bytes wait. */
  set(bytes: number): void;
  /** Whether all streams together have too much, and this one has a good part of it. */
  readonly isOverBudget: boolean;
  close(): void;
}

export class StreamBuffers {
  readonly #maxBytes: number;
  #total = 0;

  constructor(maxBytes = MAX_BUFFERED_BYTES) {
    this.#maxBytes = maxBytes;
  }

  open(): StreamBuffer {
    let bytes = 0;
    let isClosed = false;
    const set = (next: number) => {
      if (isClosed) return;
      this.#total += next - bytes;
      bytes = next;
    };
    const isOverBudget = () => this.#total > this.#maxBytes && bytes > MIN_ENDED_BYTES;
    return {
      set,
      get isOverBudget() {
        return isOverBudget();
      },
      close: () => {
        set(0);
        isClosed = true;
      },
    };
  }
}

/** The streams of this isolate. */
export const streamBuffers = new StreamBuffers();
