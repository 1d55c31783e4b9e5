/** A queue that its reader iterates: it buffers items until they are read. @module */

type Final = IteratorReturnResult<undefined> | Promise<never>;
type Resolve<T> = (result: IteratorResult<T, undefined> | Promise<never>) => void;

const done: IteratorReturnResult<undefined> = { done: true, value: undefined };

/** Has no bound of its own: the writer limits it with {@link size}. */
export class Queue<T> implements AsyncIterableIterator<T> {
  readonly #items: T[] = [];
  /** Readers that wait for the next item. */
  readonly #readers: Resolve<T>[] = [];
  readonly #onReturn: () => void;
  /** Returns what follows the last item. Undefined while the queue is open. */
  #final: (() => Final) | undefined;

  /** @param onReturn called when the reader leaves its loop */
  constructor(onReturn: () => void) {
    this.#onReturn = onReturn;
  }

  /** Number of items that are not read yet. */
  get size(): number {
    return this.#items.length;
  }

  put(item: T): void {
    if (this.#final) return;
    const reader = this.#readers.shift();
    if (reader) reader({ done: false, value: item });
    else this.#items.push(item);
  }

  /** Removes the oldest item that matches. Returns whether there was one. */
  removeFirst(matches: (item: T) => boolean): boolean {
    const index = this.#items.findIndex(matches);
    if (index >= 0) this.#items.splice(index, 1);
    return index >= 0;
  }

  clear(): void {
    this.#items.length = 0;
  }

  /** Ends the queue. The remaining items can still be read. */
  end(): void {
    this.#close(() => done);
  }

  /** Ends the queue. After the remaining items, one read rejects. */
  fail(reason: unknown): void {
    this.#close(() => {
      this.#final = () => done;
      return Promise.reject(reason);
    });
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return new Promise((resolve) => {
      const item = this.#items.shift();
      if (item !== undefined) resolve({ done: false, value: item });
      else if (this.#final) resolve(this.#final());
      else this.#readers.push(resolve);
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.clear();
    this.end();
    this.#onReturn();
    return Promise.resolve(done);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #close(final: () => Final): void {
    if (this.#final) return;
    this.#final = final;
    for (const reader of this.#readers.splice(0)) reader(this.#final());
  }
}
