/** Lists the calls of a site: those in memory, and those that have ended and are only in the log. @module */
import { type CallFilter, type CallPage, newestFirst, type PageSize, pageOf, WHOLE_PAGE } from './listing.ts';
import type { CallStores } from './restore-calls.ts';

/**
 * Returns a page of calls, the newest first.
 * @param size what the page contains and reads at most, beside the limit
 */
export function listCalls(
  { index, log: { rows, ended } }: CallStores,
  filter: CallFilter,
  limit: number,
  cursor: string | undefined,
  size: PageSize = WHOLE_PAGE,
): CallPage {
  const below = cursor === undefined ? Number.POSITIVE_INFINITY : Number(cursor);
  const isWithEnded = filter.states?.includes('ended') ?? true;
  const candidates = newestFirst(index.all, isWithEnded ? ended.before(below) : [], rows, below);
  const page = pageOf(candidates, filter, limit, { ...size, charactersRead: () => rows.charactersRead });
  rows.clear();
  return page;
}
