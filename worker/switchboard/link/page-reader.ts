/**
 * Reads the list of all dialogs page by page, although dialogs begin and end meanwhile. Pure: its owner sends the requests.
 *
 * `index` counts dialogs, so those that begin and end during the pass shift the others. The order never changes, and new dialogs
 * come at the end of their hash bucket (`link_dlg` in `dlg_hash.c`). So nothing that stands all the time is skipped if each page
 * contains a dialog of an earlier one; if it does not, reading goes back.
 * @module
 */
import type { Dialog } from '../../../shared/opensips/mi.ts';

/** Dialogs in a page: with SDP each has 2 to 4 KB, and a reply of more than 65,457 bytes fails as a whole. */
const MAX_PAGE_SIZE = 12;

/** A page repeats a dialog of the page before, so it needs two. */
const MIN_PAGE_SIZE = 2;

/**
 * Pending pages: OpenSIPS walks its table to the beginning of each, and the replies of commands wait behind them on the link. Where
 * reading has gone back, they are doubled up to the maximum: pages that are read at the same time have no gap between them.
 */
const PENDING = { first: 2, max: 8 };

/** Attempts for a page without a reply. */
const MAX_ATTEMPTS = 3;

/** How often reading goes back, for each page. After that the list changes too fast, and it is read with gaps. */
const MAX_STEPS_BACK = 0.5;

/** A page of the list, as it is requested. */
export interface Page {
  readonly index: number;
  readonly counter: number;
  readonly attempts: number;
}

/** The reply to a page. */
export type PageResult =
  | { readonly dialogs: readonly Dialog[]; readonly count: number | undefined }
  /** OpenSIPS has refused it, which it does if the page does not fit into a datagram; or has not replied. */
  | 'refused'
  | 'no reply';

/** How carefully the list is read. It is taken over from one pass to the next. */
export interface ReadSettings {
  /** Dialogs that a page repeats of the one before. Where more of them begin and end, more are needed. */
  readonly overlap: number;
  readonly maxPending: number;
}

export const FIRST_SETTINGS: ReadSettings = { overlap: 1, maxPending: PENDING.first };

export class PageReader {
  /** Pages that are requested, or whose reply waits for the pages before it, in order. */
  #pages: { page: Page; result: PageResult | undefined }[] = [];
  #nextIndex = 0;
  #size = MAX_PAGE_SIZE;
  #overlap: number;
  #maxPending: number;
  /** The number of dialogs; undefined until the first page is read. */
  #count: number | undefined;
  /** The ids of the dialogs that were read without a gap. */
  readonly #seen = new Set<string>();
  #pageCount = 0;
  #stepsBack = 0;
  #hasEnded = false;
  #isComplete = true;

  constructor({ overlap, maxPending }: ReadSettings) {
    this.#overlap = overlap;
    this.#maxPending = maxPending;
  }

  /** The settings for the next pass: as for a quiet list again, step by step, if reading has never gone back. */
  get nextSettings(): ReadSettings {
    if (this.#stepsBack > 0) return { overlap: this.#overlap, maxPending: this.#maxPending };
    return {
      overlap: Math.ceil(this.#overlap / 2),
      maxPending: Math.max(this.#maxPending / 2, PENDING.first),
    };
  }

  /** Whether the list is read as far as it can be. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Whether every dialog was read that stood all the time. */
  get isComplete(): boolean {
    return this.#hasEnded && this.#isComplete;
  }

  /** Returns the pages to request now. They are pending from now on. */
  next(): Page[] {
    const requested: Page[] = [];
    while (!this.#hasEnded && this.#pages.length < this.#room) {
      const page = { index: this.#nextIndex, counter: this.#size, attempts: 1 };
      this.#nextIndex += Math.max(1, this.#size - this.#overlap);
      this.#pages.push({ page, result: undefined });
      requested.push(page);
    }
    return requested;
  }

  /** Handles the reply to a page. Returns the page to request again, if it is. Replies to pages that are not pending are ignored. */
  onReply(page: Page, result: PageResult): Page | undefined {
    const pending = this.#pages.find((each) => each.page === page);
    if (!pending) return undefined;
    if (result === 'no reply' && page.attempts < MAX_ATTEMPTS) {
      pending.page = { ...page, attempts: page.attempts + 1 };
      return pending.page;
    }
    pending.result = result;
    for (let first = this.#pages[0]; first?.result; first = this.#pages[0]) {
      this.#pages.shift();
      this.#read(first.page, first.result);
    }
    return undefined;
  }

  /** One until it is known how many dialogs there are. The end of the list is read alone. */
  get #room(): number {
    return this.#count !== undefined && this.#nextIndex < this.#count ? this.#maxPending : 1;
  }

  #read(page: Page, result: PageResult): void {
    if (typeof result === 'string') {
      if (result === 'refused' && page.counter > MIN_PAGE_SIZE) {
        this.#size = Math.max(MIN_PAGE_SIZE, Math.floor(page.counter / 2));
        this.#overlap = Math.min(this.#overlap, this.#size - 1);
        this.#goTo(page.index);
      } else this.#end(false);
      return;
    }
    const { dialogs, count } = result;
    this.#count = count;
    const hasGap = page.index > 0 && !dialogs.some(({ ID }) => this.#seen.has(ID));
    if (hasGap && this.#stepsBack < 1 + MAX_STEPS_BACK * this.#pageCount) {
      this.#stepsBack++;
      this.#maxPending = Math.min(2 * this.#maxPending, PENDING.max);
      this.#overlap = Math.min(2 * this.#overlap, Math.ceil(this.#size / 2));
      this.#goTo(Math.max(0, page.index - this.#size));
      return;
    }
    this.#pageCount++;
    if (hasGap) this.#isComplete = false;
    for (const { ID } of dialogs) this.#seen.add(ID);
    if (dialogs.length < page.counter) this.#end(this.#isComplete);
  }

  #goTo(index: number): void {
    this.#pages = [];
    this.#nextIndex = index;
  }

  #end(isComplete: boolean): void {
    this.#pages = [];
    this.#hasEnded = true;
    this.#isComplete = isComplete;
  }
}
