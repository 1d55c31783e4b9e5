/** Filters calls and returns pages of them. Pure. @module */
import type { Call } from '../../../shared/calls/call.ts';
import { type CallFilter, matches } from '../../../shared/calls/call-filter.ts';
import type { CallRecord } from './call-record.ts';

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

/** Bytes of the calls in a page, about: a client reads it, and others are served, in between. */
const MAX_PAGE_BYTES = 229_376;

/** Returns a page, the newest call first. `records` are in the order of their first change; a page begins below `cursor`. */
export function pageOf(
  records: readonly CallRecord[],
  filter: RecordFilter,
  limit: number,
  cursor?: string,
): CallPage {
  const calls: Call[] = [];
  let last = 0;
  let bytes = 0;
  const start = cursor === undefined ? records.length : countBelow(records, Number(cursor));
  for (let index = start; index > 0; index--) {
    const record = records[index - 1];
    if (!record || (filter.owner !== undefined && record.owner !== filter.owner)) continue;
    if (!matches(record.call, filter)) continue;
    const size = JSON.stringify(record.call).length;
    if (calls.length === limit || (calls.length > 0 && bytes + size > MAX_PAGE_BYTES))
      return { calls, cursor: String(last) };
    bytes += size;
    calls.push(record.call);
    last = record.firstSeq;
  }
  return { calls };
}

/** Returns how many records have a smaller number. */
function countBelow(records: readonly CallRecord[], firstSeq: number): number {
  let [low, high] = [0, records.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((records[middle]?.firstSeq ?? 0) < firstSeq) low = middle + 1;
    else high = middle;
  }
  return low;
}
