/** Calls watched as an iteration, at the pace of whoever reads. @module */
import { whenAborted } from './abort.ts';
import { CallApiError } from './call-error.ts';
import type { Connection } from './connection.ts';
import { type Closed, unanswered } from './frames.ts';
import { Queue } from './queue.ts';
import type { Call, CallEvent, Watched } from './watching.ts';

/**
 * Changes that are kept for a reader who does not come. Beyond that they are dropped, nothing more is asked of the edge,
 * and the next thing that is read is a {@link Reset} with all calls as they then are.
 */
export const CHANGES_KEPT = 1_000;

/** Does the edge reach an OpenSIPS? */
export type Link = 'Up' | 'Down';

export interface WatchOptions extends Watched {
  /** One call; all of the site where not given. */
  readonly callid?: string | undefined;
  /** The `seq` of the last change that an earlier watch has given: what was missed comes first, where it is still kept. */
  readonly since?: number | undefined;
  /** Ends the watch: the iteration rejects with its reason. */
  readonly signal?: AbortSignal | undefined;
}

/** All calls that stand; comes first. */
export interface Snapshot {
  readonly type: 'snapshot';
  readonly calls: readonly Call[];
  readonly link: Link;
  readonly seq: number;
}

/** The same again: what was known before is void, for what was missed is no longer kept, or too much was not read. */
export interface Reset extends Omit<Snapshot, 'type'> {
  readonly type: 'reset';
}

/** More of the snapshot: of over 10,000 calls it comes in pieces. What is known of a call by a `call` may be newer. */
export interface More {
  readonly type: 'more';
  readonly calls: readonly Call[];
}

/** The connection was lost and is back; what was missed follows. */
export interface Resumed {
  readonly type: 'resumed';
}

/** A call has changed; `call` is the whole of it. `data` is more of the event, as docs/protocol.md has it. */
export interface CallChange {
  readonly type: 'call';
  readonly event: CallEvent;
  readonly call: Call;
  readonly seq: number;
  readonly data?: unknown;
}

/** The adapter beside OpenSIPS has come or gone. */
export interface LinkChange {
  readonly type: 'link';
  readonly link: Link;
  readonly seq: number;
}

export type Change = Snapshot | Reset | More | Resumed | CallChange | LinkChange;

/** Begins a watch. */
export function watch(
  connection: Connection,
  { callid, since, signal }: WatchOptions,
): AsyncIterableIterator<Change, undefined> {
  let link: Link | undefined;
  let isFirst = since === undefined;
  let isBehind = false;
  /** Asks for the next piece of a long snapshot, once the one before has been read. */
  let readOn = () => {};
  let stop = () => {};
  let over = () => {};

  const leave = () => {
    stop();
    over();
  };
  const fail = (why: unknown) => {
    leave();
    queue.fail(why);
  };
  const queue = new Queue<Change>(leave);
  const put = (change: Change) => {
    queue.put(change);
    if (queue.size <= CHANGES_KEPT) return;
    queue.clear();
    stop();
    isBehind = true;
  };
  const begin = (from?: number) => {
    stop = connection.watch(
      {
        snapshot: (calls, next, seq) => {
          readOn = next;
          put({ type: isFirst ? 'snapshot' : 'reset', calls, link: link ?? 'Down', seq });
          isFirst = false;
        },
        more: (calls, next) => {
          readOn = next;
          put({ type: 'more', calls });
        },
        resumed: () => put({ type: 'resumed' }),
        changed: (call, event, seq, data) =>
          put({ type: 'call', event, call, seq, ...(data === undefined ? {} : { data }) }),
        link: (isUp, seq) => {
          const before = link;
          link = isUp ? 'Up' : 'Down';
          if (before !== undefined && before !== link) put({ type: 'link', link, seq });
        },
        refused: (error) => fail(new CallApiError(error, 'Refused')),
        closed: (why: Closed) => {
          if (why !== 'asked') return fail(new CallApiError(unanswered(why), 'Lost'));
          leave();
          queue.end();
        },
      },
      { callid, since: from },
    );
  };

  over = whenAborted(signal, () => {
    queue.clear();
    fail(signal?.reason);
  });
  if (!signal?.aborted) begin(since);
  return {
    next() {
      if (isBehind) {
        isBehind = false;
        begin();
      }
      const read = queue.next();
      if (queue.size === 0) {
        readOn();
        readOn = () => {};
      }
      return read;
    },
    return: () => queue.return(),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
