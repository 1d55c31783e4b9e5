/** Watches calls as an async iteration that the program reads at its own pace. @module */
import { onAbort } from '../connection/abort-signal.ts';
import type { Call, CallEvent } from '../connection/call.ts';
import type { WatchParams } from '../connection/call-subscription.ts';
import type { Connection } from '../connection/connection.ts';
import { type CloseReason, noResponse } from '../connection/failures.ts';
import { CallApiError } from './call-api-error.ts';
import { Queue } from './queue.ts';

/**
 * Changes that are stored while the program does not read them. Beyond that, all are dropped, the subscription ends, and
 * the next read subscribes again and returns a {@link Reset} with the calls of that moment.
 */
export const MAX_UNREAD_CHANGES = 1_000;

/** Whether the edge can reach OpenSIPS. */
export type Link = 'Up' | 'Down';

export interface WatchOptions extends WatchParams {
  /** The call to watch. All calls of the site if omitted. */
  readonly callid?: string | undefined;
  /** `seq` of the last change of an earlier watch. The changes since then come first, if the edge still stores them. */
  readonly since?: number | undefined;
  /** Ends the watch: the iteration rejects with the reason of the signal. */
  readonly signal?: AbortSignal | undefined;
}

/** All active calls. Comes first. */
export interface Snapshot {
  readonly type: 'snapshot';
  readonly calls: readonly Call[];
  readonly link: Link;
  readonly seq: number;
  /** True if {@link SnapshotPage}s follow, and absent otherwise. */
  readonly hasMore?: true;
}

/** A new snapshot. Discard all earlier calls: missed changes are no longer stored, or too many were not read. */
export interface Reset extends Omit<Snapshot, 'type'> {
  readonly type: 'reset';
}

/**
 * A further page of a long snapshot. A `call` change may be newer than what a page contains. The snapshot is complete with
 * the page that has no `hasMore`. If a page cannot be fetched, the iteration rejects.
 */
export interface SnapshotPage {
  readonly type: 'page';
  readonly calls: readonly Call[];
  /** True if another page follows, and absent otherwise. */
  readonly hasMore?: true;
}

/** The connection was lost and is back. The missed changes follow, and the pages of the snapshot that are still missing. */
export interface Resumed {
  readonly type: 'resumed';
}

/** A call has changed. `call` is its complete state; docs/protocol.md describes the `data` of each event. */
export interface CallChange {
  readonly type: 'call';
  readonly event: CallEvent;
  readonly call: Call;
  readonly seq: number;
  readonly data?: unknown;
}

/** The adapter of OpenSIPS has connected or disconnected. If that was while the connection was lost, `seq` is that of the change before. */
export interface LinkChange {
  readonly type: 'link';
  readonly link: Link;
  readonly seq: number;
}

export type Change = Snapshot | Reset | SnapshotPage | Resumed | CallChange | LinkChange;

export function watchCalls(
  connection: Connection,
  { callid, since, signal }: WatchOptions,
): AsyncIterableIterator<Change> {
  let link: Link | undefined;
  let isFirst = since === undefined;
  let isOverflowed = false;
  /** Requests the next page of a long snapshot once the previous one has been read. */
  let fetchNextPage: (() => void) | undefined;
  let unsubscribe = () => {};
  let removeListener = () => {};

  /** Every way out of a watch ends here. Nothing subscribes again after it. */
  const stop = () => {
    unsubscribe();
    removeListener();
    isOverflowed = false;
    fetchNextPage = undefined;
  };
  const fail = (reason: unknown) => {
    stop();
    queue.fail(reason);
  };
  const queue = new Queue<Change>(stop);
  const put = (change: Change) => {
    queue.put(change);
    if (queue.size <= MAX_UNREAD_CHANGES) return;
    queue.clear();
    unsubscribe();
    isOverflowed = true;
  };
  const subscribe = (since?: number) => {
    unsubscribe = connection.watch(
      {
        onSnapshot: (calls, fetchNext, seq) => {
          fetchNextPage = fetchNext;
          const type = isFirst ? 'snapshot' : 'reset';
          put({ type, calls, link: link ?? 'Down', seq, ...(fetchNext ? { hasMore: true } : {}) });
          isFirst = false;
        },
        onSnapshotPage: (calls, fetchNext) => {
          fetchNextPage = fetchNext;
          put({ type: 'page', calls, ...(fetchNext ? { hasMore: true } : {}) });
        },
        onResumed: () => put({ type: 'resumed' }),
        onCall: (call, event, seq, data) =>
          put({ type: 'call', event, call, seq, ...(data === undefined ? {} : { data }) }),
        onLink: (isUp, seq) => {
          const previous = link;
          link = isUp ? 'Up' : 'Down';
          if (previous !== undefined && previous !== link) put({ type: 'link', link, seq });
        },
        onRefused: (error) => fail(new CallApiError(error, 'Refused')),
        onClosed: (reason: CloseReason) => {
          if (reason !== 'requested') return fail(new CallApiError(noResponse(reason, ''), 'Lost'));
          stop();
          queue.end();
        },
      },
      { callid, since },
    );
  };

  removeListener = onAbort(signal, () => {
    queue.clear();
    fail(signal?.reason);
  });
  if (!signal?.aborted) subscribe(since);
  return {
    next() {
      if (isOverflowed) {
        isOverflowed = false;
        subscribe();
      }
      const change = queue.next();
      if (queue.size === 0) {
        fetchNextPage?.();
        fetchNextPage = undefined;
      }
      return change;
    },
    return: () => queue.return(),
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
