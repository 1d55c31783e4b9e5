/**
 * The Switchboard: the Durable Object of a site, where its clients, its calls and its adapter meet. It receives what the platform
 * delivers (connections, messages, RPC, alarms) and passes it to the component that owns it.
 * @module
 */
import { DurableObject } from 'cloudflare:workers';
import type { DialOrder } from '../../shared/policy/link-setting.ts';
import type { Policy } from '../../shared/policy/policy.ts';
import type { Problem } from '../../shared/protocol/http/problem.ts';
import type { SiteUsage } from '../../shared/protocol/http/usage.ts';
import { closeCode, PING, PONG } from '../../shared/protocol/link.ts';
import { INVALID_CREDENTIAL } from '../auth/authenticated.ts';
import type { ClientConnection, Connection } from '../auth/principal.ts';
import { type Claims, verifyToken } from '../auth/tokens.ts';
import { problemResponse, RETRY_AFTER_S, respondWithProblem } from '../errors/problem.ts';
import { Alarm } from '../objects/alarm.ts';
import { WriteProbe } from '../objects/write-probe.ts';
import type { LogPage, LogRange } from '../webhooks/log-range.ts';
import { ClientMessages, type RpcOverHttpResult } from './client-messages.ts';
import { SiteClock } from './clock-set-back.ts';
import { CommitQueue } from './commit-queue.ts';
import { type Components, restoreComponents } from './components.ts';
import { onDialFailed, releaseLink } from './dialer-calls.ts';
import { openHttpStream } from './http-stream.ts';
import { TAG as ADAPTER_TAG } from './link/link.ts';
import type { LinkHealth } from './link/link-health.ts';
import { SocketReplays } from './replay/socket-replays.ts';
import { BLOCKED_FOR_FLOOD } from './rpc/flood-guard.ts';
import { tooManyProblem } from './rpc/limits.ts';
import { RpcServer } from './rpc/rpc-server.ts';
import { attachmentFor, attachmentOf, isLive } from './sockets/attachments.ts';
import { closeInReturn, closeWithNotice } from './sockets/close.ts';
import { ConnectionLimit, MAX_SITE_SOCKETS } from './sockets/connection-limit.ts';
import { readLogPage } from './webhooks/log-page.ts';

/** The header with the {@link Connection}. Only the Worker sets it: no client can reach the object directly. */
export const CONNECTION_HEADER = 'x-call-api-connection';

/** The components, and what uses all of them. */
interface ActiveComponents extends Components {
  readonly clock: SiteClock;
  readonly rpc: RpcServer;
  readonly commits: CommitQueue;
  readonly replays: SocketReplays;
  readonly messages: ClientMessages;
}

/** The state of a site, for `/healthz`. */
export interface SiteHealth {
  readonly link: LinkHealth;
  /** The number of running commands. */
  readonly running: number;
}

const RETRY_LATER = { 'Retry-After': String(RETRY_AFTER_S) };

