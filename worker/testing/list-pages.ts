/** Reads lists of calls to their end. @module */
import type { Calls } from '../switchboard/calls/calls.ts';
import type { CallPage, RecordFilter } from '../switchboard/calls/listing.ts';

/** Returns all pages of a list. */
export function pagesOf(calls: Calls, filter: RecordFilter, onPage = () => {}): CallPage[] {
  const pages: CallPage[] = [];
  do {
    pages.push(calls.list(filter, Number.POSITIVE_INFINITY, pages.at(-1)?.cursor));
    onPage();
  } while (pages.at(-1)?.cursor !== undefined);
  return pages;
}
