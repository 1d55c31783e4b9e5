/** Filters calls and returns pages of them. Pure. @module */
import type { Call, CallState } from '../../../shared/calls/call.ts';
import { canonicalAddress } from '../../../shared/policy/canonical-address.ts';
import type { CallRecord } from './call-record.ts';

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

/** Bytes of the calls in a page, about: a client reads it, and others are served, in between. */
const MAX_PAGE_BYTES = 229_376;

/** Returns a page, the newest call first. `records` are in the order of their first change; a page begins below `cursor`. */
export function pageOf(
  records: readonly CallRecord[],
  filter: CallFilter,
  limit: number,
  cursor?: string,
): CallPage {
  const calls: Call[] = [];
  let last = 0;
  let bytes = 0;
  const start = cursor === undefined ? records.length : countBelow(records, Number(cursor));
  for (let index = start; index > 0; index--) {
    const record = records[index - 1];
    if (!record || !matches(record, filter)) continue;
    const size = JSON.stringify(record.call).length;
    if (calls.length === limit || (calls.length > 0 && bytes + size > MAX_PAGE_BYTES))
      return { calls, cursor: String(last) };
    bytes += size;
    calls.push(record.call);
    last = record.firstSeq;
  }
  return { calls };
}

/** Returns the canonical `user@host` of a SIP URI with or without its scheme; undefined if it is invalid. */
export function addressOf(text: string): string | undefined {
  return canonicalAddress(/^sips?:/i.test(text) ? text : `sip:${text}`);
}

function matches({ call, owner }: CallRecord, filter: CallFilter): boolean {
  if (filter.owner !== undefined && owner !== filter.owner) return false;
  if (filter.states && !filter.states.includes(call.state)) return false;
  if (filter.since !== undefined && call.began < filter.since) return false;
  const { address } = filter;
  return address === undefined || hasAddress(call.caller, address) || hasAddress(call.callee, address);
}

function hasAddress(uri: string | null, address: string): boolean {
  if (uri === null) return false;
  // Parsing is expensive, so a URI is skipped whose user part has only one spelling, and is another.
  const [, plainUser] = /^sips?:([A-Za-z0-9+]*)@/i.exec(uri) ?? [];
  if (plainUser !== undefined && !address.startsWith(`${plainUser}@`)) return false;
  return canonicalAddress(uri) === address;
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
