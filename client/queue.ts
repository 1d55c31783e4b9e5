/** What has come and is not read yet, for one who reads when it likes. @module */

type Last = IteratorReturnResult<undefined> | Promise<never>;
type Read<T> = (read: IteratorResult<T, undefined> | Promise<never>) => void;

const done: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Whoever puts things in bounds it; see {@link size}. */
export class Queue<T> implements AsyncIterableIterator<T, undefined> {
  readonly #items: T[] = [];
  /** Who reads faster than things come. */
  readonly #readers: Read<T>[] = [];
  readonly #onLeft: () => void;
  /** What is read after all that is there; undefined while more may come. */
  #last: (() => Last) | undefined;

  /** @param onLeft is called when the reader has broken off */
  constructor(onLeft: () => void) {
    this.#onLeft = onLeft;
  }

  /** How much is not read yet. */
  get size(): number {
    return this.#items.length;
  }

  put(item: T): void {
    if (this.#last) return;
    const reader = this.#readers.shift();
    if (reader) reader({ done: false, value: item });
    else this.#items.push(item);
  }

  /** Takes out the oldest for which that holds; false where there is none. */
  drop(isIt: (item: T) => boolean): boolean {
    const at = this.#items.findIndex(isIt);
    if (at >= 0) this.#items.splice(at, 1);
    return at >= 0;
  }

  clear(): void {
    this.#items.length = 0;
  }

  /** Nothing more comes; what is there can still be read. */
  end(): void {
    this.#close(() => done);
  }

  /** The same, and then reading fails, once. */
  fail(why: unknown): void {
    this.#close(() => {
      this.#last = () => done;
      return Promise.reject(why);
    });
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return new Promise((read) => {
      const item = this.#items.shift();
      if (item !== undefined) read({ done: false, value: item });
      else if (this.#last) read(this.#last());
      else this.#readers.push(read);
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.clear();
    this.end();
    this.#onLeft();
    return Promise.resolve(done);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #close(last: () => Last): void {
    if (this.#last) return;
    this.#last = last;
    for (const reader of this.#readers.splice(0)) reader(this.#last());
  }
}
