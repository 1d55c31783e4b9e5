/**
 * The Switchboard: one object for each site of a tenant, where its clients, its calls and its adapter meet. This
 * is the desk: it gets what the platform brings and hands it to the part that owns it.
 * @module
 */
import { DurableObject } from 'cloudflare:workers';
import { viewOf } from '../shared/command-view.ts';
import type { Problem } from '../shared/http.ts';
import { code, type Parsed, parseMessage, type RpcRequest } from '../shared/jsonrpc.ts';
import { closeCode, PING, PONG } from '../shared/link.ts';
import { AuthorizeParams } from '../shared/methods.ts';
import type { Policy } from '../shared/policy.ts';
import type { Admitted, Stream } from './admitted.ts';
import { Alarm } from './alarm.ts';
import { attachmentOf, type ClientSocket, isLive } from './attachments.ts';
import { unreadable } from './authorisation.ts';
import { isAuthorize } from './authorize.ts';
import { Crowd, SITE_SOCKETS } from './crowd.ts';
import { lacking } from './dispatch.ts';
import { type Claims, verifyToken } from './door/tokens.ts';
import { UNKNOWN } from './door/visitor.ts';
import type { Env } from './env.ts';
import { BARRED_S } from './floods.ts';
import { LOOK_AGAIN_S, tooMuch } from './limits.ts';
import type { LinkHealth } from './link.ts';
import { type Parts, takeUp } from './parts.ts';
import { problem, problemOf, respond } from './problem.ts';
import { RpcServer, type Verified } from './rpc-server.ts';
import { Turns } from './turns.ts';
import { pageOf } from './webhooks/events.ts';
import type { Page, Wanted } from './webhooks/intake.ts';

/** Seconds after which one who found no room may try again. */
const RETRY_AFTER_S = String(LOOK_AGAIN_S);

/** Close codes that may not be sent (RFC 6455 §7.4.1). */
const UNSENDABLE = [1004, 1005, 1006, 1015];

/** Characters of a reason that fit whatever they are: a close frame has 123 bytes for it (RFC 6455 §5.5). */
const REASON_LENGTH = 41;

/** Header by which the Worker says who comes; it is set there and nowhere else. */
export const CALLER_HEADER = 'x-call-api-caller';

/** What is here while somebody is: the parts, the server that speaks for them, and the turns that it takes. */
interface Here extends Parts {
  readonly rpc: RpcServer;
  readonly turns: Turns;
}

/** What is said to one who has flooded, for a while. */
const FLOODED = problemOf({
  code: code.tooMany,
  message: 'Too many',
  data: { retry_after: BARRED_S, reason: `this subject has flooded; try again in ${BARRED_S} s` },
});

/** The answer to a message over HTTP: responses as JSON, an array; or why the message was not read. */
export type Asked = { readonly responses: string; readonly batch: boolean } | { readonly refused: Problem };

type Client = Extract<Admitted, { readonly role: 'client' }>;

/** What a client's socket is to carry. */
function socketOf({ role: kind, since: _, policy: __, ...known }: Client): ClientSocket {
  return { kind, ...known };
}

