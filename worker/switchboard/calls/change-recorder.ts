/** Decides which changes of calls are logged, and collects them for the log and for watchers. @module */
import type { CallEventName } from '../../../shared/calls/call.ts';
import {
  type CallLine,
  type CallRecord,
  contentOf,
  type LinkLine,
  type LogLine,
  markLogged,
} from './call-record.ts';

/** After the last watcher has left, every change is logged for this long, so that a watcher whose connection broke can resume. */
export const RECORDED_AFTER_WATCH_MS = 600_000;

/** A change that watchers are notified of. */
export type CallChange = LinkLine | CallLine;

/**
 * While calls are observed, every change is logged. Otherwise only the first sight and the end of a call are, the legs on hold, and
 * what commands change: the log of calls that nobody watches costs little.
 */
export class ChangeRecorder {
  readonly #nextSeq: () => number;
  #lines: LogLine[] = [];
  #changes: CallChange[] = [];
  /** Ends of calls among the lines, by call. */
  readonly #ends = new Map<CallRecord, CallLine>();
  #lastUnlogged = 0;
  #isWatched = false;
  #hasWebhooks = false;
  #recordUntil = 0;

  /** @param nextSeq takes the next number of the site */
  constructor(nextSeq: () => number) {
    this.#nextSeq = nextSeq;
  }

  get isWatched(): boolean {
    return this.#isWatched;
  }

  /** Whether there are lines to write. */
  get hasLines(): boolean {
    return this.#lines.length > 0;
  }

  /** Whether there are changes to send to watchers. */
  get hasChanges(): boolean {
    return this.#changes.length > 0;
  }

  /** The newest change without a line of its own: no watcher can resume from before it. */
  get lastUnlogged(): number {
    return this.#lastUnlogged;
  }

  setWatched(isWatched: boolean, now: number): void {
    if (this.#isWatched && !isWatched) this.#recordUntil = now + RECORDED_AFTER_WATCH_MS;
    this.#isWatched = isWatched;
  }

  /** Webhooks receive every change, so they count as a watcher. */
  setWebhooks(hasWebhooks: boolean): void {
    this.#hasWebhooks = hasWebhooks;
  }

  /** Records the newest entry of a timeline. `isEssential` is logged even if the call is not observed. */
  record(record: CallRecord, isEssential: boolean, now: number): void {
    const { metadata, origin, seq } = record.call;
    const isByCommand = record.loggedMetadata !== metadata || (origin && !record.isOriginLogged);
    if (this.#isObserved || now < this.#recordUntil || isEssential || isByCommand) this.#log(record);
    else this.#lastUnlogged = seq;
  }

  /**
   * Replaces the end of a call that was recorded last, and that nobody knows yet. An event that tells who has ended a call, or that
   * it goes on in another dialog, comes a millisecond after the end, so watchers are not notified twice. The number of the end is
   * kept. Returns false if the call's last change was not its end, or was written already.
   */
  replaceEnd(record: CallRecord, event: CallEventName): boolean {
    const end = this.#ends.get(record);
    if (!end || record.timeline.at(-1)?.seq !== end.seq) return false;
    record.call = { ...record.call, seq: end.seq };
    record.timeline.splice(-1, 1, { seq: end.seq, at: end.at, event });
    const line = { ...end, event, ...contentOf(record) };
    replace(this.#lines, end, line);
    replace(this.#changes, end, line);
    if (event === 'Ended') this.#ends.set(record, line);
    else this.#ends.delete(record);
    return true;
  }

  /** Records that the link to the adapter went up or down. */
  recordLink(link: LinkLine['link'], now: number): void {
    if (!this.#isObserved && now >= this.#recordUntil) return;
    const line = { seq: this.#nextSeq(), at: now, link };
    this.#lines.push(line);
    if (this.#isObserved) this.#changes.push(line);
  }

  /** Takes a number that is shown to a client, and reserves it in the log. */
  takeSeq(): number {
    const seq = this.#nextSeq();
    this.#lines.push({ seq, mark: true });
    return seq;
  }

  /** Notes that a change up to `seq` has no line of its own. */
  noteUnlogged(seq: number): void {
    this.#lastUnlogged = Math.max(this.#lastUnlogged, seq);
  }

  /** Removes and returns the lines to write. */
  takeLines(): LogLine[] {
    this.#ends.clear();
    return this.#lines.splice(0);
  }

  /** Removes and returns the changes for watchers. Send them once the lines are written. */
  takeChanges(): CallChange[] {
    return this.#changes.splice(0);
  }

  get #isObserved(): boolean {
    return this.#isWatched || this.#hasWebhooks;
  }

  #log(record: CallRecord): void {
    const before = record.timeline.slice(record.loggedCount, -1);
    const newest = record.timeline.at(-1);
    if (!newest) return;
    const hasFirst = (before[0] ?? newest).seq === record.firstSeq;
    markLogged(record);
    const line: CallLine = {
      ...newest,
      ...contentOf(record),
      ...(before.length > 0 ? { before } : {}),
      ...(hasFirst ? {} : { first: record.firstSeq }),
    };
    const last = before.at(-1);
    if (last) this.noteUnlogged(last.seq);
    this.#lines.push(line);
    if (this.#isObserved) this.#changes.push(line);
    if (line.event === 'Ended') this.#ends.set(record, line);
    else this.#ends.delete(record);
  }
}

function replace<T>(items: T[], item: T, replacement: T): void {
  const index = items.lastIndexOf(item);
  if (index >= 0) items[index] = replacement;
}
