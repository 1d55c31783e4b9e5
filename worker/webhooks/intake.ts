/**
 * Reads from the log of the site what its endpoints are to be told, and makes it deliveries: of each endpoint as much as it
 * can be sent next, so that calls do not feel how far behind a receiver is. Only what the log will not keep much longer, or
 * what a webhook waits for that is disabled, is read before that.
 * @module
 */
import type { Filter, HookEvent } from '../../shared/webhooks.ts';
import { RETENTION } from '../store/segments.ts';
import { ANSWER_MS } from './attempt.ts';
import type { Deliveries } from './deliveries.ts';
import type { Endpoints } from './endpoints.ts';
import type { News } from './herald.ts';
import { ENOUGH } from './lane.ts';
import type { Span, Spans } from './spans.ts';

/** A log that could not be read is tried again after so many milliseconds. */
const AGAIN_MS = 5_000;

/** Reading is over by then, in milliseconds; if not, we were evicted, and it begins anew. */
const LEASE_MS = ANSWER_MS + 5_000;

/** What is so many numbers back is read however far its endpoint is: the log keeps five segments, of which this is two. */
export const FAR_BEHIND = 2 * RETENTION.segmentSpan;

/** Between one page and the next, in milliseconds: some 2,000 events a second or 20,000 numbers, and calls go between. */
const APART_MS = 20;

/** Which part of the log is wanted, and what of it. */
export interface Wanted extends Filter {
  readonly epoch: string;
  readonly after: number;
  readonly upto: number;
}

/** What the log has of it. */
export interface Page {
  /** What is wanted, in order. */
  readonly events: readonly HookEvent[];
  /** All that is wanted until here is in it; more may follow. */
  readonly upto: number;
  /** So many numbers at its beginning the log does not keep any more. */
  readonly lost: number;
}

/** What it works with. */
export interface Means {
  readonly storage: DurableObjectStorage;
  readonly endpoints: Endpoints;
  readonly deliveries: Deliveries;
  readonly spans: Spans;
  /** Reads the log of the site that this is; null where that is another one by now. */
  readonly read: (wanted: Wanted) => Promise<Page | null>;
  /** Something has become due to an endpoint; `moved`: others had to make room for it. */
  readonly came: (endpoint: string, moved: boolean) => void;
}

export class Intake {
  readonly #means: Means;
  /** Endpoints for which the log is read now. */
  readonly #reading = new Set<string>();
  /** When it could not be read, in Unix milliseconds; undefined where nobody has tried since. */
  #failed: number | undefined;
  #over = false;

  constructor(means: Means) {
    this.#means = means;
  }

  /** The log goes so far. Says whether anybody wants to know. */
  told({ epoch, since, upto, keptMs }: News, now: number): boolean {
    const { storage, endpoints, spans } = this.#means;
    const wanting = endpoints.list().filter(({ enabled }) => enabled);
    // What is to be read leaves the log as this goes on, so its owner wants to know as well.
    if (wanting.length === 0 && !spans.any) return false;
    const known = this.#known;
    const after = Math.max(known.epoch === epoch ? known.cursor : 0, since);
    storage.transactionSync(() => {
      if (known.epoch !== epoch) spans.clear();
      if (upto > after) for (const endpoint of wanting) spans.add(endpoint, { after, upto, keptMs }, now);
      if (known.epoch !== epoch || upto > after)
        storage.sql.exec('UPDATE site SET epoch = ?, cursor = ?', epoch, Math.max(after, upto));
    });
    return true;
  }

