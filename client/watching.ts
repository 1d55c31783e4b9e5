/** Calls watched across breaks: a snapshot, then each change once and in order; after a break, what was missed. @module */
import type { Leg, Metadata } from './commands.ts';
import { type Answered, type Closed, type Fields, isFields, type RpcFailure } from './frames.ts';

export type CallState = 'ringing' | 'answered' | 'held' | 'transferring' | 'ended';

/** A call as the edge tells it. All times are Unix milliseconds. */
export interface Call {
  readonly callid: string;
  readonly state: CallState;
  /** Who has been put on hold; absent where nobody is. */
  readonly held?: readonly Leg[];
  /** SIP URIs; null while they are not known. */
  readonly caller: string | null;
  readonly callee: string | null;
  /** The command that made it; null where none did. */
  readonly origin: { readonly method: string; readonly cmd_id: string } | null;
  readonly began: number;
  readonly answered?: number;
  readonly ended?: number;
  /** How it ended: a few words, or SIP's status line. */
  readonly reason?: string;
  /** Call-ID of the call that it came of by a transfer, and of the one that came of it. */
  readonly from?: string;
  readonly became?: string;
  readonly metadata?: Metadata;
  /** Its last change, in the site's numbering. */
  readonly seq: number;
}

/** What happens to a call. One may come again for the same state when more has become known. */
export type CallEvent =
  | 'Ringing'
  | 'Answered'
  | 'Held'
  | 'Resumed'
  | 'Transferring'
  | 'Transferred'
  | 'Ended';

/** Who is told. */
export interface Watcher {
  /**
   * All there is; what was known before is void. A long snapshot comes in several pieces: the next when it is asked for
   * with `readOn`.
   */
  readonly snapshot: (calls: readonly Call[], readOn: () => void, seq: number) => void;
  /** And these. What is known of a call may be newer. */
  readonly more: (calls: readonly Call[], readOn: () => void) => void;
  /** The connection is back, and what was missed follows. */
  readonly resumed: () => void;
  readonly changed: (call: Call, event: CallEvent, seq: number, data: unknown) => void;
  /** Has the site an adapter? */
  readonly link: (isUp: boolean, seq: number) => void;
  readonly refused: (error: RpcFailure) => void;
  /** The connection is closed for good. */
  readonly closed?: (why: Closed) => void;
}

/** Which calls: one, or all; and from which number on, where an earlier watch has come that far. */
export interface Watched {
  readonly callid?: string | undefined;
  readonly since?: number | undefined;
}

/** Sends a request. */
type Ask = (method: string, params: object, answered: Answered) => void;

/** Calls in each further piece: the most that the edge gives. */
const PIECE = 500;

export class Watching {
  readonly watcher: Watcher;
  readonly callid: string | undefined;
  readonly #ask: Ask;
  /** Up to here all is known; undefined before the first snapshot. */
  #since: number | undefined;
  /** Rises with each asking: what answers an earlier one is void. */
  #asking = 0;
  /** Until the answer has come, what others on the same socket are told is not for this one. */
  #isAnswered = false;

  constructor(watcher: Watcher, { callid, since }: Watched, ask: Ask) {
    this.watcher = watcher;
    this.callid = callid;
    this.#since = since;
    this.#ask = ask;
  }

  /** A socket is open. */
  ask(): void {
    const asking = ++this.#asking;
    const isResumed = this.#since !== undefined;
    this.#isAnswered = false;
    // Not a promise: what follows the answer in the same frame must find it taken.
    this.#ask('CallWatch', { callid: this.callid, since: this.#since }, ({ result, error }) => {
      if (asking !== this.#asking) return;
      if (error) this.watcher.refused(error);
      else this.#answered(result, isResumed);
    });
  }

  /** Nothing more is told to this one. */
  end(): void {
    this.#asking++;
    this.#isAnswered = false;
  }

  #answered(result: unknown, isResumed: boolean): void {
    if (!isFields(result) || !Array.isArray(result['calls'])) return;
    const { calls, seq, reset, link, cursor } = result;
    if (typeof seq !== 'number') return;
    this.#isAnswered = true;
    if (link === 'Up' || link === 'Down') this.watcher.link(link === 'Up', seq);
    // What was missed follows in order, so after a break the place is where it was until then.
    if (isResumed && reset !== true) {
      this.watcher.resumed();
      return;
    }
    this.#since = seq;
    this.watcher.snapshot(calls.filter(isCall), this.#readOn(cursor), seq);
  }

  /** What changes meanwhile is told, so nothing is missed between the pieces. */
  #readOn(cursor: unknown): () => void {
    const asking = this.#asking;
    return () => {
      if (typeof cursor !== 'string' || asking !== this.#asking) return;
      const params = { state: ['ringing', 'answered', 'held', 'transferring'], limit: PIECE, cursor };
      this.#ask('CallList', params, ({ result }) => {
        if (asking !== this.#asking || !isFields(result) || !Array.isArray(result['calls'])) return;
        this.watcher.more(result['calls'].filter(isCall), this.#readOn(result['cursor']));
      });
    };
  }

  /** A notification `Call` or `Link` has come. */
  told({ method, params }: { readonly method: string; readonly params: Fields }): void {
    const { event, seq, call, data } = params;
    // Told before the snapshot, it is in that; told twice, it is known.
    if (!this.#isAnswered || typeof seq !== 'number' || seq <= (this.#since ?? 0)) return;
    if (method === 'Call' && !(isCall(call) && call.callid === (this.callid ?? call.callid))) return;
    this.#since = seq;
    if (method === 'Link') this.watcher.link(event !== 'Down', seq);
    else if (isCall(call)) this.watcher.changed(call, event as CallEvent, seq, data);
  }
}

function isCall(value: unknown): value is Call {
  return isFields(value) && typeof value['callid'] === 'string' && typeof value['began'] === 'number';
}
