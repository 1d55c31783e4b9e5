/** Filters calls and returns pages of them, which are bounded in what they contain and in what is read for them. @module */
import type { Call, CallState } from '../../../shared/calls/call.ts';
import { parseSipUri } from '../../../shared/sip/sip-uri.ts';
import { firstSeqOf } from './call-lines.ts';
import type { CallContent } from './compact-call.ts';
import type { EndedCall } from './ended-calls.ts';
import type { RowReader } from './row-reader.ts';

export interface CallFilter {
  readonly states?: readonly CallState[] | undefined;
  /** As {@link addressOf} returns it. */
  readonly address?: string | undefined;
  /** Unix milliseconds. */
  readonly since?: number | undefined;
  /** Only calls of this subject. */
  readonly owner?: string | undefined;
}

export interface CallPage {
  readonly calls: readonly Call[];
  /** Where the next page begins; absent on the last one. */
  readonly cursor?: string;
}

/** A call that may be on a page. */
export interface Candidate {
  /** The number of its first change. */
  readonly firstSeq: number;
  /** Reads the call; undefined if it is not kept any more. */
  peek(): Pick<CallContent, 'call' | 'owner'> | undefined;
}

/** In characters. */
export interface PageSize {
  /** A page is full with these. */
  readonly maxCharacters: number;
  /** No more of the log is read for a page. */
  readonly maxRead: number;
}

/** Only the number of calls is limited. */
export const WHOLE_PAGE: PageSize = {
  maxCharacters: Number.POSITIVE_INFINITY,
  maxRead: Number.POSITIVE_INFINITY,
};

/** What a list returns and reads in a turn. */
export const LIST_PAGE: PageSize = { maxCharacters: 262_144, maxRead: 4_194_304 };

/**
 * Returns a page of candidates, which come newest first; the next one begins below `cursor`. If few of them match the filter, a page
 * has fewer calls than the limit, or none, although more follow.
 */
export function pageOf(
  candidates: Iterable<Candidate>,
  filter: CallFilter,
  limit: number,
  { maxCharacters, maxRead, charactersRead }: PageSize & { readonly charactersRead: () => number },
): CallPage {
  const calls: Call[] = [];
  const readBefore = charactersRead();
  let characters = 0;
  let last = 0;
  for (const candidate of candidates) {
    if (characters >= maxCharacters || charactersRead() - readBefore >= maxRead)
      return { calls, cursor: String(last) };
    const content = candidate.peek();
    if (content && matches(content, filter)) {
      if (calls.length === limit) return { calls, cursor: String(last) };
      calls.push(content.call);
      if (Number.isFinite(maxCharacters)) characters += JSON.stringify(content.call).length;
    }
    last = candidate.firstSeq;
  }
  return { calls };
}

/**
 * Yields the calls whose first change is before `below`, newest first: those in memory, and those that are only in the log. Both are
 * given in the order of their first change.
 */
export function* newestFirst(
  inMemory: readonly Candidate[],
  ended: readonly EndedCall[],
  rows: RowReader,
  below: number,
): Generator<Candidate> {
  let memory = inMemory.length - 1;
  let log = ended.length - 1;
  while (memory >= 0 || log >= 0) {
    const record = inMemory[memory];
    const stored = ended[log];
    if (record && record.firstSeq >= (stored?.firstSeq ?? 0)) {
      memory--;
      // It is in the log as well.
      if (record.firstSeq === stored?.firstSeq) log--;
      if (record.firstSeq < below) yield record;
    } else if (stored) {
      log--;
      yield {
        firstSeq: stored.firstSeq,
        peek: () => {
          const line = rows.line(stored.position, (each) => firstSeqOf(each) === stored.firstSeq);
          return line && { call: line.call, owner: line.owner };
        },
      };
    }
  }
}

/** Returns `user@host`, the host in lower case, of a SIP URI with or without its scheme; undefined if it is invalid. */
export function addressOf(text: string): string | undefined {
  const uri = parseSipUri(/^sips?:/i.test(text) ? text : `sip:${text}`);
  return 'error' in uri ? undefined : `${uri.user ?? ''}@${uri.host}`;
}

function matches({ call, owner }: Pick<CallContent, 'call' | 'owner'>, filter: CallFilter): boolean {
  if (filter.owner !== undefined && owner !== filter.owner) return false;
  if (filter.states && !filter.states.includes(call.state)) return false;
  if (filter.since !== undefined && call.began < filter.since) return false;
  const { address } = filter;
  return address === undefined || hasAddress(call.caller, address) || hasAddress(call.callee, address);
}

function hasAddress(uri: string | null, address: string): boolean {
  // Parsing is expensive, so a URI that does not contain the user part is skipped first.
  if (!uri?.includes(address.slice(0, address.lastIndexOf('@')))) return false;
  return addressOf(uri) === address;
}
