/** Merges two readers in the order of their numbers. @module */
import { type Observable, seqOf } from '../calls/watchers.ts';
import type { OrderedReader, ReplayPage, ReplayReader } from './replay-reader.ts';

interface Source {
  readonly reader: OrderedReader;
  /** What it has read that comes after what the other one has not read yet. */
  readonly waiting: Observable[];
  /** Whether this turn has read it to its end. */
  isLast: boolean;
}

export class MergedReader implements ReplayReader {
  readonly #sources: readonly [Source, Source];

  constructor(one: OrderedReader, other: OrderedReader) {
    this.#sources = [
      { reader: one, waiting: [], isLast: false },
      { reader: other, waiting: [], isLast: false },
    ];
  }

  /** Reads from the one that is behind. Both are at their ends if that is so within one turn. */
  read(maxBytes: number): ReplayPage | undefined {
    let bytes = 0;
    const [one, other] = this.#sources;
    one.isLast = false;
    other.isLast = false;
    for (const source of one.reader.upTo <= other.reader.upTo ? [one, other] : [other, one]) {
      if (bytes >= maxBytes) break;
      const page = source.reader.read(maxBytes - bytes);
      if (!page) return undefined;
      bytes += page.bytes;
      source.waiting.push(...page.items);
      source.isLast = page.isLast;
      if (!page.isLast) break;
    }
    const isLast = one.isLast && other.isLast;
    return { items: this.#takeUpTo(isLast ? Number.POSITIVE_INFINITY : this.#upTo), bytes, isLast };
  }

  get #upTo(): number {
    return Math.min(
      ...this.#sources.map(({ reader, isLast }) => (isLast ? Number.POSITIVE_INFINITY : reader.upTo)),
    );
  }

  #takeUpTo(seq: number): Observable[] {
    return this.#sources
      .flatMap(({ waiting }) => {
        const next = waiting.findIndex((item) => seqOf(item) > seq);
        return waiting.splice(0, next < 0 ? waiting.length : next);
      })
      .sort((one, other) => seqOf(one) - seqOf(other));
  }
}
