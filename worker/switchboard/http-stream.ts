/** Accepts the socket of an HTTP stream that ends in the Worker. @module */

import { toCommandView } from '../../shared/protocol/rpc/command-view.ts';
import type { ClientConnection, HttpStream } from '../auth/principal.ts';
import { problemOf, respondWithProblem } from '../errors/problem.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { Components } from './components.ts';
import { readRejectReason } from './rpc/authorization.ts';
import { notAllowedError } from './rpc/dispatch.ts';
import { BLOCKED_FOR_FLOOD } from './rpc/flood-guard.ts';
import { tooManyProblem } from './rpc/limits.ts';
import type { RpcServer } from './rpc/rpc-server.ts';
import type { ClientSocket } from './sockets/attachments.ts';

interface StreamComponents extends Components {
  readonly rpc: RpcServer;
  readonly commits: CommitQueue;
}

/** Returns the socket in a response with status 101, an empty one for a command that has ended, or a problem. */
export function openHttpStream(
  { rpc, runner, commandLog, calls, sessions, commits, output }: StreamComponents,
  client: ClientSocket,
  { since }: ClientConnection,
  stream: HttpStream,
  now: number,
): Response {
  const { subject } = client;
  const exceeded = rpc.countRequests(subject, { requests: 1, characters: 0 }, now);
  if (exceeded === 'flood') return respondWithProblem(BLOCKED_FOR_FLOOD);
  if (exceeded) return respondWithProblem(tooManyProblem(exceeded));
  const rejected = stream.kind === 'events' ? readRejectReason(client) : undefined;
  if (rejected !== undefined) return respondWithProblem(problemOf(notAllowedError(rejected)));
  // The first frames are read from the log.
  calls.requestWriteOfAll();
  commits.commit(now);
  if (stream.kind === 'command') {
    const command = runner.find(subject, stream.cmdId) ?? commandLog.findEnded(subject, stream.cmdId);
    if (!command || toCommandView(command).state === 'ended') return new Response(null, { status: 204 });
  }
  const { 0: outer, 1: server } = new WebSocketPair();
  sessions.accept(server, client);
  if (stream.kind === 'events') {
    const frame = rpc.openEventStream(server, client, since, now);
    if (frame !== undefined) commits.afterCommit(() => output.send(server, frame));
  }
  commits.endTurn(now);
  commits.armAlarm(now);
  return new Response(null, { status: 101, webSocket: outer });
}
