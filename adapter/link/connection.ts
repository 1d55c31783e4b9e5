/**
 * One WebSocket connection to the edge: hello, welcome, replay, then live messages until the socket closes.
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { closeReason } from '../../shared/protocol/close-reason.ts';
import { PING, PONG, type Role } from '../../shared/protocol/link.ts';
import { type ErrorReason, explainError } from '../../shared/settings/error-reason.ts';
import type { Log } from '../log.ts';
import type { Timing } from '../timing.ts';
import type { DisconnectReason } from './disconnect-reason.ts';
import type { AddedMessage } from './outbox.ts';
import { SendTimer } from './send-timer.ts';
import { Session, type SessionContext, type SessionFault } from './session.ts';

/** What a connection needs from the adapter. It outlives the connection. */
export interface ConnectionContext extends SessionContext {
  /** Returns the number of replies that the edge has not acknowledged. */
  unacknowledgedReplies(): number;
  /** Called when the edge has answered `hello` on this connection. */
  onWelcome?(): void;
}

/** Bytes buffered in the socket before the next frame is built. The rest stays in the outbox. */
const MAX_SOCKET_BACKLOG_BYTES = 1024 * 1024;

export class Connection {
  /** Resolves with the reason when the socket has closed or could not connect. */
  readonly closed: Promise<DisconnectReason>;
  readonly #socket: WebSocket;
  readonly #context: ConnectionContext;
  readonly #log: Log;
  readonly #timing: Timing;
  #welcomedAt: number | undefined;
  readonly #session: Session;
  readonly #sendTimer: SendTimer;
  #openedAt = 0;
  #pingedAt: number | undefined;
  #pingTimer: NodeJS.Timeout | undefined;
  #timeout: NodeJS.Timeout | undefined;
  #failure: DisconnectReason | undefined;
  #onNextRole: ((role: Role) => void) | undefined;

