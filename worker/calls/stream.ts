/** How a stream of events begins: with what its client has missed, or with the calls as they stand. @module */
import { notification } from '../../shared/jsonrpc.ts';
import type { ClientSocket } from '../attachments.ts';
import { type Board, standing } from './questions.ts';
import { concerns, seqOf, textOf } from './watchers.ts';

/**
 * What is told first, in order; from then on the socket is told all that comes after it. All that has happened must
 * have been written before.
 * @param since the last number that the client has got; undefined where it begins
 */
export function opening(
  socket: WebSocket,
  client: ClientSocket,
  since: number | undefined,
  { calls, watchers, told, last, linked, now }: Board,
): readonly string[] {
  const changes = since !== undefined && since <= last ? calls.missed(since) : undefined;
  const commands = since === undefined ? [] : told(client.subject, since);
  // Calls are shown whole: their number must be one that stands for all that has been before.
  const seq = changes ? last : calls.mark();
  watchers.watch(socket, client, undefined, seq);
  calls.watched(true, now);
  const watching = { ...client, watches: { all: true, callids: [] } };
  const missed = [...(changes ?? []), ...(commands ?? [])]
    .filter((item) => concerns(item, watching))
    .sort((one, other) => seqOf(one) - seqOf(other));
  const texts = missed.map(textOf);
  if (!commands) texts.unshift(JSON.stringify(notification('SessionReset', { since })));
  if (changes) return texts;
  const reset = since === undefined ? {} : { reset: true };
  const shown = { ...standing(client, calls), seq, link: linked ? 'Up' : 'Down', ...reset };
  return [...texts, JSON.stringify(notification('Calls', shown))];
}
