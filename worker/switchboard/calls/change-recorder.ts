/** Decides which changes of calls are logged, and collects them for the log and for watchers. @module */
import type { CallEventName } from '../../../shared/calls/call.ts';
import {
  type CallLine,
  type CarriedLine,
  carriedLine,
  isChange,
  type LineOfCall,
  type LinkLine,
  type LogLine,
  lastUnloggedSeq,
  lineContent,
  unloggedLine,
} from './call-lines.ts';
import type { CallRecord } from './call-record.ts';

/** After the last watcher has left, every change is logged for this long, so that a watcher whose connection broke can resume. */
export const RECORDED_AFTER_WATCH_MS = 600_000;

/** A change that watchers are notified of. */
export type CallChange = LinkLine | CallLine;

/**
 * While calls are observed, every change is logged. Otherwise only the first sight and the end of a call are, the legs on hold, and
 * what commands change: the log of calls that nobody watches costs little. What is not logged goes along with the next row, and
 * before it is shown to a client; until then it survives a hibernation as `unlogged-changes.ts` says.
 */
export class ChangeRecorder {
  readonly #nextSeq: () => number;
  #lines: LogLine[] = [];
  #changes: CallChange[] = [];
  /** Ends of calls among the lines, by call. */
  readonly #ends = new Map<CallRecord, CallLine>();
  /** Calls that have changed since they were logged. */
  readonly #unlogged = new Set<CallRecord>();
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

  /** Whether there are lines to write at once. */
  get hasLines(): boolean {
    return this.#lines.length > 0;
  }

  /** Whether there are changes to send to watchers. */
  get hasChanges(): boolean {
    return this.#changes.length > 0;
  }

  /** The newest change without a line of its own: no watcher can resume from before it. */
  get lastUnlogged(): number {
    return Math.max(this.#lastUnlogged, ...Array.from(this.#unlogged, ({ call }) => call.seq));
  }

  /** Calls that have changed since they were logged. */
  get unlogged(): ReadonlySet<CallRecord> {
    return this.#unlogged;
  }

  setWatched(isWatched: boolean, now: number): void {
    if (this.#isWatched && !isWatched) this.#recordUntil = now + RECORDED_AFTER_WATCH_MS;
    this.#isWatched = isWatched;
  }

  /** Logs every change until then, in Unix milliseconds: the last watcher has left before a hibernation. */
  recordUntil(until: number): void {
    this.#recordUntil = until;
  }

  /** Webhooks receive every change, so they count as a watcher. */
  setWebhooks(hasWebhooks: boolean): void {
    this.#hasWebhooks = hasWebhooks;
  }

  /** Records the newest entry of a timeline. `isEssential` is logged even if the call is not observed. */
  record(record: CallRecord, isEssential: boolean, now: number): void {
    const { metadata, origin } = record.call;
    const { logged } = record;
    const isByCommand = logged.metadata !== metadata || (origin && !logged.hasOrigin);
    if (this.isObserved || now < this.#recordUntil || isEssential || isByCommand) this.#log(record);
    else this.noteUnloggedState(record);
  }

  /** Notes that what clients do not see of a call has changed. */
  noteUnloggedState(record: CallRecord): void {
    record.markChanged();
    this.#unlogged.add(record);
  }

  /** Notes that all of a call is in the log, or that the call is forgotten. */
  forgetUnlogged(record: CallRecord): void {
    this.#unlogged.delete(record);
  }

  /**
   * Replaces the end of a call that was recorded last, and that nobody knows yet. An event that tells who has ended a call, or that
   * it goes on in another dialog, comes a millisecond after the end, so watchers are not notified twice. The number of the end is
   * kept. Returns false if the call's last change was not its end, or was written already.
   */
  replaceEnd(record: CallRecord, event: CallEventName): boolean {
    const end = this.#ends.get(record);
    if (!end || record.timeline.at(-1)?.seq !== end.seq) return false;
    this.#unlogged.delete(record);
    record.call = { ...record.call, seq: end.seq };
    record.replaceEntry({ seq: end.seq, at: end.at, event });
    record.markLogged(end.seq);
    const line = { ...end, event, ...lineContent(record) };
    replace(this.#lines, end, line);
    replace(this.#changes, end, line);
    if (event === 'Ended') this.#ends.set(record, line);
    else this.#ends.delete(record);
    return true;
  }

  /** Records that the link to the adapters has changed. */
  recordLink(link: LinkLine['link'], adapters: LinkLine['adapters'], now: number): void {
    if (!this.isObserved && now >= this.#recordUntil) return;
    const line = { seq: this.#nextSeq(), at: now, link, adapters };
    this.#lines.push(line);
    if (this.isObserved) this.#changes.push(line);
  }

  /** Takes a number that is shown to a client, and reserves it in the log. */
  takeSeq(): number {
    const seq = this.#nextSeq();
    this.#lines.push({ seq, mark: true });
    return seq;
  }

  /** Notes what a line of the log tells of changes that have no line of their own. */
  readonly noteLine = (line: LineOfCall): void => this.noteUnlogged(lastUnloggedSeq(line));

  /** Notes that a change up to `seq` has no line of its own. */
  noteUnlogged(seq: number): void {
    this.#lastUnlogged = Math.max(this.#lastUnlogged, seq);
  }

  /** Removes and returns the lines to write, in the order of their numbers: those of calls that have no line yet as well. */
  takeLines(): LogLine[] {
    this.#ends.clear();
    const lines = this.#lines.splice(0);
    const changes = Array.from(this.#unlogged, (record) => {
      const line = unloggedLine(record, this.#nextSeq);
      record.markLogged(line.seq);
      return line;
    });
    this.#unlogged.clear();
    for (const line of changes) this.noteUnlogged(lastUnloggedSeq(line));
    return changes.length === 0 ? lines : [...lines, ...changes].sort((one, other) => one.seq - other.seq);
  }

  /** Returns lines for the calls that have none yet, which are still to be logged. */
  peekUnlogged(): CarriedLine[] {
    return Array.from(this.#unlogged, carriedLine);
  }

  /** Removes and returns the changes for watchers. Send them once the lines are written. */
  takeChanges(): CallChange[] {
    return this.#changes.splice(0);
  }

  /** Whether clients or webhooks read the log of calls. */
  get isObserved(): boolean {
    return this.#isWatched || this.#hasWebhooks;
  }

  #log(record: CallRecord): void {
    const line = unloggedLine(record, this.#nextSeq);
    if (!isChange(line)) return;
    record.markLogged(line.seq);
    this.#unlogged.delete(record);
    this.noteUnlogged(lastUnloggedSeq(line));
    this.#lines.push(line);
    if (this.isObserved) this.#changes.push(line);
    if (line.event === 'Ended') this.#ends.set(record, line);
    else this.#ends.delete(record);
  }
}

function replace<T>(items: T[], item: T, replacement: T): void {
  const index = items.lastIndexOf(item);
  if (index >= 0) items[index] = replacement;
}