  /** @param socket a socket that is connecting, or open since this turn of the event loop */
  constructor(socket: WebSocket, context: ConnectionContext, timing: Timing, log: Log) {
    this.#socket = socket;
    this.#context = context;
    this.#timing = timing;
    this.#log = log;
    this.#sendTimer = new SendTimer({
      send: () => void this.#sendPending(),
      unacknowledgedReplies: () => context.unacknowledgedReplies(),
      maxUnawaitedMs: timing.maxUnawaitedMs,
    });
    this.#session = new Session(context, {
      onWelcome: () => this.#onWelcome(),
      onInterest: (interest) => this.#sendTimer.onInterest(interest, performance.now()),
      onRole: (role) => this.#onRole(role),
      onClockSet: () => this.#onClockSet(),
      onLostByEdge: (applied) =>
        log.warn(
          { applied, base: context.outbox.base },
          'The edge has lost messages that it had acknowledged.',
        ),
    });
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        clearInterval(this.#pingTimer);
        clearTimeout(this.#timeout);
        this.#sendTimer.stop();
        resolve(this.#failure ?? { by: 'close', code, reason: reason.toString() });
      });
    });
    socket.on('open', () => this.#onOpen());
    socket.on('message', (payload, isBinary) => this.#onFrame(isBinary ? undefined : payload.toString()));
    socket.on('unexpected-response', (request, response) => {
      this.#failure = { by: 'http', status: response.statusCode ?? 0 };
      request.destroy();
      socket.terminate();
    });
    // 'close' follows in any case.
    socket.on('error', (error) => {
      this.#failure ??= this.#networkFailure(explainError(error));
    });
    if (socket.readyState === WebSocket.OPEN) this.#onOpen();
  }

  /** Returns the milliseconds since the `welcome` message, or 0 if there was none. */
  durationMs(now: number): number {
    return this.#welcomedAt === undefined ? 0 : now - this.#welcomedAt;
  }

  /** Schedules sending of a message that was added to the outbox. Before the `welcome` all of them wait for that. */
  scheduleSend(added: AddedMessage): void {
    if (this.#welcomedAt !== undefined) this.#sendTimer.onAdded(added, performance.now());
  }

  /** Sends the current status of OpenSIPS. Does nothing before the socket is open, because `hello` contains the status. */
  sendStatus(): void {
    this.#sendMessage({ type: 'status', opensips: this.#context.opensipsStatus() });
  }

  /**
   * Has another adapter take over, if one waits: the edge then sends this one no more requests, and takes the replies that are under
   * way. Resolves with whether one has; never, if the edge does not answer.
   */
  async release(): Promise<boolean> {
    if (this.#welcomedAt === undefined || !this.#session.takesRelease) return false;
    if (this.#session.role === 'standby') return true;
    const answered = new Promise<Role>((resolve) => {
      this.#onNextRole = resolve;
    });
    this.#sendMessage({ type: 'release' });
    return (await answered) === 'standby';
  }

  /** Sends the rest of the outbox and `goodbye`, and closes the socket. It has no timeout of its own. */
  async close(): Promise<void> {
    if (this.#welcomedAt !== undefined) {
      await this.#sendAllFrames();
      this.#sendMessage({ type: 'goodbye' });
    }
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(1000);
    else this.#socket.terminate();
    await this.closed;
  }

  /** Destroys the socket without a closing handshake. */
  terminate(): void {
    this.#socket.terminate();
  }

  #onOpen(): void {
    this.#openedAt = performance.now();
    this.#sendMessage(this.#session.hello(this.#openedAt));
    this.#restartTimeout(this.#timing.handshakeTimeoutMs, 'it has not sent a welcome message in time');
    this.#pingTimer = setInterval(() => this.#ping(), this.#timing.pingIntervalMs);
  }

  /** @param text undefined for a binary frame */
  #onFrame(text: string | undefined): void {
    // Frames still arrive on a closing socket.
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (this.#welcomedAt !== undefined) this.#restartDeadTimeout();
    if (text === PONG) {
      this.#onPong();
      return;
    }
    const fault = this.#session.onFrame(text, performance.now());
    if (fault !== undefined) this.#closeForFault(fault);
  }

  #ping(): void {
    this.#pingedAt ??= performance.now();
    this.#sendText(PING);
  }

  #onPong(): void {
    if (this.#pingedAt !== undefined) this.#noteRoundTrip(performance.now() - this.#pingedAt);
    this.#pingedAt = undefined;
  }

  #noteRoundTrip(ms: number): void {
    if (this.#session.tellsInterest) this.#sendTimer.roundTripMs = ms;
  }

  #onWelcome(): void {
    this.#welcomedAt = performance.now();
    this.#noteRoundTrip(this.#welcomedAt - this.#openedAt);
    this.#restartDeadTimeout();
    const { role } = this.#session;
    const message =
      role === 'active'
        ? 'Connected to the edge.'
        : 'Connected to the edge as standby: another adapter serves the site, and this one takes over if that is lost.';
    this.#log.info({ role, replay: this.#session.pendingCount }, message);
    this.scheduleSend({ mayWait: false });
    this.#context.onWelcome?.();
  }

  #onRole(role: Role): void {
    const subject = role === 'active' ? 'This' : 'Another';
    this.#log.info({ role }, `${subject} adapter serves the site from now on.`);
    this.#onNextRole?.(role);
  }

  #onClockSet(): void {
    this.#failure ??= this.#networkFailure({ reason: 'the clock of the edge seems to have been set' });
    this.#socket.terminate();
  }

  async #sendPending(): Promise<void> {
    await this.#sendAllFrames();
    this.#sendTimer.onSent(performance.now());
  }

  async #sendAllFrames(): Promise<void> {
    while (this.#socket.readyState === WebSocket.OPEN && this.#session.pendingCount > 0) {
      await this.#sendFrame();
    }
  }

  /** Sends one frame, and waits for the socket if its backlog is too large. */
  async #sendFrame(): Promise<void> {
    const frame = this.#session.takeFrame();
    if (frame === undefined) return;
    await new Promise<void>((resolve) => {
      this.#socket.send(frame, () => resolve());
      if (this.#socket.bufferedAmount < MAX_SOCKET_BACKLOG_BYTES) resolve();
    });
  }

  #sendMessage(message: object): void {
    this.#sendText(JSON.stringify(message));
  }

  #sendText(text: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  #closeForFault({ code, description }: SessionFault): void {
    this.#log.error({ fault: description }, 'The edge has sent an invalid message. Closing the connection.');
    this.#failure = { by: 'close', code, reason: description };
    this.#socket.close(code, closeReason(description));
    // The edge may never answer the close frame.
    this.#restartTimeout(this.#timing.handshakeTimeoutMs, description);
  }

  #networkFailure(reason: ErrorReason): DisconnectReason {
    return { by: 'network', wasConnected: this.#welcomedAt !== undefined, ...reason };
  }

  #restartDeadTimeout(): void {
    this.#restartTimeout(this.#timing.deadAfterMs, `no message for ${this.#timing.deadAfterMs / 1_000} s`);
  }

  #restartTimeout(timeoutMs: number, reason: string): void {
    clearTimeout(this.#timeout);
    this.#timeout = setTimeout(() => {
      this.#failure ??= this.#networkFailure({ reason });
      this.#socket.terminate();
    }, timeoutMs);
  }
}

/** Has another adapter take over, as `EdgeLink.release` promises it. @param connection undefined if there is none */
export async function releaseConnection(
  connection: Connection | undefined,
  timeoutMs: number,
): Promise<boolean> {
  if (connection === undefined) return false;
  const tooLate = delay(timeoutMs, false, { ref: false });
  return Promise.race([connection.release(), connection.closed.then(() => false), tooLate]);
}
