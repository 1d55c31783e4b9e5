/** The beginning of an HTTP event stream: what its client has missed, or a snapshot of the calls. @module */
import { notification as rpcNotification } from '../../../shared/protocol/rpc/jsonrpc.ts';
import type { ClientSocket } from '../sockets/attachments.ts';
import { activeCalls, type QueryContext } from './queries.ts';

/**
 * Makes the socket of a stream a watcher, to which everything later is sent. What its client has missed follows from the log. All changes
 * must have been written before.
 * @param since the last number that the client has received; undefined for a new stream
 * @returns the first frame of a new stream
 */
export function openEventStream(
  socket: WebSocket,
  client: ClientSocket,
  since: number | undefined,
  context: QueryContext,
): string | undefined {
  const { calls, watchers, replays, lastSeq, now } = context;
  const snapshotOf = (viewer: ClientSocket, seq: number) => ({
    ...activeCalls(viewer, calls),
    seq,
    link: context.isLinkUp() ? 'Up' : 'Down',
  });
  // A snapshot has a number of its own, which covers everything before it.
  const seq = since === undefined ? calls.takeSeq() : lastSeq;
  watchers.watch(socket, client, undefined, seq);
  calls.setWatched(true, now);
  if (since === undefined) return JSON.stringify(rpcNotification('Calls', snapshotOf(client, seq)));
  replays.resumeStream(socket, client, since, snapshotOf, now);
  return undefined;
}
