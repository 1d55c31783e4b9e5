/**
 * Asks OpenSIPS how calls stand. A round reads its whole list of dialogs page by page: so calls are found whose events
 * were lost; those that no page has shown are then asked for by their Call-ID, because pages move while they are read.
 * What is asked and not answered is kept in memory only: a round that is lost does no harm, and the next one asks
 * again.
 * @module
 */
import { MI_MS } from '../shared/deadlines.ts';
import type { Mi, Reply } from '../shared/link.ts';
import { type Dialog, DialogResult, DialogsResult, NOT_FOUND } from '../shared/mi.ts';

/** So many are asked for at a time: calls that are being made wait for their answers behind them. */
const AT_ONCE = 32;

/** So many calls wait to be asked who speaks in them; the next round brings those that find no room. */
const QUEUE = 1_000;

/** Dialogs to a page: with their SDP they take 2 to 4 KB each, and a reply over 65,457 bytes fails whole. */
const PAGE = 12;

/** Pages at a time: OpenSIPS walks its table to where each begins. */
const PAGES_AT_ONCE = 2;

/** A page that gets no answer is asked for so often. */
const TRIES = 3;

/** Who is told what OpenSIPS says. */
export interface Surveyor {
  /** OpenSIPS knows it; in that round, or 0 where it was asked for by itself. */
  listed(dialog: Dialog, round: number): void;
  /** OpenSIPS does not know it. */
  gone(callid: string): void;
  /** All pages of that round are read. Gives the Call-IDs that are to be asked for. */
  read(round: number): readonly string[];
}

type Asked =
  | { readonly type: 'page'; readonly index: number; readonly counter: number; readonly tries: number }
  | { readonly type: 'call'; readonly callid: string };

export class Survey {
  readonly #surveyor: Surveyor;
  /** Unlike any command's: the runner passes over what comes for it. */
  readonly #name = `survey-${crypto.randomUUID()}`;
  #asked = 0;
  /** By the id of the request that is not answered yet. */
  readonly #pending = new Map<string, Asked>();
  #pages: Extract<Asked, { type: 'page' }>[] = [];
  #pagesOut = 0;
  /** Where the next page begins, and how many dialogs there are; infinity until the first page says so. */
  #next = 0;
  #total = 0;
  #counter = PAGE;
  #round = 0;
  #reading = false;
  /** To be asked for by their Call-IDs, in order. */
  readonly #calls = new Set<string>();
  #callsOut = 0;
  #heardAt = 0;
  #requests: Mi[] = [];

  constructor(surveyor: Surveyor) {
    this.#surveyor = surveyor;
  }

  /** Begins a round, unless one is under way that still gets answers. Says whether it did. */
  begin(now: number): boolean {
    if (this.underWay && now - this.#heardAt <= MI_MS) return false;
    this.drop();
    this.#round++;
    this.#reading = true;
    this.#heardAt = now;
    this.#next = 0;
    this.#total = Number.POSITIVE_INFINITY;
    this.#counter = PAGE;
    this.#turnPage();
    return true;
  }

  /** Asks for these calls by themselves. */
  ask(callids: Iterable<string>): void {
    for (const callid of callids) this.#calls.add(callid);
    this.#ask();
  }

  /** Asks who speaks in these calls, as far as there is room. */
  lookUp(callids: Iterable<string>): void {
    for (const callid of callids) if (this.#calls.size < QUEUE) this.#calls.add(callid);
    this.#ask();
  }

  /** Forgets what is under way: what was asked on a socket that is gone may have been lost with it. */
  drop(): void {
    this.#pending.clear();
    this.#pages = [];
    this.#pagesOut = 0;
    this.#calls.clear();
    this.#callsOut = 0;
    this.#requests = [];
    this.#reading = false;
  }

  /** Some are not answered. */
  get underWay(): boolean {
    return this.#pending.size > 0;
  }

  /** There is something to ask. */
  get speaks(): boolean {
    return this.#requests.length > 0;
  }

  /** What is to be asked now. */
  take(): Mi[] {
    return this.#requests.splice(0);
  }

  /** An adapter's answer; one to somebody else's request is passed over. */
  reply(reply: Pick<Reply, 'id' | 'result' | 'error'>, now: number): void {
    const asked = this.#pending.get(reply.id);
    if (!asked) return;
    this.#pending.delete(reply.id);
    this.#heardAt = now;
    if (asked.type === 'call') this.#ofCall(asked.callid, reply);
    else this.#ofPage(asked, reply);
    this.#ask();
  }

  #ofCall(callid: string, { result, error }: Pick<Reply, 'result' | 'error'>): void {
    this.#callsOut--;
    const found = DialogResult.safeParse(result);
    if (found.success) this.#surveyor.listed(found.data.Dialog, 0);
    else if (error?.code === NOT_FOUND) this.#surveyor.gone(callid);
  }

  #ofPage(page: Extract<Asked, { type: 'page' }>, { result, error }: Pick<Reply, 'result' | 'error'>): void {
    this.#pagesOut--;
    const found = DialogsResult.safeParse(result);
    if (found.success) {
      for (const dialog of found.data.Dialogs) this.#surveyor.listed(dialog, this.#round);
      const { count, Dialogs } = found.data;
      if (Dialogs.length < page.counter) this.#total = Math.min(this.#total, page.index + Dialogs.length);
      else if (this.#total === Number.POSITIVE_INFINITY) this.#total = count ?? this.#total;
    } else if (error && page.counter > 1) {
      // A page that does not fit into a datagram fails with 500: it is asked for in halves.
      const half = Math.ceil(page.counter / 2);
      this.#counter = Math.min(this.#counter, half);
      this.#pages.push({ ...page, counter: half });
      this.#pages.push({ ...page, index: page.index + half, counter: page.counter - half });
    } else if (!error && page.tries < TRIES) {
      this.#pages.push({ ...page, tries: page.tries + 1 });
    } else {
      // No more can be read. Those that no page has shown are asked for by themselves.
      this.#total = Math.min(this.#total, page.index);
      this.#pages = this.#pages.filter(({ index }) => index < this.#total);
    }
    this.#turnPage();
  }

  #turnPage(): void {
    while (this.#reading && this.#pagesOut < PAGES_AT_ONCE) {
      const page = this.#pages.shift() ?? this.#nextPage();
      if (!page) break;
      this.#pagesOut++;
      this.#request(page, { index: page.index, counter: page.counter });
    }
    if (!this.#reading || this.#pagesOut > 0) return;
    this.#reading = false;
    this.ask(this.#surveyor.read(this.#round));
  }

  #nextPage(): Extract<Asked, { type: 'page' }> | undefined {
    // How many there are is not known before the first page is here.
    const unknown = this.#total === Number.POSITIVE_INFINITY && this.#pagesOut > 0;
    if (unknown || this.#next >= this.#total) return undefined;
    const page = { type: 'page', index: this.#next, counter: this.#counter, tries: 1 } as const;
    this.#next += this.#counter;
    return page;
  }

  #ask(): void {
    for (const callid of this.#calls) {
      if (this.#callsOut >= AT_ONCE) return;
      this.#calls.delete(callid);
      this.#callsOut++;
      this.#request({ type: 'call', callid }, { callid });
    }
  }

  #request(asked: Asked, params: Mi['params']): void {
    const id = `${this.#name}.${this.#asked++}`;
    this.#pending.set(id, asked);
    this.#requests.push({ type: 'mi', id, method: 'dlg_list', params, timeout_ms: MI_MS, ttl_ms: MI_MS });
  }
}
