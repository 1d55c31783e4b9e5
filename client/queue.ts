/** What has come and is not read yet, for one who reads when it likes. @module */

type Read<T> = (read: IteratorResult<T, undefined> | Promise<never>) => void;

/** Whoever puts things in bounds it; see {@link size}. */
export class Queue<T> implements AsyncIterableIterator<T, undefined> {
  readonly #items: T[] = [];
  /** Who reads faster than things come. */
  readonly #readers: Read<T>[] = [];
  readonly #onLeft: () => void;
  #end: { readonly why?: unknown; readonly isFailure: boolean } | undefined;

  /** @param onLeft is called when the reader has broken off */
  constructor(onLeft: () => void) {
    this.#onLeft = onLeft;
  }

  /** How much is not read yet. */
  get size(): number {
    return this.#items.length;
  }

  put(item: T): void {
    if (this.#end) return;
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
    this.#close({ isFailure: false });
  }

  /** The same, and then reading fails. */
  fail(why: unknown): void {
    this.#close({ isFailure: true, why });
  }

  next(): Promise<IteratorResult<T, undefined>> {
    return new Promise((read) => {
      const item = this.#items.shift();
      if (item !== undefined) read({ done: false, value: item });
      else if (this.#end) read(this.#last());
      else this.#readers.push(read);
    });
  }

  return(): Promise<IteratorResult<T, undefined>> {
    this.clear();
    this.end();
    this.#onLeft();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #close(end: { readonly why?: unknown; readonly isFailure: boolean }): void {
    if (this.#end) return;
    this.#end = end;
    for (const reader of this.#readers.splice(0)) reader(this.#last());
  }

  /** A failure is told once. */
  #last(): IteratorResult<T, undefined> | Promise<never> {
    const end = this.#end;
    this.#end = { isFailure: false };
    return end?.isFailure ? Promise.reject(end.why) : { done: true, value: undefined };
  }
}
