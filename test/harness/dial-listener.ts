/**
 * A listener that the edge dials, as an operator's adapter would be: it verifies the edge's token and proves its key. Frames go to a
 * real adapter, which connects to the listener's other path as if that were its edge. A test can make it misbehave.
 * @module
 */
import { createHash, createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { type RawData, WebSocket, WebSocketServer } from 'ws';
import {
  DEMO_KEY_ID,
  DIAL_TOKEN,
  JWKS_PATH,
  PROOF_HEADER,
  proofMessage,
} from '../../shared/protocol/dial.ts';

/** One attempt of the edge. */
export interface DialAttempt {
  readonly claims: JWTPayload;
  readonly path: string;
}

/** How the listener answers instead of as it should: it writes the response itself, or returns another proof. */
export interface Misbehavior {
  respond?(socket: Duplex, attempt: DialAttempt): void;
  prove?(audience: string, jti: string): string | undefined;
}

export class DialListener implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({ noServer: true });
  readonly #connections = new Set<Socket>();
  readonly #key: string;
  readonly #edgeOrigin: string;
  readonly attempts: DialAttempt[] = [];
  /** The path of each attempt. */
  get paths(): readonly string[] {
    return this.attempts.map(({ path }) => path);
  }
  /** Frames of the edge, in order. */
  readonly frames: string[] = [];
  /** How each link has ended: the code of the edge's Close frame, and its reason. */
  readonly ends: { readonly code: number; readonly reason: string }[] = [];
  misbehavior: Misbehavior = {};
  /** What each socket of the edge is sent at once, whether or not an adapter is behind. */
  greeting: readonly object[] = [];
  #edge: WebSocket | undefined;
  #adapter: WebSocket | undefined;
  /** Frames pass between both. */
  #isPaired = false;
  /** What the adapter has sent before the edge was there. */
  #waiting: string[] = [];

  private constructor(server: Server, key: string, edgePort: number) {
    this.#server = server;
    this.#key = key;
    this.#edgeOrigin = `http://127.0.0.1:${edgePort}`;
    server.on('connection', (connection) => this.#connections.add(connection));
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      const accept = (use: (webSocket: WebSocket) => void) =>
        this.#sockets.handleUpgrade(request, socket, head, use);
      if (request.url === '/adapter') accept((adapter) => this.#onAdapter(adapter));
      else void this.#onDialed(request, socket, accept);
    });
  }

  /** @param key the adapter's key, whose text has an id and a secret; or that of the demo tenant */
  static async start(options: {
    readonly edgePort: number;
    readonly key: string;
    readonly port?: number;
  }): Promise<DialListener> {
    const server = createServer((_, response) => response.writeHead(426).end());
    server.listen(options.port ?? 0, '127.0.0.1');
    await once(server, 'listening');
    return new DialListener(server, options.key, options.edgePort);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Where the edge dials. */
  get url(): string {
    return `http://127.0.0.1:${this.port}/link`;
  }

  /** What the real adapter gets as `EDGE_URL`. */
  get adapterUrl(): string {
    return `ws://127.0.0.1:${this.port}/adapter`;
  }

  get isLinked(): boolean {
    return this.#edge?.readyState === WebSocket.OPEN;
  }

  /** Sends a frame to the edge, as the adapter would. */
  send(message: object | string): void {
    this.#edge?.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Ends TCP to the edge without a Close frame, as a machine that vanishes. */
  breakLink(): void {
    this.#edge?.terminate();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const connection of this.#connections) connection.destroy();
    await once(this.#server, 'close');
  }

  async #onDialed(
    request: IncomingMessage,
    socket: Duplex,
    accept: (use: (webSocket: WebSocket) => void) => void,
  ): Promise<void> {
    socket.on('error', () => {});
    const audience = new URL(this.url).origin;
    const [, token = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    const keys = createRemoteJWKSet(new URL(JWKS_PATH, this.#edgeOrigin));
    const verified = await jwtVerify(token, keys, {
      audience,
      issuer: DIAL_TOKEN.issuer,
      typ: DIAL_TOKEN.type,
      algorithms: [DIAL_TOKEN.algorithm],
      requiredClaims: ['jti', 'iat', 'exp', 'tenant', 'site'],
    }).catch(() => undefined);
    if (!verified) {
      socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
      return;
    }
    const attempt = { claims: verified.payload, path: request.url ?? '' };
    this.attempts.push(attempt);
    const { respond, prove = (aud: string, jti: string) => proofOf(this.#key, aud, jti) } = this.misbehavior;
    if (respond) return respond(socket, attempt);
    const proof = prove(audience, String(verified.payload.jti));
    const addProof = (headers: string[]) => {
      if (proof !== undefined) headers.push(`${PROOF_HEADER}: ${proof}`);
    };
    this.#sockets.once('headers', addProof);
    accept((edge) => this.#onEdge(edge));
  }

  #onEdge(edge: WebSocket): void {
    this.#edge?.terminate();
    this.#edge = edge;
    this.#isPaired = false;
    edge.on('error', () => {});
    for (const message of this.greeting) edge.send(JSON.stringify(message));
    edge.on('message', (data) => {
      this.frames.push(textOf(data));
      if (this.#isPaired) this.#adapter?.send(textOf(data));
    });
    edge.on('close', (code, reason) => {
      this.ends.push({ code, reason: reason.toString() });
      if (this.#edge !== edge) return;
      this.#edge = undefined;
      // The adapter connects again, and says hello to the next link.
      if (this.#isPaired) this.#adapter?.close(1012);
    });
    this.#pair();
  }

  #onAdapter(adapter: WebSocket): void {
    if (this.#isPaired) this.#edge?.close(1012);
    this.#adapter?.terminate();
    this.#adapter = adapter;
    this.#isPaired = false;
    this.#waiting = [];
    adapter.on('error', () => {});
    adapter.on('message', (data) => {
      if (this.#isPaired) this.#edge?.send(textOf(data));
      else if (textOf(data) === 'ping') adapter.send('pong');
      else this.#waiting.push(textOf(data));
    });
    adapter.on('close', (code) => {
      if (this.#adapter !== adapter) return;
      this.#adapter = undefined;
      if (this.#isPaired) this.#edge?.close(code >= 3_000 ? code : 1000);
    });
    this.#pair();
  }

  /** Each link gets an adapter that has not said hello to another one. */
  #pair(): void {
    if (!this.isLinked || !this.#adapter) return;
    this.#isPaired = true;
    for (const frame of this.#waiting.splice(0)) this.#edge?.send(frame);
  }
}

/** Returns the proof that an adapter has its key. */
export function proofOf(key: string, audience: string, jti: string): string {
  const [, , , , id = DEMO_KEY_ID, secret = key] = key.split('.');
  const hash = createHash('sha256').update(secret).digest('hex');
  const mac = createHmac('sha256', hash).update(proofMessage(audience, jti)).digest('base64url');
  return `${id}.${mac}`;
}

function textOf(data: RawData): string {
  return Array.isArray(data) ? Buffer.concat(data).toString() : Buffer.from(data as ArrayBuffer).toString();
}