export class Switchboard extends DurableObject<Env> {
  #parts: Here | undefined;
  /** Since then nobody came. */
  #erased = false;
  readonly #crowd: Crowd;
  readonly #alarm: Alarm;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
    this.#crowd = new Crowd(ctx.id.toString(), () => ctx.getWebSockets().length, {
      site: SITE_SOCKETS,
      process: Number(env.MAX_SOCKETS ?? Number.POSITIVE_INFINITY),
    });
    this.#alarm = new Alarm(ctx.storage);
    ctx.blockConcurrencyWhile(() => this.#alarm.find());
  }

  /** Made when first asked for: one that was erased holds nothing, not even empty tables, until somebody comes. */
  get #here(): Here {
    this.#parts ??= this.#takeUp();
    this.#erased = false;
    return this.#parts;
  }

  #takeUp(): Here {
    const { SWITCHBOARD, WEBHOOKS } = this.env;
    const parts = takeUp(this.ctx, (place, news) => WEBHOOKS.get(WEBHOOKS.idFromName(place)).told(news));
    const isHere = ({ tenant, site }: Claims) =>
      SWITCHBOARD.idFromName(`${tenant}/${site}`).equals(this.ctx.id);
    return { ...parts, rpc: new RpcServer(parts, isHere), turns: new Turns(parts, this.#alarm) };
  }

  /** A socket comes in. The Worker has checked who it is. */
  override fetch(request: Request): Response {
    const admitted = JSON.parse(request.headers.get(CALLER_HEADER) ?? 'null') as Admitted | null;
    if (!admitted) return new Response('ask the Worker', { status: 403 });
    const now = Date.now();
    const { governance, sessions, link, store, turns } = this.#here;
    const outside = this.#keptOut(admitted, now);
    if (outside) return respond(outside);
    // Without its adapter the site is of no use to those who are there.
    if (admitted.role !== 'adapter' && this.#crowd.isFull(now)) {
      return problem(503, 'too many sockets are open; try again later', { 'Retry-After': RETRY_AFTER_S });
    }
    const most = governance.policy.limits.sessions_per_subject;
    if (admitted.role !== 'adapter' && sessions.isFull(admitted, most)) {
      const reason = `${most} sockets may be open for one subject at this site; close one, or try again later`;
      return problem(429, reason, { 'Retry-After': RETRY_AFTER_S });
    }
    if (admitted.role !== 'adapter' && admitted.stream) return this.#stream(admitted, admitted.stream, now);
    const { 0: client, 1: server } = new WebSocketPair();
    if (admitted.role === 'adapter') {
      link.accept(server, admitted.key, now);
    } else {
      const known = socketOf(admitted);
      sessions.accept(server, known);
      const { since } = admitted;
      if (since !== undefined)
        sessions.resume(server, since, store.told(known.subject, known.session, since));
    }
    this.#crowd.came();
    turns.arm(now);
    return new Response(null, { status: 101, webSocket: client });
  }

  /** Why one stays outside whom the door has let in. A newer policy that it brings holds from now on. */
  #keptOut(admitted: Admitted, now: number): Problem | undefined {
    const { governance, floods } = this.#here;
    // The door may still go by what it was told before the key was revoked.
    if (governance.isRevoked(admitted.key)) return { status: UNKNOWN.status, detail: UNKNOWN.reason };
    this.#obey(admitted.policy, now);
    if (admitted.role === 'adapter' || !floods.isBarred(admitted.subject, now)) return undefined;
    return FLOODED;
  }

  /** A stream of HTTP comes in, as a socket from the Worker in which it ends. */
  #stream(admitted: Client, stream: Stream, now: number): Response {
    const { rpc, runner, store, sessions, callers, turns } = this.#here;
    const client = socketOf(admitted);
    const { subject } = client;
    const excess = rpc.excess(callers.of(subject, now), subject, 1, now);
    if (excess) return respond(excess === 'flood' ? FLOODED : problemOf(tooMuch(excess)));
    const refused = stream.of === 'events' ? unreadable(client) : undefined;
    if (refused !== undefined) return respond(problemOf(lacking(refused)));
    // What it is told first is read from what is stored.
    turns.commit(now);
    if (stream.of === 'command') {
      const command = runner.find(subject, stream.cmdId) ?? store.ended(subject, stream.cmdId);
      if (!command || viewOf(command).state === 'ended') return new Response(null, { status: 204 });
    }
    const { 0: outer, 1: server } = new WebSocketPair();
    sessions.accept(server, client);
    if (stream.of === 'events') {
      const texts = rpc.open(server, client, admitted.since, now);
      turns.onceWritten(() => sessions.follow(server, texts));
    }
    this.#crowd.came();
    turns.end(now);
    turns.arm(now);
    return new Response(null, { status: 101, webSocket: outer });
  }

  /**
   * Answers a message that came over HTTP, in the text of JSON-RPC, once what it brought about is stored. The Worker
   * has checked who asks, and that it is not too long.
   */
  async ask(admitted: Client, message: string): Promise<Asked> {
    const now = Date.now();
    const refused = this.#keptOut(admitted, now);
    if (refused) return { refused };
    const { rpc, runner, callers, turns } = this.#here;
    runner.tick(now);
    const client = socketOf(admitted);
    const reading = rpc.count(callers.of(client.subject, now), client.subject, parseMessage(message), now);
    if (reading.is === 'flood') {
      turns.end(now);
      return { refused: FLOODED };
    }
    const answer =
      reading.is === 'answered' ? reading.answer : rpc.run(undefined, client, reading.asked, now);
    await new Promise<void>((stored) => {
      turns.onceWritten(stored);
      turns.end(now);
    });
    return { responses: JSON.stringify(answer.responses), batch: answer.batch };
  }

  /** How the site stands. */
  health(): { link: LinkHealth; running: number } {
    const { link, runner } = this.#here;
    return { link: link.health(Date.now()), running: runner.size };
  }

  /** The tenant has changed what holds here. It holds at once; an older policy than the one that holds is passed over. */
  govern(policy: Policy): void {
    this.#obey(policy, Date.now());
  }

  /** The webhooks of `tenant/site`, which is this one, are to be told what happens from now on. */
  tellWebhooks(place: string): void {
    const { herald, calls } = this.#here;
    herald.begin(place);
    calls.webhooks(true);
  }

  /** What has happened, of that which webhooks want of it; null where this is not the site that they mean any more. */
  happened(wanted: Wanted): Page | null {
    if (this.#erased) return null;
    const { store, calls } = this.#here;
    return store.segments.epoch === wanted.epoch ? pageOf(store, wanted, calls, Date.now()) : null;
  }

  /** Tells the webhooks of this site of all that has happened until now. */
  async catchUpWebhooks(): Promise<void> {
    if (this.#erased) return;
    const { turns, herald } = this.#here;
    // They are told of what is written, and a turn that has nothing to say is not yet.
    turns.commit(Date.now());
    await herald.run();
  }

  /** A key has ended: sockets that came in with it, or with a token that it has minted, are closed, and none comes in. */
  revoke(key: string): void {
    const { governance, link } = this.#here;
    governance.revoke(key);
    // No tag finds them all: a token that was given on a live socket may be of another key than the one before it.
    for (const socket of this.ctx.getWebSockets()) {
      if (attachmentOf(socket).key !== key) continue;
      link.closed(socket);
      socket.close(closeCode.unauthorized, 'the key was revoked');
    }
  }

  /** The site is no more: closes all sockets and deletes all that is here. Whoever comes then finds a new one. */
  async erase(): Promise<void> {
    for (const socket of this.ctx.getWebSockets()) {
      socket.close(closeCode.unauthorized, 'the site was deleted');
    }
    // Who waits for an answer over HTTP gets it; what it has asked for goes with all the rest.
    this.#parts?.turns.stop();
    this.#parts?.herald.end();
    this.#parts = undefined;
    this.#erased = true;
    await this.#alarm.drop();
    await this.ctx.storage.deleteAll();
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void | Promise<void> {
    // Frames still come on a socket that was superseded: what they ask is asked again on the newer one.
    if (!isLive(socket)) return;
    const now = Date.now();
    const { runner, link, turns } = this.#here;
    runner.tick(now);
    const attachment = attachmentOf(socket);
    if (attachment.kind === 'adapter') {
      const text = typeof message === 'string' ? message : '';
      link.receive(socket, attachment, text, now);
    } else {
      const later = this.#receive(socket, attachment, message, now);
      if (later) return later;
    }
    turns.end(now);
  }

  /** A client's message. Where it brings tokens, checking them takes a while. */
  #receive(
    socket: WebSocket,
    client: ClientSocket,
    message: string | ArrayBuffer,
    now: number,
  ): Promise<void> | undefined {
    const { rpc, sessions, turns } = this.#here;
    if ((client.expires ?? Number.POSITIVE_INFINITY) <= now) {
      sessions.closeExpired(socket);
      return undefined;
    }
    const reading = rpc.read(socket, client, message, now);
    if (reading.is === 'flood') sessions.closeFlooding(socket);
    if (reading.is === 'answered') turns.answer(socket, reading.answer);
    if (reading.is !== 'read') return undefined;
    const tokens = reading.asked.entries.filter(isAuthorize);
    if (tokens.length > 0) return this.#verify(socket, reading.asked, tokens);
    this.#run(socket, reading.asked, now);
    return undefined;
  }

  /** Checks the tokens that a message brings, then runs it. */
  async #verify(socket: WebSocket, asked: Parsed, tokens: readonly RpcRequest[]): Promise<void> {
    const verified = new Map<RpcRequest, Claims | undefined>();
    for (const request of tokens) {
      const params = AuthorizeParams.safeParse(request.params);
      if (params.success) verified.set(request, await verifyToken(params.data.token, this.env));
    }
    if (!isLive(socket)) return;
    const now = Date.now();
    const { runner, turns } = this.#here;
    runner.tick(now);
    this.#run(socket, asked, now, verified);
    turns.end(now);
  }

  #run(socket: WebSocket, asked: Parsed, now: number, verified?: Verified): void {
    const client = attachmentOf(socket);
    if (client.kind !== 'client') return;
    const { rpc, turns } = this.#here;
    turns.answer(socket, rpc.run(socket, client, asked, now, verified));
  }

  override webSocketClose(socket: WebSocket, closedWith: number, reason: string): void {
    // The other side may have said anything; what cannot be sent back would throw.
    const sendable = closedWith >= 1000 && closedWith < 5000 && !UNSENDABLE.includes(closedWith);
    socket.close(sendable ? closedWith : 1000, reason.slice(0, REASON_LENGTH));
    this.#left(socket);
  }

  override webSocketError(socket: WebSocket): void {
    this.#left(socket);
  }

  #left(socket: WebSocket): void {
    this.#crowd.left();
    // Closed because the site was erased: nothing is here that could know it.
    if (this.#erased) return;
    const attachment = attachmentOf(socket);
    const now = Date.now();
    const { link, sessions, watchers, calls, turns } = this.#here;
    if (attachment.kind === 'adapter') {
      link.closed(socket);
    } else {
      sessions.left(attachment);
      watchers.left(socket);
      calls.watched(watchers.any, now);
    }
    turns.end(now);
  }

  override async alarm(): Promise<void> {
    this.#alarm.came();
    if (this.#erased) return;
    const now = Date.now();
    try {
      const { store, runner, sessions, link, herald, turns } = this.#here;
      store.segments.trim(now, runner.floor(Number.POSITIVE_INFINITY));
      sessions.expire(now);
      if (turns.looks) link.look(now);
      runner.tick(now);
      herald.wake(now);
      turns.commit(now);
    } catch (error) {
      console.error('alarm failed', error);
      await this.#alarm.retry(now);
    }
  }

  #obey(policy: Policy, now: number): void {
    const { governance, store, runner, turns } = this.#here;
    if (!governance.govern(policy)) return;
    store.segments.keepFor(policy.kept_seconds);
    store.segments.trim(now, runner.floor(Number.POSITIVE_INFINITY));
    turns.arm(now);
  }
}
