/**
 * Reads what has changed in the list of dialogs that an adapter keeps. Pure: its owner sends the requests.
 * @module
 */
import type { ListParams, ListPosition, ListResult } from '../../../shared/protocol/dialog-list.ts';

/** Calls that were in an adapter's list before: they are gone only if a change says so. */
export type ListedCalls = Pick<ListPosition, 'newestCall' | 'unlisted'>;

/** No call was in a list before. */
export const NONE_LISTED: ListedCalls = { newestCall: 0, unlisted: [] };

/** The list of an adapter. */
export interface ListSource {
  /** Whether the adapter that is connected takes requests for changes. */
  readonly takesRequests: boolean;
  /** Undefined: the whole list is needed. It survives a hibernation, and belongs to a process of the adapter. */
  listPosition: ListPosition | undefined;
}

/** An adapter whose list is read page by page. */
export const NO_LIST: ListSource = { takesRequests: false, listPosition: undefined };

export class ChangeReader {
  readonly #before: ListPosition | undefined;
  readonly #newestCall: number;
  #upto: number;
  #isFirst = true;
  #isWhole = false;
  #isComplete = true;
  #hasEnded = false;

  /**
   * @param before what was applied before
   * @param newestCall that of the {@link ListPosition} which this results in
   */
  constructor(before: ListPosition | undefined, newestCall: number) {
    this.#before = before;
    this.#newestCall = newestCall;
    this.#upto = before?.upto ?? 0;
  }

  /** The next request. */
  get request(): ListParams {
    return { after: this.#upto, fresh: this.#isFirst ? 1 : 0 };
  }

  /** Handles the reply to {@link request}. Its dialogs are applied by the owner. */
  onResult({ upto, whole, more, complete }: ListResult): void {
    this.#isFirst = false;
    this.#isWhole ||= whole;
    this.#isComplete &&= complete;
    this.#upto = upto;
    this.#hasEnded = !more;
  }

  /** Whether all changes are read. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether the whole list was read, and without a gap. */
  get isComplete(): boolean {
    return this.#isWhole && this.#isComplete;
  }

  /** The calls that were in the list before. */
  get listedBefore(): ListedCalls {
    return this.#isWhole ? NONE_LISTED : (this.#before ?? NONE_LISTED);
  }

  /** How far the changes are applied then. */
  get position(): ListPosition {
    return { upto: this.#upto, newestCall: this.#newestCall, unlisted: [] };
  }
}
