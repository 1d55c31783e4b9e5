/**
 * The calls of the site: those that stand, and for a while those that have ended. They are in memory, and in a log of
 * their own that costs little: of a call that nobody watches and no command made, its first sight and its end are
 * written; while somebody watches, every change is, all of a turn in one row.
 *
 * After a sleep those that stand are read at once, and what came last; those that have ended when somebody asks.
 * @module
 */
import { CallBook } from '../shared/call-book.ts';
import type { CallEventName } from '../shared/calls.ts';
import type { EviEvent } from '../shared/evi.ts';
import type { Dialog } from '../shared/mi.ts';
import type { Command, Told } from '../shared/stored-command.ts';
import {
  type CallLine,
  type CarriedLine,
  complete,
  type Kept,
  keep,
  type Line,
  type LinkLine,
  markLogged,
  retold,
  unloggedIn,
} from './calls/kept.ts';
import { type Filter, type Page, page } from './calls/listing.ts';
import { CallLog } from './calls/log.ts';
import { Roster } from './calls/roster.ts';
import type { Store } from './store.ts';

/** A timeline has so many moments at most; then those after the first make room. */
const MOMENTS = 200;

/** Every change is logged for so long after the last watcher has left, in milliseconds: one that lost its way resumes. */
export const RECORDED_MS = 600_000;

/** Who comes back to more changes than these gets the calls anew instead. */
export const MISSED_MOST = 10_000;

/** Something that watchers are to be told. */
export type News = LinkLine | (CallLine & { readonly owner?: string });

export class Calls {
  readonly #log: CallLog;
  readonly #number: () => number;
  readonly #book = new CallBook<Kept>(keep, (entry, event, at, data) => this.#change(entry, event, at, data));
  readonly #roster = new Roster();
  #lines: Line[] = [];
  #news: News[] = [];
  /** Newest change that is not in the log as one of its own: nobody can come back to before it. */
  #unlogged = 0;
  #watched = false;
  #hasWebhooks = false;
  #recordUntil = 0;
  #now = 0;
  /** Calls that came to be known since the last look, and of which nobody knows who speaks. */
  #strangers: string[] = [];
  #doubted = false;
  /** The newest call when the last round began. */
  #roundFrom = 0;