  /** An endpoint can be sent more than is due to it: reads on, if there is more. What comes of it is said by `came`. */
  more(endpoint: string): void {
    if (this.#over || this.#reading.has(endpoint) || !this.#isToRead(endpoint, Date.now())) return;
    this.#reading.add(endpoint);
    this.#failed = undefined;
    void this.#read(endpoint).finally(() => this.#reading.delete(endpoint));
  }

  /** Reads on for all. */
  go(): void {
    for (const { id } of this.#means.endpoints.list()) this.more(id);
  }

  /** When {@link go} is due, in Unix milliseconds; infinity for never. */
  due(now: number): number {
    return Math.min(...this.#means.endpoints.list().map(({ id }) => this.#dueOf(id, now)));
  }

  /** The site is no more. */
  end(): void {
    this.#over = true;
  }

  #dueOf(id: string, now: number): number {
    const span = this.#means.spans.first(id);
    if (!span) return Number.POSITIVE_INFINITY;
    if (this.#failed !== undefined && this.#isToRead(id, now)) return Math.max(now, this.#failed + AGAIN_MS);
    if (this.#reading.has(id)) return now + LEASE_MS;
    // Who has enough to be sent asks for more by itself, as long as we are awake.
    const { quietUntil = 0 } = this.#means.endpoints.get(id) ?? {};
    return Math.min(span.leaves, Math.max(quietUntil, now + LEASE_MS));
  }

  /** Never rejects. */
  async #read(id: string): Promise<void> {
    const { spans, read } = this.#means;
    try {
      for (;;) {
        const now = Date.now();
        const span = this.#over ? undefined : spans.first(id);
        if (!span || !this.#isToRead(id, now)) return;
        const { after, upto, events, addresses } = span;
        const { epoch } = this.#known;
        const page = await read({ epoch, after, upto, events, addresses });
        if (this.#over) return;
        if (epoch === this.#known.epoch) this.#keep(epoch, span, page);
        if (this.#isToRead(id, Date.now())) await new Promise((resume) => setTimeout(resume, APART_MS));
      }
    } catch (error) {
      console.warn('what happened could not be read for webhooks; it is tried again', error);
      this.#failed = Date.now();
      if (!this.#over) this.#means.came(id, false);
    }
  }

  /** Makes it deliveries. */
  #keep(epoch: string, span: Span, page: Page | null): void {
    const { storage, endpoints, deliveries, spans, came } = this.#means;
    const { endpoint } = span;
    const { events, upto, lost } = page ?? { events: [], upto: span.upto, lost: span.upto - span.after };
    let [isKept, moved] = [false, false];
    storage.transactionSync(() => {
      isKept = spans.took(span, upto);
      if (!isKept) return;
      const made = events.map(({ seq, type, about, body }) => {
        // The same event is told every endpoint under the same id, and each time that it is read.
        return { endpoint, id: `msg_${epoch}_${seq}`, type, about, body };
      });
      const dropped = new Map(deliveries.add(made, Date.now()));
      moved = dropped.size > 0;
      if (lost > 0) dropped.set(endpoint, (dropped.get(endpoint) ?? 0) + lost);
      for (const [whose, count] of dropped) {
        console.warn(
          `${count} deliveries of the webhook ${whose} had to make room, or were gone before they were read`,
        );
        endpoints.dropped(whose, count);
      }
    });
    if (isKept) came(endpoint, moved);
  }

  /** Is it time to read on for an endpoint? */
  #isToRead(id: string, now: number): boolean {
    const span = this.#means.spans.first(id);
    if (!span) return false;
    if (this.#isLeaving(span, now)) return true;
    const { quietUntil = 0 } = this.#means.endpoints.get(id) ?? {};
    return quietUntil <= now && this.#means.deliveries.isShort(id, now, ENOUGH);
  }

  /** The log may be without it soon, or who is to be told wants nothing for now. */
  #isLeaving({ endpoint, after, leaves }: Span, now: number): boolean {
    return (
      now >= leaves ||
      this.#known.cursor - after > FAR_BEHIND ||
      this.#means.endpoints.get(endpoint)?.enabled === false
    );
  }

  /** How far the log goes, and whose it is. */
  get #known(): Known {
    const { sql } = this.#means.storage;
    return sql.exec<Known>('SELECT epoch, cursor FROM site').toArray()[0] ?? { epoch: '', cursor: 0 };
  }
}

type Known = { readonly epoch: string; readonly cursor: number };
