/**
 * Events that follow one another as one text, two lines each, of which the second is the body as it stands. Carried and
 * kept so they cost a fraction of what they cost one by one.
 * @module
 */
import { type Filter, type HookEvent, wants } from '../../shared/webhooks.ts';

/** So many are in one at most: the text is some 50 KB then. */
export const CHUNK = 64;

/**
 * Nothing more is put into one that is so long, in characters: with one event more, of 64 KB at most, and three bytes to each
 * it stays under the 2 MB that a row may have (Cloudflare, "Limits" of SQLite-backed Durable Objects).
 */
export const CHUNK_LENGTH = 262_144;

export interface Chunk {
  readonly count: number;
  /** The `seq` of its first event. */
  readonly first: number;
  readonly lines: string;
}

/** An event's number, and its two lines. */
export interface Lined {
  readonly seq: number;
  readonly lines: string;
}

type Head = readonly [seq: number, type: string, about: string, addresses: readonly string[]];

/** Puts an event into its lines. */
export function lined({ seq, type, about, addresses, body }: HookEvent): Lined {
  const head: Head = [seq, type, about, addresses];
  return { seq, lines: `${JSON.stringify(head)}\n${body}` };
}

/** Puts events together, in their order. */
export function chunksOf(events: readonly Lined[]): Chunk[] {
  const chunks: Chunk[] = [];
  for (let from = 0; from < events.length; ) {
    const some = upToLength(events.slice(from, from + CHUNK), CHUNK_LENGTH);
    chunks.push(chunkOf(some));
    from += some.length;
  }
  return chunks;
}

/** The first of them, until they are so long together, in characters: one at least. */
export function upToLength(events: readonly Lined[], most: number): readonly Lined[] {
  let length = 0;
  const last = events.findIndex(({ lines }) => {
    length += lines.length;
    return length >= most;
  });
  return last < 0 ? events : events.slice(0, last + 1);
}

/** What an endpoint wants of it that comes after a number; undefined where that is nothing. */
export function pick(chunk: Chunk, filter: Filter, after: number): Chunk | undefined {
  if (filter.events.length + filter.addresses.length === 0 && chunk.first > after) return chunk;
  const wanted = eventsIn(chunk).filter((event) => event.seq > after && wants(filter, event));
  return wanted.length > 0 ? chunkOf(wanted.map(lined)) : undefined;
}

/** What is in it. */
export function eventsIn({ lines }: Pick<Chunk, 'lines'>): HookEvent[] {
  const each = lines.split('\n');
  return Array.from({ length: each.length / 2 }, (_, at) => {
    const [head = '', body = ''] = each.slice(2 * at, 2 * at + 2);
    const [seq, type, about, addresses] = JSON.parse(head) as Head;
    return { seq, type, about, addresses, body };
  });
}

function chunkOf(events: readonly Lined[]): Chunk {
  const lines = events.map((event) => event.lines).join('\n');
  return { count: events.length, first: events[0]?.seq ?? 0, lines };
}
