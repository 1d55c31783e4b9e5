/** Calls watched across breaks: a snapshot, then each change once and in order; after a break, what was missed. @module */
import { type Answered, type Fields, isFields, type RpcFailure } from './frames.ts';

export type Leg = 'caller' | 'callee';

/** A call as the edge tells it: docs/protocol.md. */
export interface Call {
  readonly callid: string;
  readonly state: 'ringing' | 'answered' | 'held' | 'transferring' | 'ended';
  /** Who has been put on hold. */
  readonly held?: readonly Leg[];
  readonly caller: string | null;
  readonly callee: string | null;
  readonly origin: { readonly method: string; readonly cmd_id: string } | null;
  /** Unix milliseconds, as all times. */
  readonly began: number;
  readonly answered?: number;
  readonly ended?: number;
  readonly reason?: string;
  readonly from?: string;
  readonly became?: string;
  readonly metadata?: Fields;
  readonly seq: number;
}

/** Who is told. */
export interface Watcher {
  /** All there is; what was known before is void. */
  readonly snapshot: (calls: readonly Call[]) => void;
  /** And these: a long snapshot comes in several pieces. What is known of a call may be newer. */
  readonly more: (calls: readonly Call[]) => void;
  /** The connection is back, and what was missed follows. */
  readonly resumed: () => void;
  readonly changed: (call: Call, event: string) => void;
  /** Has the site an adapter? */
  readonly link: (isUp: boolean) => void;
  readonly refused: (error: RpcFailure) => void;
}

/** Sends a request. */
type Ask = (method: string, params: object, answered: Answered) => void;

/** Calls in each further piece: the most that the edge gives. */
const PIECE = 500;

export class Watching {
  readonly #ask: Ask;
  #watcher: Watcher | undefined;
  /** Up to here all is known; undefined before the first snapshot. */
  #since: number | undefined;
  /** Rises with each asking: what answers an earlier one is void. */
  #asking = 0;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  begin(watcher: Watcher): void {
    this.#watcher = watcher;
    this.#since = undefined;
  }

  /** A socket is open. */
  ask(): void {
    const watcher = this.#watcher;
    if (!watcher) return;
    const asking = ++this.#asking;
    const isResumed = this.#since !== undefined;
    // Not a promise: what follows the answer in the same frame must find it taken.
    this.#ask('CallWatch', isResumed ? { since: this.#since } : {}, ({ result, error }) => {
      if (asking !== this.#asking) return;
      if (error) watcher.refused(error);
      else this.#answered(watcher, result, isResumed);
    });
  }

  #answered(watcher: Watcher, result: unknown, isResumed: boolean): void {
    if (!isFields(result) || !Array.isArray(result['calls'])) return;
    const { calls, seq, reset, link, cursor } = result;
    if (link === 'Up' || link === 'Down') watcher.link(link === 'Up');
    // What was missed follows in order, so after a break the place is where it was until then.
    if (isResumed && reset !== true) {
      watcher.resumed();
      return;
    }
    if (typeof seq === 'number') this.#since = seq;
    watcher.snapshot(calls.filter(isCall));
    this.#readOn(watcher, cursor);
  }

  /** What changes meanwhile is told, so nothing is missed between the pieces. */
  #readOn(watcher: Watcher, cursor: unknown): void {
    if (typeof cursor !== 'string') return;
    const asking = this.#asking;
    const params = { state: ['ringing', 'answered', 'held', 'transferring'], limit: PIECE, cursor };
    this.#ask('CallList', params, ({ result }) => {
      if (asking !== this.#asking || !isFields(result) || !Array.isArray(result['calls'])) return;
      watcher.more(result['calls'].filter(isCall));
      this.#readOn(watcher, result['cursor']);
    });
  }

  /** A notification `Call` or `Link` has come. */
  told({ method, params }: { readonly method: string; readonly params: Fields }): void {
    const { event, seq, call } = params;
    // Told before the snapshot, it is in that; told twice, it is known.
    if (this.#since === undefined || typeof seq !== 'number' || seq <= this.#since) return;
    this.#since = seq;
    if (method === 'Link') this.#watcher?.link(event !== 'Down');
    else if (isCall(call)) this.#watcher?.changed(call, String(event));
  }
}

function isCall(value: unknown): value is Call {
  return isFields(value) && typeof value['callid'] === 'string' && typeof value['began'] === 'number';
}