  /**
   * @param number takes the next number of the site
   * @param reach how far back what stands is found, if not as usual
   */
  constructor(store: Store, number: () => number, reach?: number) {
    this.#number = number;
    this.#log = new CallLog(
      store,
      (callid) => {
        const kept = this.#book.get(callid);
        return kept && this.#roster.standing.has(kept) ? kept : undefined;
      },
      reach,
    );
    this.#log.awake((line) => this.#restore(line));
    this.#log.onDrop((end, now) => this.#carry(end, now));
    this.#roster.sort();
    // The next round of the survey brings their parties.
    this.#strangers = [];
    this.#prune(0);
  }

  /** How many stand that were made by commands. */
  get size(): number {
    return this.#roster.counted;
  }

  /** How many stand, whoever made them. */
  get standing(): number {
    return this.#roster.standing.size;
  }

  /** When the oldest that stands began, in Unix milliseconds; infinity where none does. */
  get oldest(): number {
    return this.#roster.oldest?.timeline[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** One that stands or has ended lately; one that ended before a sleep may be missing. */
  get(callid: string): Kept | undefined {
    return this.#book.get(callid);
  }

  /** One that is kept, with all of its timeline. */
  find(callid: string): Kept | undefined {
    const kept = this.#book.get(callid);
    if (kept && !kept.isPartial) return kept;
    this.#recall();
    return this.#book.get(callid);
  }

  /** Whose it is; undefined where no command made it, or where it stands no more. */
  ownerOf(callid: string): string | undefined {
    const kept = this.#book.get(callid);
    return kept && kept.call.state !== 'ended' ? kept.owner : undefined;
  }

  /** How its dialog stands, as far as that is known; undefined where it does not. */
  dialogOf(callid: string): 'ringing' | 'answered' | undefined {
    const call = this.#book.get(callid)?.call;
    if (!call || call.state === 'ended') return undefined;
    return call.answered === undefined ? 'ringing' : 'answered';
  }

  /** Somebody watches, or nobody does any more. */
  watched(watched: boolean, now: number): void {
    if (this.#watched && !watched) this.#recordUntil = now + RECORDED_MS;
    this.#watched = watched;
  }

  /** Webhooks are told what happens, and count as a watcher; or they are no more. */
  webhooks(wanted: boolean): void {
    this.#hasWebhooks = wanted;
  }

  /** There is something to {@link write}. */
  get changed(): boolean {
    return this.#lines.length > 0;
  }

  /** There is something to tell watchers. */
  get speaks(): boolean {
    return this.#news.length > 0;
  }

  /** A command has been started, or runs already. */
  begun(command: Command, now: number): void {
    this.#now = now;
    this.#book.begun(command, now);
  }

  /** A command has told its client something. */
  told(command: Command, told: Told, now: number): void {
    this.#now = now;
    this.#book.told(command, told, now);
  }

  /** OpenSIPS has raised an event. */
  event(event: EviEvent, now: number): void {
    this.#now = now;
    this.#book.event(event, now);
  }

  /** `dlg_list` shows it, in that round of the survey. */
  listed(dialog: Dialog, round: number, now: number): void {
    this.#now = now;
    const kept = this.#book.listed(dialog, now);
    if (kept) kept.round = Math.max(kept.round, round);
  }

  /** OpenSIPS knows it no more. */
  gone(callid: string, now: number): void {
    this.#now = now;
    this.#book.gone(callid, now);
  }

  /** The adapter went or came. */
  link(link: LinkLine['link'], now: number): void {
    if (!this.#isHeard && now >= this.#recordUntil) return;
    const line = { seq: this.#number(), at: now, link };
    this.#lines.push(line);
    if (this.#isHeard) this.#news.push(line);
  }

  /** A number that is told to somebody now, and that will be told of nothing else. */
  mark(): number {
    const seq = this.#number();
    this.#lines.push({ seq, mark: true });
    return seq;
  }

  /** Events may have been missed: all that stands is to be asked for. */
  doubt(): void {
    this.#doubted ||= this.#roster.standing.size > 0 || this.#watched;
  }

  /** Something may have been missed since the last round has begun. */
  get doubted(): boolean {
    return this.#doubted;
  }

  /** A round begins. */
  surveyed(): void {
    this.#doubted = false;
    this.#roundFrom = this.#roster.all.at(-1)?.first ?? 0;
  }

  /** Call-IDs of those that stand, did so before that round, and were not seen in it. */
  unseen(round: number): string[] {
    const callids: string[] = [];
    for (const { round: seen, first, call } of this.#roster.standing) {
      if (seen < round && first <= this.#roundFrom) callids.push(call.callid);
    }
    return callids;
  }

  /** Those whose parties are to be asked for, once. */
  strangers(): string[] {
    return this.#strangers.splice(0).filter((callid) => {
      const call = this.#book.get(callid)?.call;
      return call?.caller === null && call.state !== 'ended';
    });
  }

  list(filter: Filter, limit: number, cursor?: string): Page {
    if (filter.states?.includes('ended') ?? true) this.#recall();
    return page(this.#roster.all, filter, limit, cursor);
  }

  /** What was told after `since`, in order; undefined where that is not kept whole, or too much of it. */
  missed(since: number): readonly News[] | undefined {
    if (since < this.#log.unread) this.#recall();
    if (since < Math.max(this.#unlogged, this.#log.kept - 1)) return undefined;
    const missed: News[] = [];
    for (const lines of this.#log.from(since + 1)) {
      for (const line of lines) if (!('carried' in line || 'mark' in line)) missed.push(line);
      if (missed.length > MISSED_MOST) return undefined;
    }
    return missed;
  }

  /** What watchers are to be told, once it is written. */
  takeNews(): News[] {
    return this.#news.splice(0);
  }

  /** Logs what has changed. Gives how many rows that took. */
  write(floor: number, now: number): number {
    const lines = this.#lines.splice(0);
    const last = lines.at(-1)?.seq;
    if (last === undefined) return 0;
    const laggards = this.#log.laggards(last, this.#roster.standing.size);
    return this.#log.append([...lines, ...laggards.map((kept) => this.#carried(kept))], floor, now);
  }

  /** Somebody is to hear of each change. */
  get #isHeard(): boolean {
    return this.#watched || this.#hasWebhooks;
  }

  #change(kept: Kept, event: CallEventName, at: number, data: unknown): void {
    const seq = this.#number();
    const isNew = kept.first === 0;
    const { metadata, origin } = kept.call;
    kept.call = { ...kept.call, seq };
    if (isNew) this.#add(kept, seq);
    if (kept.timeline.length >= MOMENTS) {
      kept.timeline.splice(1, 1);
      if (kept.logged > 1) kept.logged--;
    }
    kept.timeline.push({ seq, at, event, ...(data === undefined ? {} : { data }) });
    const stays = !isNew && event !== 'Ended' && !this.#settle(kept);
    if (event === 'Ended') this.#settle(kept);
    if (this.#isHeard || this.#now < this.#recordUntil) this.#note(kept);
    else if (!stays || kept.known !== metadata || (origin && !kept.knownOrigin)) this.#note(kept);
    else this.#unlogged = seq;
  }

  #note(kept: Kept): void {
    const before = kept.timeline.slice(kept.logged, -1);
    const [moment] = kept.timeline.slice(-1);
    if (!moment) return;
    const opens = (before[0] ?? moment).seq === kept.first;
    markLogged(kept);
    const line: CallLine = {
      ...moment,
      ...standingOf(kept),
      ...(before.length > 0 ? { before } : {}),
      ...(opens ? {} : { first: kept.first }),
    };
    const last = before.at(-1);
    if (last) this.#unlogged = Math.max(this.#unlogged, last.seq);
    this.#lines.push(line);
    if (this.#isHeard) this.#news.push(line);
  }

  #add(kept: Kept, first: number): void {
    kept.first = first;
    this.#roster.add(kept);
    if (kept.call.caller === null) this.#strangers.push(kept.call.callid);
  }

  /** Keeps it where it belongs now. Says whether it is counted from now on. */
  #settle(kept: Kept): boolean {
    const counts = this.#roster.count(kept);
    if (kept.call.state !== 'ended' || !this.#roster.end(kept)) return counts;
    this.#log.forget(kept);
    if (this.#roster.isCrowded) this.#prune(0);
    return false;
  }

  /** Forgets what has ended before that position, and what is too much. */
  #prune(end: number): void {
    for (const { call } of this.#roster.prune(end)) this.#book.forget(call.callid);
  }

  /** A part of the log is about to be dropped: what stands in it is written anew, the rest goes with it. */
  #carry(end: number, now: number): void {
    this.#prune(end);
    this.#log.append(
      Array.from(this.#log.before(end), (kept) => this.#carried(kept)),
      end,
      now,
    );
  }

  #carried(kept: Kept): CarriedLine {
    const unlogged = kept.logged < kept.timeline.length ? { unlogged: kept.call.seq } : {};
    markLogged(kept);
    return { seq: this.#number(), ...standingOf(kept), carried: [...kept.timeline], ...unlogged };
  }

  #restore(line: CallLine | CarriedLine): void {
    const known = this.#book.get(line.call.callid);
    const kept = retold(line, known);
    if (!known) {
      this.#book.restore(kept);
      this.#add(kept, kept.first);
    }
    this.#hadUnlogged(line);
    this.#settle(kept);
  }

  #hadUnlogged(line: CallLine | CarriedLine): void {
    this.#unlogged = Math.max(this.#unlogged, unloggedIn(line));
  }

  /** Reads what was left unread after a sleep: calls that had ended, and how those began that have ended since. */
  #recall(): void {
    if (this.#log.unread === 0) return;
    for (const past of this.#log.past((line) => this.#hadUnlogged(line))) {
      const known = this.#book.get(past.call.callid);
      if (known) complete(known, past);
      else if (past.call.state === 'ended') {
        this.#book.restore(past);
        this.#roster.addEnded(past);
      }
    }
    this.#roster.sort();
    this.#prune(0);
  }
}

function standingOf({ call, owner }: Kept): Pick<CallLine, 'call' | 'owner'> {
  return { call, ...(owner === undefined ? {} : { owner }) };
}