export class Switchboard extends DurableObject<Env> {
  #components: ActiveComponents | undefined;
  /** Whether the site was deleted, and has not been used since. */
  #isErased = false;
  readonly #connectionLimit: ConnectionLimit;
  readonly #alarm: Alarm;
  readonly #writeProbe: WriteProbe;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
    this.#connectionLimit = new ConnectionLimit(ctx.id.toString(), () => ctx.getWebSockets().length, {
      site: MAX_SITE_SOCKETS,
      process: env.MAX_SOCKETS ? Number(env.MAX_SOCKETS) : Number.POSITIVE_INFINITY,
    });
    this.#alarm = new Alarm(ctx.storage);
    this.#writeProbe = new WriteProbe(ctx.storage);
    ctx.blockConcurrencyWhile(() => this.#alarm.load());
  }

  /** The components, restored when first used: an erased object stays without tables until it is used again. */
  get #active(): ActiveComponents {
    this.#components ??= this.#restore();
    this.#isErased = false;
    const { clock, commits } = this.#components;
    const now = Date.now();
    if (clock.check(this.#components, now)) commits.endTurn(now);
    return this.#components;
  }

  #restore(): ActiveComponents {
    const { SWITCHBOARD, WEBHOOKS, DIALER } = this.env;
    const components = restoreComponents(this.ctx, {
      notifyWebhooks: (siteName, position) =>
        WEBHOOKS.get(WEBHOOKS.idFromName(siteName)).onLogPosition(position),
      dialer: (name, { location }) =>
        DIALER.get(DIALER.idFromName(name), location === undefined ? {} : { locationHint: location }),
    });
    const isOwnSite = ({ tenant, site }: Claims) =>
      SWITCHBOARD.idFromName(`${tenant}/${site}`).equals(this.ctx.id);
    const commits = new CommitQueue(components, this.#alarm);
    const replays = new SocketReplays({
      ...components,
      flush: (now) => commits.commit(now),
      lastSeq: () => components.runner.lastSeq,
    });
    const rpc = new RpcServer({ ...components, replays }, isOwnSite);
    const messages = new ClientMessages(components, rpc, commits, replays, (token) =>
      verifyToken(token, this.env),
    );
    const clock = new SiteClock(this.ctx.storage.sql, components.commandLog);
    return { ...components, clock, rpc, commits, messages, replays };
  }

  /** Accepts a WebSocket, whose principal the Worker has authenticated. */
  override fetch(request: Request): Response {
    const connection = JSON.parse(request.headers.get(CONNECTION_HEADER) ?? 'null') as Connection | null;
    if (!connection) return new Response('Connect through the Worker.', { status: 403 });
    const now = Date.now();
    const { policies, sessions, link, commits, replays, charges, dialing } = this.#active;
    const rejected = this.#rejectReason(connection, now);
    if (rejected) return respondWithProblem(rejected);
    const exceeded = charges.onConnecting(connection, now);
    if (exceeded) return respondWithProblem(tooManyProblem(exceeded));
    const unwanted = connection.role === 'adapter' && connection.knocks && dialing.onKnock(now);
    if (unwanted) return respondWithProblem(unwanted);
    // No limit for the adapter: without it the site is of no use to the clients.
    if (connection.role !== 'adapter' && this.#connectionLimit.isReached(now, connection.tenant ?? '')) {
      return problemResponse(503, 'Too many connections are open. Try again later.', RETRY_LATER);
    }
    const limit = policies.policy.limits.sessions_per_subject;
    if (connection.role !== 'adapter' && sessions.isLimitReached(connection, limit)) {
      const reason = `A subject may have ${limit} open connections at this site. Close one, or try again later.`;
      return problemResponse(429, reason, RETRY_LATER);
    }
    if (connection.role !== 'adapter' && connection.stream) {
      const client = attachmentFor(connection);
      const response = openHttpStream(this.#active, client, connection, connection.stream, now);
      if (response.webSocket) this.#connectionLimit.onConnected();
      return response;
    }
    const { 0: client, 1: server } = new WebSocketPair();
    if (connection.role === 'adapter') {
      link.accept(server, connection.key, now);
    } else {
      const attachment = attachmentFor(connection);
      sessions.accept(server, attachment);
      const { since } = connection;
      if (since !== undefined) replays.resumeSession(server, attachment, since, now);
    }
    this.#connectionLimit.onConnected();
    commits.armAlarm(now);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Returns why the connection of an authenticated principal is rejected. A newer policy that it brings is adopted. */
  #rejectReason(connection: Connection, now: number): Problem | undefined {
    const { policies, floodGuard } = this.#active;
    // The Worker may have used a grant that was cached before the key was revoked.
    if (policies.isRevoked(connection.key))
      return { status: INVALID_CREDENTIAL.status, detail: INVALID_CREDENTIAL.reason };
    if (connection.role === 'client' && floodGuard.isBlocked(connection.subject, now))
      return BLOCKED_FOR_FLOOD;
    this.#adoptPolicy(connection.policy, now);
    return undefined;
  }

  /** Runs a JSON-RPC message that was sent over HTTP. The Worker has authenticated the principal and checked the length. */
  async handleHttpMessage(connection: ClientConnection, text: string): Promise<RpcOverHttpResult> {
    const now = Date.now();
    const rejected = this.#rejectReason(connection, now);
    if (rejected) return { problem: rejected };
    return this.#active.messages.onHttpMessage(attachmentFor(connection), text, now);
  }

  /** Returns the state of the site; null if the key is revoked, or the subject sends too much. Rejects if the site cannot store anything. */
  async health(key: string, subject = `key:${key}`): Promise<SiteHealth | null> {
    const { policies, runner, charges } = this.#active;
    const now = Date.now();
    if (policies.isRevoked(key) || charges.requests(subject, 1, now)) return null;
    await this.#writeProbe.check(now);
    return { link: this.#checkLink(now), running: runner.size };
  }

  /**
   * Returns the state of the link, for an administrator. An object that was never used stays without tables.
   * @param hasMore whether there is something to tell without a link: the edge dials the adapter, or several serve the site
   */
  linkHealth(hasMore: boolean): LinkHealth {
    if (!hasMore && this.ctx.getWebSockets(ADAPTER_TAG).length === 0) return { connected: false };
    return this.#checkLink(Date.now());
  }

  /** Returns the state of the link. If a silent adapter was noticed, a standby has taken over, which is the end of a turn. */
  #checkLink(now: number): LinkHealth {
    const { dialing, link, commits } = this.#active;
    const health = dialing.health(now);
    if (link.hasOutput) commits.endTurn(now);
    return health;
  }

  /**
   * The Dialer with this number could not open a link, or has lost it. Returns where to dial again; null for nowhere.
   * @param isLast no other adapter of the site is linked or being dialed
   */
  onDialFailed(reason: string, shard: number, isLast: boolean): DialOrder | null {
    return this.#isErased ? null : onDialFailed(this.#active, reason, shard, isLast);
  }

  /** A Dialer has seen no messages for a while: closes the link unless it is needed. */
  async releaseLink(): Promise<void> {
    if (!this.#isErased) releaseLink(this.#active);
  }

  /** The Dialer with this number has too many busy sites: another Dialer opens links, which replace those of this site. */
  async moveLink(shard: number): Promise<void> {
    if (!this.#isErased) await this.#active.dialing.move(shard);
  }

  /** Returns what the site uses of its limits. An object that was never used stays without tables. */
  usage(): SiteUsage {
    return { stored_bytes: this.ctx.storage.sql.databaseSize };
  }

  /** Returns whether a key, for which the Worker may have cached a grant, is revoked. */
  isRevoked(key: string): boolean {
    return this.#active.policies.isRevoked(key);
  }

  /** Adopts a policy of the tenant at once, unless it is older than the present one. */
  applyPolicy(policy: Policy): void {
    this.#adoptPolicy(policy, Date.now());
  }

  /** Notifies the webhooks of this site, `tenant/site`, of all events from now on. */
  enableWebhooks(siteName: string): void {
    const { logNotifier, calls } = this.#active;
    logNotifier.enable(siteName);
    calls.setWebhooks(true);
  }

  /** Returns the first events of a range of the log; null if the range is of an erased site. */
  readLog(range: LogRange): LogPage | null {
    if (this.#isErased) return null;
    const { commandLog, calls } = this.#active;
    if (commandLog.segments.epoch !== range.epoch) return null;
    return readLogPage(commandLog, range, calls, Date.now());
  }

  /** Notifies the webhooks of this site of everything that has happened until now. */
  async flushToWebhooks(): Promise<void> {
    if (this.#isErased) return;
    const { commits, logNotifier } = this.#active;
    // A turn without output may not be stored yet.
    commits.commit(Date.now());
    await logNotifier.flush();
  }

  /** Revokes a key: sockets that it has authenticated, or a token that it has issued, are closed, and new ones rejected. */
  revokeKey(key: string): void {
    const { policies, link, commits } = this.#active;
    policies.revokeKey(key);
    // A tag cannot find them: a renewed token may be of another key than the one that the socket was opened with.
    for (const socket of this.ctx.getWebSockets()) {
      if (attachmentOf(socket).key !== key) continue;
      link.onClosed(socket);
      closeWithNotice(socket, closeCode.unauthorized, 'The API key was revoked. Reconnect with another one.');
    }
    commits.endTurn(Date.now());
  }

  /** Deletes the site: closes all sockets and deletes all data. A later connection finds a new object. */
  async erase(): Promise<void> {
    for (const socket of this.ctx.getWebSockets()) {
      closeWithNotice(socket, closeCode.unauthorized, 'The site was deleted.');
    }
    // Pending HTTP requests are answered, although their effects are deleted with the rest.
    this.#components?.commits.stop();
    this.#components?.replays.stop();
    this.#components?.logNotifier.stop();
    this.#components?.dialing.stop();
    this.#components = undefined;
    this.#isErased = true;
    await this.#alarm.cancel();
    await this.ctx.storage.deleteAll();
  }

  override webSocketMessage(socket: WebSocket, frame: string | ArrayBuffer): void | Promise<void> {
    // A superseded socket may still deliver frames. Their requests are repeated on the newer one.
    if (!isLive(socket)) return;
    const now = Date.now();
    const { runner, link, messages, sessions, commits } = this.#active;
    // The alarm may be late: the platform promises no more than a minute.
    sessions.closeExpiredSessions(now);
    const attachment = attachmentOf(socket);
    if (attachment.kind === 'client') return messages.onFrame(socket, attachment, frame, now);
    runner.fireDueTimers(now);
    link.onMessage(socket, attachment, typeof frame === 'string' ? frame : '', now);
    commits.endTurn(now);
  }

  override webSocketClose(socket: WebSocket, code: number, reason: string): void {
    closeInReturn(socket, code, reason);
    this.#onDisconnected(socket);
  }

  override webSocketError(socket: WebSocket): void {
    this.#onDisconnected(socket);
  }

  #onDisconnected(socket: WebSocket): void {
    this.#connectionLimit.onDisconnected();
    // The sockets of an erased site belong to no component.
    if (this.#isErased) return;
    const attachment = attachmentOf(socket);
    const now = Date.now();
    const { link, sessions, watchers, calls, commits, replays } = this.#active;
    if (attachment.kind === 'adapter') {
      link.onClosed(socket);
    } else {
      replays.onDisconnected(socket);
      sessions.onDisconnected(attachment);
      watchers.onDisconnected(socket);
      calls.setWatched(watchers.any, now);
    }
    commits.endTurn(now);
  }

  override async alarm(): Promise<void> {
    this.#alarm.onFired();
    if (this.#isErased) return;
    const now = Date.now();
    try {
      const { commandLog, runner, sessions, link, logNotifier, commits } = this.#active;
      commandLog.segments.trim(now, runner.restoreFrom(Number.POSITIVE_INFINITY));
      sessions.closeExpiredSessions(now);
      if (link.due(commits.isWatched, runner.size > 0) <= now) link.checkLiveness(now);
      runner.fireDueTimers(now);
      logNotifier.onAlarm(now);
      commits.commit(now);
    } catch (error) {
      console.error('The alarm of a site failed; it is set again', error);
      await this.#alarm.retry(now);
    }
  }

  #adoptPolicy(policy: Policy, now: number): void {
    const { policies, commandLog, runner, commits, dialing } = this.#active;
    const dialedBefore = dialing.target;
    if (!policies.applyPolicy(policy)) return;
    dialing.onPolicyChanged(dialedBefore, now);
    this.#active.link.site.onPolicyChanged(now);
    commandLog.segments.keep(policy.kept_seconds, policy.limits.stored_bytes);
    commandLog.segments.trim(now, runner.restoreFrom(Number.POSITIVE_INFINITY));
    commits.armAlarm(now);
  }
}
