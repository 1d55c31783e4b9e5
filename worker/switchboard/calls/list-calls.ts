/** Lists the calls of a site: those in memory, and those that have ended and are only in the log. @module */
import { type CallPage, newestFirst, pageOf, type RecordFilter } from './listing.ts';
import type { CallStores } from './restore-calls.ts';

/** Returns a page of calls, the newest first. */
export function listCalls(
  { index, log: { rows, ended } }: CallStores,
  filter: RecordFilter,
  limit: number,
  cursor: string | undefined,
): CallPage {
  const below = cursor === undefined ? Number.POSITIVE_INFINITY : Number(cursor);
  const isWithEnded = filter.states?.includes('ended') ?? true;
  const candidates = newestFirst(index.all, isWithEnded ? ended.before(below) : [], rows, below);
  const readBefore = rows.charactersRead;
  const page = pageOf(candidates, filter, limit, () => rows.charactersRead - readBefore);
  rows.clear();
  return page;
}
