/**
 * A fake edge for tests: welcomes the adapter, stores its messages, and can be made to misbehave.
 * @module
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { z } from 'zod';
import {
  AdapterMessage,
  type Hello,
  type InDialogMessage,
  type MiRequest,
  PING,
  PONG,
  parseFrame,
} from '../../shared/protocol/link.ts';
import { ChangeEmitter } from './change-emitter.ts';

export type NumberedMessage = Extract<AdapterMessage, { seq: number }>;

export class FakeEdge extends ChangeEmitter {
  readonly hellos: z.infer<typeof Hello>[] = [];
  /** Every message received, in order, over all connections. */
  readonly received: AdapterMessage[] = [];
  /** Numbered messages as an edge stores them: each once. */
  readonly stored: NumberedMessage[] = [];
  readonly frames: string[] = [];
  readonly upgradeRequests: IncomingMessage[] = [];
  readonly closeCodes: number[] = [];
  /** If set, upgrade requests are refused with this HTTP status. */
  refuseWithStatus: number | undefined;
  /** If set, `hello` is answered by closing with this code. */
  closeWithCode: number | undefined;
  closeReason = '';
  /** Fields of `welcome` beside those of an edge of 0.2.0. */
  welcomeFields: object = {};
  sendsAcks = true;
  sendsWelcome = true;
  sendsPongs = true;
  pingCount = 0;
  /** Called before a numbered message is stored. If it returns true, the connection is dropped instead. */
  shouldDisconnect: (message: NumberedMessage) => boolean = () => false;
  #applied = 0;
  #stream = '';
  #socket: WebSocket | undefined;
  readonly #http = createServer();
  readonly #server = new WebSocketServer({ noServer: true });

  /** Answers requests that open no WebSocket. */
  onRequest: RequestListener = (_, response) => void response.writeHead(404).end();

  static async start(port = 0): Promise<FakeEdge> {
    const edge = new FakeEdge();
    edge.#http.on('request', (request, response) => edge.onRequest(request, response));
    edge.#http.on('upgrade', (request, socket, head) => {
      edge.upgradeRequests.push(request);
      if (edge.refuseWithStatus === undefined) {
        edge.#server.handleUpgrade(request, socket, head, (webSocket) => edge.accept(webSocket));
      } else {
        socket.end(`HTTP/1.1 ${edge.refuseWithStatus} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      }
      edge.emitChange();
    });
    edge.#http.listen(port, '127.0.0.1');
    await once(edge.#http, 'listening');
    return edge;
  }

  get url(): string {
    const { port } = this.#http.address() as AddressInfo;
    return `ws://127.0.0.1:${port}/adapter`;
  }

  send(message: object): void {
    this.#socket?.send(JSON.stringify(message));
  }

  /** Sends an MI request to the adapter. */
  sendRequest(request: Partial<MiRequest> & { id: string; method: string }): void {
    this.send({ type: 'mi', params: {}, timeout_ms: 5_000, ttl_ms: 5_000, ...request });
  }

  /** Sends a request within a dialog to the adapter. */
  sendInDialog(request: Pick<InDialogMessage, 'id' | 'method' | 'params'> & Partial<InDialogMessage>): void {
    this.send({ type: 'in-dialog', timeout_ms: 5_000, ttl_ms: 5_000, ...request });
  }

  /** Acknowledges all stored messages. */
  acknowledge(): void {
    this.send({ type: 'ack', seq: this.#applied });
  }

  /** Drops the connection, as if the network had failed. */
  disconnect(): void {
    this.#socket?.terminate();
  }

  /** Sends a Close frame, but keeps TCP open whatever the adapter does, as workerd does. */
  closeWithoutEnd(code: number): void {
    this.#socket?.pause();
    this.#socket?.close(code);
    this.#socket = undefined;
  }

  /** Whether a socket to the adapter is open. */
  get isConnected(): boolean {
    return this.#socket !== undefined;
  }

  /** Tells waiting tests that something has changed. */
  notify(): void {
    this.emitChange();
  }

  replies(): Extract<NumberedMessage, { type: 'reply' }>[] {
    return this.stored.filter((message) => message.type === 'reply');
  }

  gapReasons(): string[] {
    return this.stored.flatMap((message) => (message.type === 'gap' ? [message.reason] : []));
  }

  async stop(): Promise<void> {
    this.#socket?.terminate();
    for (const socket of this.#server.clients) socket.terminate();
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, 'close');
  }

  /** Uses a socket to an adapter, whichever side has opened it. */
  accept(socket: WebSocket): void {
    this.#socket = socket;
    socket.on('error', () => {});
    socket.on('message', (payload) => {
      this.#onFrame(socket, payload.toString());
      this.emitChange();
    });
    socket.on('close', (code) => {
      if (this.#socket === socket) this.#socket = undefined;
      this.closeCodes.push(code);
      this.emitChange();
    });
    if (socket.isPaused) socket.resume();
  }

  #onFrame(socket: WebSocket, text: string): void {
    if (socket !== this.#socket) return;
    if (text === PING) {
      this.pingCount += 1;
      if (this.sendsPongs) socket.send(PONG);
      return;
    }
    this.frames.push(text);
    const frame = parseFrame(AdapterMessage, text);
    if ('error' in frame) throw new Error(frame.error);
    for (const message of frame.messages) {
      this.received.push(message);
      if (message.type === 'hello') this.#onHello(socket, message);
      if (!('seq' in message)) continue;
      if (this.shouldDisconnect(message)) {
        socket.terminate();
        return;
      }
      this.#store(message);
    }
    if (this.sendsAcks && this.stored.length > 0) this.acknowledge();
  }

  /** Stores what an adapter without a link has sent, and returns the `welcome`. */
  store({ stream, base }: z.infer<typeof Hello>, messages: readonly AdapterMessage[]): object {
    this.#begin(stream, base);
    for (const message of messages) {
      // What is stored already comes again if an answer was lost.
      if (!('seq' in message) || message.seq <= this.#applied) continue;
      this.#store(message);
    }
    return this.#welcome();
  }

  #store(message: NumberedMessage): void {
    if (message.seq !== this.#applied + 1) {
      throw new Error(`seq ${message.seq} follows ${this.#applied}: a message is missing or duplicated`);
    }
    this.#applied = message.seq;
    this.stored.push(message);
  }

  #begin(stream: string, base: number): void {
    if (stream === this.#stream) return;
    this.#stream = stream;
    this.#applied = base - 1;
  }

  #welcome(): object {
    const position = { stream: this.#stream, applied: this.#applied };
    return { type: 'welcome', version: 1, ...position, ...this.welcomeFields };
  }

  #onHello(socket: WebSocket, hello: z.infer<typeof Hello>): void {
    this.hellos.push(hello);
    if (this.closeWithCode !== undefined) socket.close(this.closeWithCode, this.closeReason);
    this.#begin(hello.stream, hello.base);
    if (this.sendsWelcome) this.send(this.#welcome());
  }
}
