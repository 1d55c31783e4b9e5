/** The beginning of an HTTP event stream: what its client has missed, or a snapshot of the calls. @module */
import { notification as rpcNotification } from '../../../shared/protocol/rpc/jsonrpc.ts';
import { frameText, isVisibleTo, seqOf } from '../calls/watchers.ts';
import type { ClientSocket } from '../sockets/attachments.ts';
import { activeCalls, type QueryContext } from './queries.ts';

/**
 * Returns the first frames of a stream in order, and makes its socket a watcher: everything later is sent to it. All changes
 * must have been written before.
 * @param since the last number that the client has received; undefined for a new stream
 */
export function openingFrames(
  socket: WebSocket,
  client: ClientSocket,
  since: number | undefined,
  { calls, watchers, notifications, lastSeq, isLinkUp, now }: QueryContext,
): readonly string[] {
  const changes = since !== undefined && since <= lastSeq ? calls.changesSince(since) : undefined;
  const commands = since === undefined ? [] : notifications(client.subject, since);
  // A snapshot has a number of its own, which covers everything before it.
  const seq = changes ? lastSeq : calls.takeSeq();
  watchers.watch(socket, client, undefined, seq);
  calls.setWatched(true, now);
  const watchingAll = { ...client, watches: { all: true, callids: [] } };
  const missed = [...(changes ?? []), ...(commands ?? [])]
    .filter((item) => isVisibleTo(item, watchingAll))
    .sort((one, other) => seqOf(one) - seqOf(other));
  const frames = missed.map(frameText);
  if (!commands) frames.unshift(JSON.stringify(rpcNotification('SessionReset', { since })));
  if (changes) return frames;
  const reset = since === undefined ? {} : { reset: true };
  const snapshot = { ...activeCalls(client, calls), seq, link: isLinkUp ? 'Up' : 'Down', ...reset };
  return [...frames, JSON.stringify(rpcNotification('Calls', snapshot))];
}
