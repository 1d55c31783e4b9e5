/** Filters calls and returns pages of them, which are bounded in what they contain and in what is read for them. @module */
import type { Call } from '../../../shared/calls/call.ts';
import { type CallFilter, matches } from '../../../shared/calls/call-filter.ts';
import { firstSeqOf } from './call-lines.ts';
import type { CallContent } from './compact-call.ts';
import type { EndedCall } from './ended-calls.ts';
import type { RowReader } from './row-reader.ts';

/** What a list shows, and to whom. */
export interface RecordFilter extends CallFilter {
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

/** Bytes of the calls in a page, about: a client reads it, and others are served, in between. */
const MAX_PAGE_BYTES = 229_376;

/** Characters of the log that are read for a page, about, as for a page of a replay (`store/stored-page.ts`). */
const MAX_READ = 262_144;

/**
 * Returns a page of candidates, which come newest first; the next one begins below `cursor`. If few of them match the filter, a page
 * has fewer calls than the limit, or none, although more follow.
 * @param charactersRead returns how many characters of the log have been read for the candidates so far
 */
export function pageOf(
  candidates: Iterable<Candidate>,
  filter: RecordFilter,
  limit: number,
  charactersRead: () => number,
): CallPage {
  const calls: Call[] = [];
  let bytes = 0;
  let last: number | undefined;
  for (const candidate of candidates) {
    if (last !== undefined && charactersRead() >= MAX_READ) return { calls, cursor: String(last) };
    const content = candidate.peek();
    if (content && isVisible(content, filter)) {
      const size = JSON.stringify(content.call).length;
      if (calls.length === limit || (calls.length > 0 && bytes + size > MAX_PAGE_BYTES))
        return { calls, cursor: String(last) };
      bytes += size;
      calls.push(content.call);
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

function isVisible({ call, owner }: Pick<CallContent, 'call' | 'owner'>, filter: RecordFilter): boolean {
  return (filter.owner === undefined || owner === filter.owner) && matches(call, filter);
}
