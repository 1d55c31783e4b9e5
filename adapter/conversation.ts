/**
 * One connection's talk with the edge: hello, welcome, replay, live; until the socket ends.
 * @module
 */
import { WebSocket } from 'ws';
import {
  closeCode,
  FromEdge,
  LINK_VERSION,
  type Mi,
  type OpenSips,
  PING,
  PONG,
  parseFrame,
} from '../shared/link.ts';
import type { Ending } from './ending.ts';
import type { Log } from './log.ts';
import type { Outbox } from './outbox.ts';
import type { Timing } from './timing.ts';

/** What lives longer than a connection. */
export interface Desk {
  readonly adapter: string;
  readonly stream: string;
  readonly outbox: Outbox;
  opensips(): OpenSips;
  /** False: there are too many requests, and this one was not taken. */
  take(request: Mi): boolean;
  /** Replies that the edge has not acknowledged. */
  unacknowledged(): number;
  acknowledged(seq: number): void;
}

/** Characters to a frame. Cloudflare once took 1 MiB, now 32; small ones let acks come in between. */
const FRAME_SIZE = 256 * 1024;
/** Bytes that may wait in the socket before the next frame is made; the rest waits in the outbox. */
const SOCKET_BACKLOG = 1024 * 1024;

/**
 * With so many replies unacknowledged, one waits longer for its turn at the edge than for company here: what comes
 * within {@link GATHER_MS} then goes out in one frame, and the edge, which takes a turn for each frame, does more.
 */
const BUSY = 8;
const GATHER_MS = 1;

export class Conversation {
  /** Settles when the socket has ended, and says how. */
  readonly ended: Promise<Ending>;
  readonly #socket: WebSocket;
  readonly #desk: Desk;
  readonly #log: Log;
  readonly #timing: Timing;
  #welcomedAt: number | undefined;
  /** The newest number that went out on this socket. */
  #sent = 0;
  #pumping = false;
  #ping: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;
  #failure: Ending | undefined;

