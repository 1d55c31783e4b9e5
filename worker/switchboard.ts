/**
 * The Switchboard: one object for each site of a tenant, where its clients, its calls and its adapter meet. This
 * is the desk: it gets what the platform brings and hands it to the part that owns it.
 * @module
 */
import { DurableObject } from 'cloudflare:workers';
import { QUIET_MS } from '../shared/deadlines.ts';
import { code, failure, parseMessage, type RpcResponse } from '../shared/jsonrpc.ts';
import { PING, PONG } from '../shared/link.ts';
import { Runner } from '../shared/runner.ts';
import { attachmentOf, type ClientSocket } from './attachments.ts';
import { Crowd, SITE_SOCKETS } from './crowd.ts';
import { dispatch } from './dispatch.ts';
import type { Env } from './env.ts';
import { Link, type LinkHealth } from './link.ts';
import { problem } from './problem.ts';
import { Sessions } from './sessions.ts';
import { Store } from './store.ts';

/** Longest message of a client, in bytes. Commands are well under 4 KiB. */
export const MAX_MESSAGE_BYTES = 65_536;

/**
 * With so many commands running, one waits longer for the disk than for company: what comes within
 * {@link GATHER_MS} is written at once.
 */
const BUSY = 16;
const GATHER_MS = 1;

/** For the write of a turn that has nothing to say: what it waits for is mostly a millisecond away. */
const LINGER_MS = 50;

/** After an alarm that failed, in milliseconds: the platform itself gives up after six. */
const ALARM_RETRY_MS = 5_000;

/** Seconds after which one who found the site full may try again. */
const RETRY_AFTER_S = '5';

/** Close codes that may not be sent (RFC 6455 §7.4.1). */
const UNSENDABLE = [1005, 1006, 1015];

/** Header by which the Worker says who comes; it is set there and nowhere else. */
export const CALLER_HEADER = 'x-call-api-caller';

/** Who the Worker has let in. */
export type Admitted =
  | { readonly role: 'adapter' }
  | {
      readonly role: 'client';
      readonly subject: string;
      readonly session: string;
      /** The last notification that the session has got; absent where it has got none. */
      readonly since?: number;
    };

/** Responses to one message of a client. */
interface Answer {
  readonly socket: WebSocket;
  readonly responses: readonly RpcResponse[];
  readonly batch: boolean;
}

