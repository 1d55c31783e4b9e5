/** Runs the messages of clients, from a socket or over HTTP, and queues the replies. @module */
import type { Problem } from '../../shared/protocol/http/problem.ts';
import { type ParsedMessage, parseMessage, type RpcRequest } from '../../shared/protocol/rpc/jsonrpc.ts';
import { AuthorizeParams } from '../../shared/protocol/rpc/service-methods.ts';
import { INVALID_CREDENTIAL } from '../auth/authenticated.ts';
import type { Claims } from '../auth/tokens.ts';
import type { CommitQueue } from './commit-queue.ts';
import type { Components } from './components.ts';
import type { SocketReplays } from './replay/socket-replays.ts';
import { acknowledgedToken } from './rpc/acknowledgment.ts';
import { areCallsServed } from './rpc/command-adapter.ts';
import { BLOCKED_FOR_FLOOD } from './rpc/flood-guard.ts';
import { needsLink } from './rpc/needs-link.ts';
import type { RpcServer, VerifiedTokens } from './rpc/rpc-server.ts';
import { isAuthorize } from './rpc/token-renewal.ts';
import { attachmentOf, type ClientSocket, isLive } from './sockets/attachments.ts';

/** The answer to a message over HTTP: the responses, each as JSON, or why the message was rejected. */
export type RpcOverHttpResult =
  | { readonly responses: readonly string[]; readonly batch: boolean }
  | { readonly problem: Problem };

export class ClientMessages {
  readonly #components: Components;
  readonly #rpc: RpcServer;
  readonly #commits: CommitQueue;
  readonly #replays: SocketReplays;
  readonly #verifyToken: (token: string) => Promise<Claims | undefined>;
  /** The last verification of each socket: of two new tokens, the later one counts, whichever is verified first. */
  readonly #verifications = new WeakMap<WebSocket, Promise<unknown>>();

  constructor(
    components: Components,
    rpc: RpcServer,
    commits: CommitQueue,
    replays: SocketReplays,
    verifyToken: (token: string) => Promise<Claims | undefined>,
  ) {
    this.#components = components;
    this.#rpc = rpc;
    this.#commits = commits;
    this.#replays = replays;
    this.#verifyToken = verifyToken;
  }

  /**
   * Runs a frame, and ends its turn. A promise is returned if the frame contains tokens, whose verification takes time. A rejected
   * frame is no turn: it has changed nothing, and must cost little.
   */
  onFrame(
    socket: WebSocket,
    client: ClientSocket,
    frame: string | ArrayBuffer,
    now: number,
  ): Promise<void> | undefined {
    const { sessions } = this.#components;
    if ((client.expires ?? Number.POSITIVE_INFINITY) <= now) {
      sessions.closeExpired(socket);
      return undefined;
    }
    const token = acknowledgedToken(frame);
    if (token !== undefined && this.#replays.acknowledge(socket, token, now)) return undefined;
    const read = this.#rpc.read(client, frame, now);
    if (read.outcome === 'answered') sessions.answer(socket, read.reply.responses, read.reply.batch);
    if (read.outcome !== 'read') return undefined;
    const requests = read.message.entries.filter(isAuthorize);
    if (requests.length > 0) return this.#verifyTokensAndRun(socket, read.message, requests);
    const linked = this.#untilLinked(client, read.message, now);
    if (!linked) this.#run(socket, read.message, now);
    return linked?.then(() => {
      if (isLive(socket)) this.#run(socket, read.message, Date.now());
    });
  }

  /** Runs a message that was sent over HTTP. Resolves once its turn is stored. */
  async onHttpMessage(client: ClientSocket, text: string, now: number): Promise<RpcOverHttpResult> {
    const read = this.#rpc.count(client.subject, parseMessage(text), text.length, now);
    if (read.outcome === 'flood') return { problem: BLOCKED_FOR_FLOOD };
    if (read.outcome === 'answered') return { responses: read.reply.responses, batch: read.reply.batch };
    const linked = this.#untilLinked(client, read.message, now);
    if (linked) {
      await linked;
      if (this.#components.dialing.isStopped || this.#components.policies.isRevoked(client.key))
        return { problem: { status: INVALID_CREDENTIAL.status, detail: INVALID_CREDENTIAL.reason } };
    }
    const ranAt = linked ? Date.now() : now;
    this.#components.runner.fireDueTimers(ranAt);
    const { responses, batch } = this.#rpc.run(undefined, client, read.message, ranAt);
    await new Promise<void>((onCommitted) => {
      this.#commits.afterCommit(onCommitted);
      this.#commits.endTurn(ranAt);
    });
    return { responses, batch };
  }

  /** Resolves when the adapter of a message that needs it was dialed, or could not be; undefined if nothing must be waited for. */
  #untilLinked(client: ClientSocket, message: ParsedMessage, now: number): Promise<void> | undefined {
    const { dialing, policies } = this.#components;
    const { rules } = policies.policy;
    if (!dialing.target || !needsLink(message, client, rules)) return undefined;
    const areServed = () => areCallsServed(message, client.subject, this.#components);
    return dialing.untilLinked(areServed, now);
  }

  async #verifyTokensAndRun(
    socket: WebSocket,
    message: ParsedMessage,
    requests: readonly RpcRequest[],
  ): Promise<void> {
    const previous = this.#verifications.get(socket);
    const verification = this.#verify(requests);
    const inOrder = Promise.allSettled([previous, verification]);
    this.#verifications.set(socket, inOrder);
    await inOrder;
    const verified = await verification;
    const client = attachmentOf(socket);
    if (client.kind === 'client') await this.#untilLinked(client, message, Date.now());
    if (!isLive(socket)) return;
    this.#run(socket, message, Date.now(), verified);
  }

  async #verify(requests: readonly RpcRequest[]): Promise<VerifiedTokens> {
    const verified = new Map<RpcRequest, Claims | undefined>();
    for (const request of requests) {
      const params = AuthorizeParams.safeParse(request.params);
      if (params.success) verified.set(request, await this.#verifyToken(params.data.token));
    }
    return verified;
  }

  #run(socket: WebSocket, message: ParsedMessage, now: number, verified?: VerifiedTokens): void {
    const client = attachmentOf(socket);
    if (client.kind !== 'client') return;
    this.#components.runner.fireDueTimers(now);
    this.#commits.reply(socket, this.#rpc.run(socket, client, message, now, verified));
    this.#commits.endTurn(now);
  }
}
