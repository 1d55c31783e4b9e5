/**
 * The numbered messages that the edge has not acknowledged, kept to be sent again. Bounded: when it is full,
 * events are dropped, and a gap stands for them.
 * @module
 */
import type { EviEvent } from '../shared/evi.ts';
import type { Reply } from '../shared/link.ts';

/** What is kept at most. */
export interface OutboxLimits {
  readonly messages: number;
  readonly bytes: number;
}

/** The first sequence number of a stream. */
const FIRST = 1;

/**
 * Messages numbered without a hole. Once full it takes no more events until acknowledgements have emptied it
 * to half; then one gap stands for all that was dropped. The newest are dropped, not the oldest: so the gap
 * comes after all that was kept, and what the edge then reads with `dlg_list` is newer than everything before.
 * Replies are kept in any case, for each ends a request; there are no more of them than requests were asked.
 */
export class Outbox {
  readonly #limits: OutboxLimits;
  readonly #grown: () => void;
  /** Each as JSON, the oldest first; `#base` is the first one's number. */
  readonly #kept: string[] = [];
  #base = FIRST;
  #bytes = 0;
  #lost = 0;

  /** @param grown called after each message that was added */
  constructor(limits: OutboxLimits, grown: () => void) {
    this.#limits = limits;
    this.#grown = grown;
  }

  /** The oldest number that is not acknowledged, or the next one where all are. */
  get base(): number {
    return this.#base;
  }

  /** The newest number given; one less than the first where none is. */
  get last(): number {
    return this.#base + this.#kept.length - 1;
  }

  /** Messages dropped since the outbox was full; a gap for them is due. */
  get lost(): number {
    return this.#lost;
  }

  /** Adds an event, or drops it where there is no room. */
  event(event: EviEvent, at: number): void {
    this.#addIfRoom({ type: 'event', seq: this.last + 1, at, ...event });
  }

  /** Adds a gap; where there is no room, the one that is due then stands for it too. */
  gap(reason: string): void {
    this.#addIfRoom({ type: 'gap', seq: this.last + 1, reason });
  }

  /** Adds a reply and gives its number. */
  reply(reply: Omit<Reply, 'type' | 'seq'>): number {
    return this.#add({ type: 'reply', seq: this.last + 1, ...reply });
  }

  /** Forgets what is stored at the edge: all up to `seq`. False where `seq` was never given out. */
  ack(seq: number): boolean {
    if (seq > this.last) return false;
    const stored = this.#kept.splice(0, Math.max(0, seq - this.#base + 1));
    this.#base += stored.length;
    for (const text of stored) this.#bytes -= text.length;
    if (this.#lost > 0 && this.#isHalfEmpty()) {
      const reason = `the adapter's buffer was full: ${this.#lost} messages were dropped`;
      this.#lost = 0;
      this.gap(reason);
    }
    return true;
  }

  /** A frame of what follows `seq`, as many messages as fit into `size` characters but at least one. */
  frameAfter(seq: number, size: number): { readonly text: string; readonly last: number } | undefined {
    const from = Math.max(0, seq - this.#base + 1);
    const texts: string[] = [];
    let length = 0;
    for (let index = from; index < this.#kept.length; index += 1) {
      const text = this.#kept[index] ?? '';
      if (texts.length > 0 && length + text.length > size) break;
      texts.push(text);
      length += text.length;
    }
    const [first] = texts;
    if (first === undefined) return undefined;
    return {
      text: texts.length === 1 ? first : `[${texts.join(',')}]`,
      last: this.#base + from + texts.length - 1,
    };
  }

  #addIfRoom(message: object): void {
    const full = this.#kept.length >= this.#limits.messages || this.#bytes >= this.#limits.bytes;
    if (full || this.#lost > 0) this.#lost += 1;
    else this.#add(message);
  }

  #add(message: object): number {
    const text = JSON.stringify(message);
    this.#kept.push(text);
    this.#bytes += text.length;
    this.#grown();
    return this.last;
  }

  #isHalfEmpty(): boolean {
    return this.#kept.length <= this.#limits.messages / 2 && this.#bytes <= this.#limits.bytes / 2;
  }
}
