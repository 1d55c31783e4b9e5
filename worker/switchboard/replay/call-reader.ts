/** Reads the changes of calls that a socket watches from the log of calls. @module */

import { isChange, type LogLine, lastUnloggedSeq } from '../calls/call-lines.ts';
import type { CallChange } from '../calls/change-recorder.ts';
import { linesOf } from '../calls/row-reader.ts';
import { isVisibleTo } from '../calls/watchers.ts';
import type { ClientSocket } from '../sockets/attachments.ts';
import type { CommandLog } from '../store/command-log.ts';
import type { OrderedReader, ReplayPage } from './replay-reader.ts';

/** A change of the link is shown to every watcher. */
const LINK_TEXT = '"link":"';

/** One watch of a socket: a Call-ID, or undefined for all calls. */
type Watched = string | undefined;

export class CallReader implements OrderedReader {
  readonly #log: CommandLog;
  readonly #clientOf: () => ClientSocket;
  readonly #onUnlogged: (seq: number) => void;
  /** By watch, the number after which its changes are still to be read. */
  readonly #after = new Map<Watched, number>();

  /**
   * @param clientOf returns the attachment of the socket: its token and its watches can change meanwhile
   * @param onUnlogged is told of a change that has no line of its own, so that nothing before it can be replayed
   */
  constructor(log: CommandLog, clientOf: () => ClientSocket, onUnlogged: (seq: number) => void) {
    this.#log = log;
    this.#clientOf = clientOf;
    this.#onUnlogged = onUnlogged;
  }

  /** Reads the changes of a call, or of all calls, after a number as well. */
  add(callid: Watched, after: number): void {
    this.#after.set(callid, Math.min(after, this.#after.get(callid) ?? after));
  }

  get upTo(): number {
    return Math.min(...this.#after.values());
  }

  read(maxBytes: number): ReplayPage | undefined {
    const client = this.#clientOf();
    this.#removeEndedWatches(client);
    const after = this.upTo;
    if (after === Number.POSITIVE_INFINITY) return { items: [], bytes: 0, isLast: true };
    if (after < this.#log.segments.firstKept - 1) return undefined;
    const { rows, bytes, isLast } = this.#log.readPage('calls', after, this.#texts(client), maxBytes);
    const items: CallChange[] = [];
    for (const { row } of rows) {
      for (const line of row === null ? [] : linesOf(row)) {
        if (this.#isUnlogged(line)) return undefined;
        if ((isChange(line) || 'link' in line) && this.#isWanted(line, client)) items.push(line);
      }
    }
    const last = rows.at(-1)?.position ?? after;
    for (const [callid, each] of this.#after) this.#after.set(callid, Math.max(each, last));
    return { items, bytes, isLast };
  }

  #removeEndedWatches({ watches }: ClientSocket): void {
    for (const callid of this.#after.keys())
      if (callid === undefined ? !watches?.all : !watches?.callids.includes(callid))
        this.#after.delete(callid);
  }

  /** Returns what a row must contain of which anything may be visible. */
  #texts({ caller, subject }: ClientSocket): string[] {
    if (caller !== undefined) return [LINK_TEXT, `"owner":${JSON.stringify(subject)}`];
    const callids = [...this.#after.keys()];
    if (callids.includes(undefined)) return [];
    return [LINK_TEXT, ...callids.map((callid) => `"callid":${JSON.stringify(callid)}`)];
  }

  #isUnlogged(line: LogLine): boolean {
    const seq = 'call' in line ? lastUnloggedSeq(line) : 0;
    if (seq <= this.upTo) return false;
    this.#onUnlogged(seq);
    return true;
  }

  #isWanted(change: CallChange, client: ClientSocket): boolean {
    const entries = [...this.#after].filter(([, after]) => change.seq > after);
    if (entries.length === 0) return false;
    const callids = entries.flatMap(([callid]) => callid ?? []);
    const watches = { all: entries.length > callids.length, callids };
    return isVisibleTo(change, { ...client, watches });
  }
}