  /** Takes a socket that is connecting. */
  constructor(socket: WebSocket, desk: Desk, timing: Timing, log: Log) {
    this.#socket = socket;
    this.#desk = desk;
    this.#timing = timing;
    this.#log = log;
    this.ended = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        clearInterval(this.#ping);
        clearTimeout(this.#silence);
        resolve(this.#failure ?? { by: 'close', code, reason: reason.toString() });
      });
    });
    socket.on('open', () => this.#open());
    socket.on('message', (data, isBinary) => this.#hear(isBinary ? undefined : data.toString()));
    socket.on('unexpected-response', (request, response) => {
      this.#failure = { by: 'http', status: response.statusCode ?? 0 };
      request.destroy();
      socket.terminate();
    });
    // 'close' follows in any case.
    socket.on('error', (error) => {
      this.#failure ??= { by: 'network', message: error.message };
    });
  }

  /** Milliseconds that it has lasted since the welcome; 0 before. */
  lasted(now: number): number {
    return this.#welcomedAt === undefined ? 0 : now - this.#welcomedAt;
  }

  /** There is more in the outbox. What one turn of the event loop adds goes into one frame; when busy, more. */
  wake(): void {
    if (this.#pumping || this.#welcomedAt === undefined) return;
    this.#pumping = true;
    if (this.#desk.unacknowledged() < BUSY) setImmediate(() => this.#pump());
    else setTimeout(() => this.#pump(), GATHER_MS);
  }

  /** Tells what is now known of OpenSIPS; until the socket is open it need not, for hello will. */
  status(): void {
    this.#send({ type: 'status', opensips: this.#desk.opensips() });
  }

  /** Sends what the outbox still holds, takes leave and closes. The caller bounds the wait. */
  async leave(): Promise<void> {
    if (this.#welcomedAt !== undefined) {
      while (this.#socket.readyState === WebSocket.OPEN && this.#sent < this.#desk.outbox.last) {
        await this.#sendFrame();
      }
      this.#send({ type: 'goodbye' });
    }
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.close(1000);
    else this.#socket.terminate();
    await this.ended;
  }

  /** Ends the socket without waiting for the other side. */
  drop(): void {
    this.#socket.terminate();
  }

  #open(): void {
    const { adapter, stream, outbox } = this.#desk;
    this.#send({
      type: 'hello',
      version: LINK_VERSION,
      adapter,
      stream,
      base: outbox.base,
      opensips: this.#desk.opensips(),
    });
    this.#expectWithin(this.#timing.handshake, 'the edge did not say welcome');
    this.#ping = setInterval(() => this.#write(PING), this.#timing.ping);
  }

  #hear(text: string | undefined): void {
    // Frames still arrive on a socket that is closing.
    if (this.#socket.readyState !== WebSocket.OPEN) return;
    if (this.#welcomedAt !== undefined) this.#expectWithin(this.#timing.dead, 'the edge fell silent');
    if (text === PONG) return;
    const frame = text === undefined ? { error: 'the frame is binary' } : parseFrame(FromEdge, text);
    if ('error' in frame) {
      this.#breakOff(frame.error);
      return;
    }
    for (const message of frame.messages) {
      const fault = this.#obey(message);
      if (fault === undefined) continue;
      this.#breakOff(fault);
      return;
    }
  }

  /** Returns what is wrong with the message, if anything. */
  #obey(message: FromEdge): string | undefined {
    switch (message.type) {
      case 'welcome':
        return this.#welcome(message);
      case 'ack':
        return this.#acknowledge(message.seq) ? undefined : `ack of ${message.seq}, which was never sent`;
      case 'mi':
        return this.#desk.take(message) ? undefined : 'too many MI requests without an acknowledged reply';
    }
  }

  #welcome(welcome: { version: number; stream: string; applied: number }): string | undefined {
    const { stream, outbox } = this.#desk;
    if (welcome.version !== LINK_VERSION) return `welcome of version ${welcome.version}`;
    if (welcome.stream !== stream) return 'welcome of another stream';
    if (welcome.applied < outbox.base - 1) {
      // What it had acknowledged is gone here: it starts where we are, and is told.
      this.#log.warn({ applied: welcome.applied, base: outbox.base }, 'the edge has lost what it had stored');
      outbox.gap('the edge asked for messages that it had acknowledged');
    } else if (!this.#acknowledge(welcome.applied)) {
      return `welcome with applied ${welcome.applied}, which was never sent`;
    }
    this.#sent = outbox.base - 1;
    this.#welcomedAt = performance.now();
    this.#expectWithin(this.#timing.dead, 'the edge fell silent');
    this.#log.info({ replay: outbox.last - this.#sent }, 'connected to the edge');
    this.wake();
    return undefined;
  }

  #acknowledge(seq: number): boolean {
    const known = this.#desk.outbox.ack(seq);
    if (known) this.#desk.acknowledged(seq);
    return known;
  }

  async #pump(): Promise<void> {
    while (this.#socket.readyState === WebSocket.OPEN && this.#sent < this.#desk.outbox.last) {
      await this.#sendFrame();
    }
    this.#pumping = false;
  }

  /** Sends one frame, and waits where the socket cannot keep up. */
  async #sendFrame(): Promise<void> {
    const frame = this.#desk.outbox.frameAfter(this.#sent, FRAME_SIZE);
    if (frame === undefined) return;
    this.#sent = frame.last;
    await new Promise<void>((resolve) => {
      this.#socket.send(frame.text, () => resolve());
      if (this.#socket.bufferedAmount < SOCKET_BACKLOG) resolve();
    });
  }

  #send(message: object): void {
    this.#write(JSON.stringify(message));
  }

  #write(text: string): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(text);
  }

  #breakOff(fault: string): void {
    this.#log.error({ fault }, 'the edge broke the protocol');
    this.#failure = { by: 'close', code: closeCode.protocol, reason: fault };
    this.#socket.close(closeCode.protocol, fault.slice(0, 100));
    // It may never answer the close.
    this.#expectWithin(this.#timing.handshake, fault);
  }

  #expectWithin(ms: number, otherwise: string): void {
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => {
      this.#failure ??= { by: 'network', message: otherwise };
      this.#socket.terminate();
    }, ms);
  }
}
