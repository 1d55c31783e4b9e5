/**
 * The outbox: numbered messages kept for replay until the edge acknowledges them. Its size is limited. When it is full,
 * events are dropped and reported by a gap message.
 * @module
 */
import type { EviEvent } from '../../shared/opensips/evi.ts';
import { byteLength } from '../../shared/protocol/byte-length.ts';
import type { Reply } from '../../shared/protocol/link.ts';

export interface OutboxLimits {
  readonly maxMessages: number;
  readonly maxBytes: number;
}

/** A message that was added to the outbox. */
export type AddedMessage =
  | { readonly event: EviEvent }
  /** A reply or a gap, and whether nobody waits for it. */
  | { readonly mayWait: boolean };

/** The first sequence number of a stream. */
const FIRST_SEQ = 1;

/**
 * Messages with consecutive sequence numbers. Once full, the outbox drops events until acknowledgements have emptied
 * it to half. Then it adds one gap message for everything that was dropped. It drops the newest events and not the
 * oldest, so the gap follows all messages that were kept, and the dialogs that the edge then reads with `dlg_list` are
 * newer than all of these. Replies are always kept, because each one ends a request. There are no more of them than
 * requests.
 */
export class Outbox {
  readonly #limits: OutboxLimits;
  readonly #onMessageAdded: (added: AddedMessage) => void;
  /** Messages as JSON, oldest first; `#base` is the sequence number of the first. */
  readonly #messages: string[] = [];
  #base = FIRST_SEQ;
  #bytes = 0;
  #droppedCount = 0;
  #rejectedNames: readonly EviEvent['name'][] = [];

  /** @param onMessageAdded called after each message that was added */
  constructor(limits: OutboxLimits, onMessageAdded: (added: AddedMessage) => void) {
    this.#limits = limits;
    this.#onMessageAdded = onMessageAdded;
  }

  /** The oldest sequence number that is not acknowledged, or the next one to be assigned if all are. */
  get base(): number {
    return this.#base;
  }

  /** The newest sequence number assigned; one less than the first if there is none. */
  get lastSeq(): number {
    return this.#base + this.#messages.length - 1;
  }

  /** Messages dropped since the outbox became full and not yet reported by a gap message. */
  get droppedCount(): number {
    return this.#droppedCount;
  }

  /**
   * The edge does not know events with these names: new ones are not added, and a gap message takes the number of each that waits. An
   * OpenSIPS whose script does not raise them is the same to the edge.
   */
  rejectEvents(names: readonly EviEvent['name'][]): void {
    this.#rejectedNames = names;
    if (names.length === 0) return;
    for (const [index, text] of this.#messages.entries()) {
      const name = rejectedNameIn(text, names);
      if (name === undefined) continue;
      const gap = {
        type: 'gap',
        seq: this.#base + index,
        reason: `the edge does not know the event ${name}`,
      };
      const replacement = JSON.stringify(gap);
      this.#messages[index] = replacement;
      this.#bytes += replacement.length - text.length;
    }
  }

  /** Adds an event, unless the outbox is full or the edge does not know it. */
  addEvent(event: EviEvent, at: number): void {
    if (this.#rejectedNames.includes(event.name)) return;
    this.#addUnlessFull({ type: 'event', seq: this.lastSeq + 1, at, ...event }, { event });
  }

  /** Adds a gap message. If the outbox is full, the gap message that follows later covers this one too. */
  addGap(reason: string): void {
    this.#addUnlessFull({ type: 'gap', seq: this.lastSeq + 1, reason }, { mayWait: false });
  }

  /**
   * Adds a reply and returns its sequence number.
   * @param mayWait whether nobody waits for it
   */
  addReply(reply: Omit<Reply, 'type' | 'seq'>, mayWait = false): number {
    return this.#add({ type: 'reply', seq: this.lastSeq + 1, ...reply }, { mayWait });
  }

  /** Removes the messages that are stored at the edge: all up to `seq`. Returns false if `seq` was never assigned. */
  acknowledge(seq: number): boolean {
    if (seq > this.lastSeq) return false;
    const stored = this.#messages.splice(0, Math.max(0, seq - this.#base + 1));
    this.#base += stored.length;
    for (const text of stored) this.#bytes -= byteLength(text);
    if (this.#droppedCount > 0 && this.#isAtMostHalfFull()) {
      const reason = `the adapter's buffer was full: ${this.#droppedCount} messages were dropped`;
      this.#droppedCount = 0;
      this.addGap(reason);
    }
    return true;
  }

  /**
   * Returns one frame with the messages after `seq`: as many as fit into `maxLength` characters, but at least one.
   * Returns undefined if there are none.
   */
  frameAfter(
    seq: number,
    maxLength: number,
  ): { readonly text: string; readonly lastSeq: number } | undefined {
    const start = Math.max(0, seq - this.#base + 1);
    const texts: string[] = [];
    let length = 0;
    for (let index = start; index < this.#messages.length; index += 1) {
      const text = this.#messages[index] ?? '';
      if (texts.length > 0 && length + text.length > maxLength) break;
      texts.push(text);
      length += text.length;
    }
    const [first] = texts;
    if (first === undefined) return undefined;
    return {
      text: texts.length === 1 ? first : `[${texts.join(',')}]`,
      lastSeq: this.#base + start + texts.length - 1,
    };
  }

  #addUnlessFull(message: object, added: AddedMessage): void {
    const { maxMessages, maxBytes } = this.#limits;
    const isFull = this.#messages.length >= maxMessages || this.#bytes >= maxBytes;
    if (isFull || this.#droppedCount > 0) this.#droppedCount += 1;
    else this.#add(message, added);
  }

  #add(message: object, added: AddedMessage): number {
    const text = JSON.stringify(message);
    this.#messages.push(text);
    this.#bytes += byteLength(text);
    this.#onMessageAdded(added);
    return this.lastSeq;
  }

  #isAtMostHalfFull(): boolean {
    const { maxMessages, maxBytes } = this.#limits;
    return this.#messages.length <= maxMessages / 2 && this.#bytes <= maxBytes / 2;
  }
}

/** Returns the name of the event in a message, if it is one of these. Most messages need not be parsed. */
function rejectedNameIn(text: string, names: readonly EviEvent['name'][]): string | undefined {
  if (!names.some((name) => text.includes(name))) return undefined;
  const message = JSON.parse(text) as { readonly type: string; readonly name?: string };
  return message.type === 'event' ? names.find((name) => name === message.name) : undefined;
}