export class Switchboard extends DurableObject<Env> {
  readonly #store: Store;
  readonly #runner: Runner;
  readonly #sessions: Sessions;
  readonly #link: Link;
  readonly #crowd: Crowd;
  #alarmAt = Number.POSITIVE_INFINITY;
  /** What is to be said to clients once it is stored. */
  #answers: Answer[] = [];
  #timer: { readonly ms: number; readonly id: ReturnType<typeof setTimeout> } | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(PING, PONG));
    this.#store = new Store(ctx.storage.sql);
    const { epoch, position, applied, running } = this.#store.awake();
    this.#runner = new Runner(epoch, position, running);
    this.#sessions = new Sessions(ctx);
    this.#link = new Link(ctx, this.#runner, applied);
    this.#crowd = new Crowd(ctx.id.toString(), () => ctx.getWebSockets().length, {
      site: SITE_SOCKETS,
      process: Number(env.MAX_SOCKETS ?? Number.POSITIVE_INFINITY),
    });
    ctx.blockConcurrencyWhile(async () => {
      this.#alarmAt = (await ctx.storage.getAlarm()) ?? Number.POSITIVE_INFINITY;
    });
  }

  /** A socket comes in. The Worker has checked who it is. */
  override fetch(request: Request): Response {
    const admitted = JSON.parse(request.headers.get(CALLER_HEADER) ?? 'null') as Admitted | null;
    if (!admitted) return new Response('ask the Worker', { status: 403 });
    const now = Date.now();
    // Without its adapter the site is of no use to those who are there.
    if (admitted.role !== 'adapter' && this.#crowd.isFull(now)) {
      return problem(503, 'too many sockets are open; try again later', { 'Retry-After': RETRY_AFTER_S });
    }
    const { 0: client, 1: server } = new WebSocketPair();
    if (admitted.role === 'adapter') {
      this.#link.accept(server, now);
    } else {
      const { subject, session, since } = admitted;
      this.#sessions.accept(server, { kind: 'client', subject, session });
      if (since !== undefined)
        this.#sessions.resume(server, since, this.#store.told(subject, session, since));
    }
    this.#crowd.came();
    return new Response(null, { status: 101, webSocket: client });
  }

  /** How the site stands. */
  health(): { link: LinkHealth; running: number } {
    return { link: this.#link.health(Date.now()), running: this.#runner.size };
  }

  override webSocketMessage(socket: WebSocket, message: string | ArrayBuffer): void {
    // Frames still come on a socket that was superseded: what they ask is asked again on the newer one.
    if (socket.readyState !== WebSocket.OPEN) return;
    const now = Date.now();
    this.#runner.tick(now);
    const attachment = attachmentOf(socket);
    if (attachment.kind === 'adapter') {
      const text = typeof message === 'string' ? message : '';
      this.#link.receive(socket, attachment, text, now);
    } else {
      const { responses, batch } = this.#ask(attachment, message, now);
      if (responses.length > 0) this.#answers.push({ socket, responses, batch });
    }
    this.#endTurn(now);
  }

  override webSocketClose(socket: WebSocket, closedWith: number, reason: string): void {
    if (attachmentOf(socket).kind === 'adapter') this.#link.closed(socket);
    this.#crowd.left();
    socket.close(UNSENDABLE.includes(closedWith) ? 1000 : closedWith, reason);
    this.#endTurn(Date.now());
  }

  override webSocketError(socket: WebSocket): void {
    this.#crowd.left();
    if (attachmentOf(socket).kind === 'adapter') this.#link.closed(socket);
    this.#endTurn(Date.now());
  }

  override async alarm(): Promise<void> {
    this.#alarmAt = Number.POSITIVE_INFINITY;
    try {
      const now = Date.now();
      this.#store.trim(now, this.#runner.floor(Number.POSITIVE_INFINITY));
      this.#runner.tick(now);
      this.#commit(now);
    } catch (error) {
      console.error('alarm failed', error);
      await this.ctx.storage.setAlarm(Date.now() + ALARM_RETRY_MS);
    }
  }

  #ask(client: ClientSocket, message: string | ArrayBuffer, now: number): Omit<Answer, 'socket'> {
    const refusal = unreadable(message);
    if (refusal !== undefined) {
      const error = { code: code.invalidRequest, message: 'Invalid Request', data: refusal };
      return { responses: [failure(null, error)], batch: false };
    }
    const { entries, batch } = parseMessage(message as string);
    const around = {
      runner: this.#runner,
      ended: (subject: string, cmdId: string) => this.#store.ended(subject, cmdId),
      opensips: this.#link.opensips(now),
      now,
    };
    const { subject, session } = client;
    const responses = entries.map((entry) =>
      'refusal' in entry ? entry.refusal : dispatch(entry, { subject, session }, around),
    );
    return { responses: responses.filter((response) => response !== undefined), batch };
  }

  /**
   * What a turn sends waits for a write, and each write for the disk: so a turn that sends nothing writes with the
   * next one that does, and a busy site gathers turns. Until the write nothing has left, and the adapter says again
   * what it was not thanked for; so if we die before, nothing has happened.
   */
  #endTurn(now: number): void {
    const busy = this.#runner.size >= BUSY;
    if (this.#answers.length > 0 || this.#runner.speaks || this.#link.speaks) {
      if (busy) this.#commitWithin(GATHER_MS);
      else this.#commit(now);
    } else if (this.#runner.changed) {
      this.#commitWithin(LINGER_MS);
    } else if (this.#timer === undefined) {
      this.#link.flush([], false);
    }
  }

  /** Commits so many milliseconds from now at the latest. The platform lets no object sleep that has a timer. */
  #commitWithin(ms: number): void {
    if (this.#timer && this.#timer.ms <= ms) return;
    if (this.#timer) clearTimeout(this.#timer.id);
    this.#timer = { ms, id: setTimeout(() => this.#commit(Date.now()), ms) };
  }

  /**
   * Writes, then sends. The platform makes what a turn writes one transaction by itself, and holds what is sent until
   * that is on disk.
   */
  #commit(now: number): void {
    if (this.#timer) clearTimeout(this.#timer.id);
    this.#timer = undefined;
    const { rows, requests, told } = this.#runner.take();
    const { applied } = this.#link;
    for (const { position, commands } of rows) {
      this.#store.append({ position, commands, floor: this.#runner.floor(position), applied }, now);
    }
    this.#arm(now);
    this.#link.flush(requests, rows.length > 0);
    for (const { socket, responses, batch } of this.#answers.splice(0)) {
      this.#sessions.answer(socket, responses, batch);
    }
    this.#sessions.tell(told);
  }

  /**
   * One alarm for all deadlines. One that comes too early finds nothing to do and arms the next. Setting it costs a
   * row, so one that must come forward comes far enough for the short waits that will follow.
   */
  #arm(now: number): void {
    const due = Math.min(this.#runner.due, this.#store.due);
    if (due >= this.#alarmAt) return;
    this.#alarmAt = this.#alarmAt === Number.POSITIVE_INFINITY ? due : Math.min(due, now + QUIET_MS);
    void this.ctx.storage.setAlarm(this.#alarmAt);
  }
}

/** Why a message is not read at all. */
function unreadable(message: string | ArrayBuffer): string | undefined {
  if (typeof message !== 'string') return 'binary frames are not taken; send JSON as text';
  // A UTF-16 unit takes up to three bytes, so only what may be too long is measured.
  const long =
    message.length > MAX_MESSAGE_BYTES / 3 && new TextEncoder().encode(message).length > MAX_MESSAGE_BYTES;
  return long ? `the message is longer than ${MAX_MESSAGE_BYTES} bytes` : undefined;
}
