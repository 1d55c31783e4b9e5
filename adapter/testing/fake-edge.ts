/**
 * A fake edge for tests: welcomes the adapter, stores its messages, and can be made to misbehave.
 * @module
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
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

  static async start(port = 0): Promise<FakeEdge> {
    const edge = new FakeEdge();
    edge.#http.on('upgrade', (request, socket, head) => {
      edge.upgradeRequests.push(request);
      if (edge.refuseWithStatus === undefined) {
        edge.#server.handleUpgrade(request, socket, head, (webSocket) => edge.#onConnection(webSocket));
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
  }

  replies(): Extract<NumberedMessage, { type: 'reply' }>[] {
    return this.stored.filter((message) => message.type === 'reply');
  }

  gapReasons(): string[] {
    return this.stored.flatMap((message) => (message.type === 'gap' ? [message.reason] : []));
  }

  async stop(): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate();
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, 'close');
  }

  #onConnection(socket: WebSocket): void {
    this.#socket = socket;
    socket.on('message', (payload) => {
      this.#onFrame(socket, payload.toString());
      this.emitChange();
    });
    socket.on('close', (code) => {
      this.closeCodes.push(code);
      this.emitChange();
    });
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
      if (message.seq !== this.#applied + 1) {
        throw new Error(`seq ${message.seq} follows ${this.#applied}: a message is missing or duplicated`);
      }
      this.#applied = message.seq;
      this.stored.push(message);
    }
    if (this.sendsAcks && this.stored.length > 0) this.acknowledge();
  }

  #onHello(socket: WebSocket, hello: z.infer<typeof Hello>): void {
    this.hellos.push(hello);
    if (this.closeWithCode !== undefined) socket.close(this.closeWithCode, this.closeReason);
    if (hello.stream !== this.#stream) {
      this.#stream = hello.stream;
      this.#applied = hello.base - 1;
    }
    if (!this.sendsWelcome) return;
    const position = { stream: hello.stream, applied: this.#applied };
    this.send({ type: 'welcome', version: 1, ...position, ...this.welcomeFields });
  }
}
