/**
 * An edge for tests: welcomes the adapter, stores what it sends, and can be told to misbehave.
 * @module
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { z } from 'zod';
import { FromAdapter, type Hello, LINK_VERSION, type Mi, PING, PONG, parseFrame } from '../../shared/link.ts';
import { Changing } from './until.ts';

export type Numbered = Extract<FromAdapter, { seq: number }>;

export class FakeEdge extends Changing {
  readonly hellos: z.infer<typeof Hello>[] = [];
  /** Everything that came, in order, over all connections. */
  readonly heard: FromAdapter[] = [];
  /** Numbered messages as an edge stores them: each once. */
  readonly stored: Numbered[] = [];
  readonly frames: string[] = [];
  readonly upgrades: IncomingMessage[] = [];
  readonly closes: number[] = [];
  /** An HTTP status with which upgrades are refused. */
  refuse: number | undefined;
  /** A close code with which hello is answered. */
  closeWith: number | undefined;
  acks = true;
  welcomes = true;
  pongs = true;
  pings = 0;
  /** Called before a numbered message is stored; true cuts the connection instead. */
  cut: (message: Numbered) => boolean = () => false;
  #applied = 0;
  #stream = '';
  #socket: WebSocket | undefined;
  readonly #http = createServer();
  readonly #server = new WebSocketServer({ noServer: true });

  static async start(port = 0): Promise<FakeEdge> {
    const edge = new FakeEdge();
    edge.#http.on('upgrade', (request, socket, head) => {
      edge.upgrades.push(request);
      if (edge.refuse === undefined) {
        edge.#server.handleUpgrade(request, socket, head, (ws) => edge.#accept(ws));
      } else {
        socket.end(`HTTP/1.1 ${edge.refuse} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
      }
      edge.changed();
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

  /** Asks for an MI command. */
  ask(request: Partial<Mi> & { id: string; method: string }): void {
    this.send({ type: 'mi', params: {}, timeout_ms: 5_000, ttl_ms: 5_000, ...request });
  }

  /** Acknowledges all that is stored. */
  ack(): void {
    this.send({ type: 'ack', seq: this.#applied });
  }

  /** The network breaks. */
  break(): void {
    this.#socket?.terminate();
  }

  replies(): Extract<Numbered, { type: 'reply' }>[] {
    return this.stored.filter((message) => message.type === 'reply');
  }

  gaps(): string[] {
    return this.stored.flatMap((message) => (message.type === 'gap' ? [message.reason] : []));
  }

  async stop(): Promise<void> {
    for (const socket of this.#server.clients) socket.terminate();
    this.#http.closeAllConnections();
    this.#http.close();
    await once(this.#http, 'close');
  }

  #accept(socket: WebSocket): void {
    this.#socket = socket;
    socket.on('message', (data) => {
      this.#hear(socket, data.toString());
      this.changed();
    });
    socket.on('close', (code) => {
      this.closes.push(code);
      this.changed();
    });
  }

  #hear(socket: WebSocket, text: string): void {
    if (socket !== this.#socket) return;
    if (text === PING) {
      this.pings += 1;
      if (this.pongs) socket.send(PONG);
      return;
    }
    this.frames.push(text);
    const frame = parseFrame(FromAdapter, text);
    if ('error' in frame) throw new Error(frame.error);
    for (const message of frame.messages) {
      this.heard.push(message);
      if (message.type === 'hello') this.#greet(socket, message);
      if (!('seq' in message)) continue;
      if (this.cut(message)) {
        socket.terminate();
        return;
      }
      if (message.seq !== this.#applied + 1) {
        throw new Error(`seq ${message.seq} after ${this.#applied}: a message is missing or came twice`);
      }
      this.#applied = message.seq;
      this.stored.push(message);
    }
    if (this.acks && this.stored.length > 0) this.ack();
  }

  #greet(socket: WebSocket, hello: z.infer<typeof Hello>): void {
    this.hellos.push(hello);
    if (this.closeWith !== undefined) socket.close(this.closeWith);
    if (hello.stream !== this.#stream) {
      this.#stream = hello.stream;
      this.#applied = hello.base - 1;
    }
    if (!this.welcomes) return;
    this.send({ type: 'welcome', version: LINK_VERSION, stream: hello.stream, applied: this.#applied });
  }
}
