/**
 * The front of a self-hosted edge: it accepts the connections of clients, and passes each request to workerd. workerd ends
 * when it has no file descriptor left, and neither limits nor ends connections by itself; the front does both, so that
 * nobody can keep others out with connections.
 * @module
 */
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  ServerResponse,
  request as sendRequest,
} from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Connections } from './connections.ts';
import { DEFAULT_TRUSTED_PROXIES, trustedProxies, withoutForwarded } from './forwarded-headers.ts';
import { requestHeaders, responseHeaders, switchingProtocols, upgradeHeaders } from './headers.ts';
import { joinWebSocket } from './websocket.ts';

/** What a client gets to send the headers of a request, and a whole request, in milliseconds. */
const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** A connection without a request is closed after this time. */
const IDLE_TIMEOUT_MS = 60_000;
/** From then on the system asks a client that sends nothing whether it is still there. */
const TCP_KEEPALIVE_MS = 60_000;
/** How often timeouts are checked. */
const CHECK_INTERVAL_MS = 1_000;
/** The platform accepts 128 KB; keys, tokens and queries need far less. */
const MAX_HEADER_BYTES = 32 * 1024;
/** What waits for each client beyond what the system buffers. */
const HIGH_WATER_MARK = 16 * 1024;
/** When to repeat a request that workerd could not take, in seconds: as for other temporary errors of the edge. */
const RETRY_AFTER_S = 5;

export interface FrontOptions {
  /** 0 for any free port, which needs a single host. */
  readonly port: number;
  /** The addresses to listen on. */
  readonly hosts: readonly string[];
  /** The Unix socket of workerd. */
  readonly socketPath: string;
  /** How many connections can be open. */
  readonly maxConnections: number;
  /** The proxies whose `X-Forwarded-…` headers are passed on; by default those of this machine. */
  readonly proxies?: readonly string[] | undefined;
}

/** A front that listens. */
export interface Front {
  /** The port it listens on. */
  readonly port: number;
  /** Returns the number of open connections. */
  connectionCount(): number;
  /** Accepts no further connection. The open ones go on. */
  stopListening(): void;
  /** Stops listening, and closes all connections. */
  close(): void;
}

/** Starts to listen. Rejects with the error of the system if it cannot. */
export async function startFront({
  port,
  hosts,
  socketPath,
  maxConnections,
  proxies = DEFAULT_TRUSTED_PROXIES,
}: FrontOptions): Promise<Front> {
  const connections = new Connections<Socket>(maxConnections);
  const listener = new Listener(connections, socketPath, trustedProxies(proxies));
  const servers: Server[] = [];
  const sweep = setInterval(() => connections.closeStalled(Date.now()), CHECK_INTERVAL_MS);
  const stopListening = () => {
    for (const server of servers) server.close();
  };
  const close = () => {
    clearInterval(sweep);
    stopListening();
    connections.closeAll();
  };
  let listensOn = port;
  try {
    for (const host of hosts) {
      const server = listener.createServer();
      servers.push(server);
      listensOn = await listen(server, port, host);
    }
  } catch (error) {
    close();
    throw error;
  }
  return { port: listensOn, connectionCount: () => connections.size, stopListening, close };
}

/** Resolves with the port. */
function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}

/** Serves connections. */
class Listener {
  readonly #connections: Connections<Socket>;
  readonly #socketPath: string;
  readonly #isProxy: (address: string | undefined) => boolean;

  constructor(
    connections: Connections<Socket>,
    socketPath: string,
    isProxy: (address: string | undefined) => boolean,
  ) {
    this.#isProxy = isProxy;
    this.#connections = connections;
    this.#socketPath = socketPath;
  }

  createServer(): Server {
    const options = {
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: IDLE_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      keepAlive: true,
      keepAliveInitialDelay: TCP_KEEPALIVE_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
      highWaterMark: HIGH_WATER_MARK,
      // Newer than Node.js 20, where every upgrade is passed on as one.
      shouldUpgradeCallback: isWebSocketUpgrade,
    };
    return createServer(options, this.#onRequest)
      .on('connection', (socket) => this.#onConnection(socket))
      .on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head));
  }

  #onConnection(socket: Socket): void {
    socket.on('close', () => this.#connections.delete(socket));
    this.#connections.add(socket, Date.now());
  }

  readonly #onRequest: RequestListener = (request, response) => {
    const { socket } = request;
    this.#connections.enter(socket, 'receiving');
    request.on('end', () => this.#connections.enter(socket, 'answering'));
    response.on('close', () => this.#connections.enter(socket, 'idle'));
    const toEdge = this.#sendToEdge(request, requestHeaders(request.rawHeaders));
    toEdge.on('response', (answer) => passResponse(answer, response));
    toEdge.on('error', () => refuse(response));
    response.on('close', () => toEdge.destroy());
    request.pipe(toEdge);
  };

  #onUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const { socket } = request;
    this.#connections.enter(socket, 'answering');
    const response = responseOn(request, stream);
    const toEdge = this.#sendToEdge(request, upgradeHeaders(request.rawHeaders));
    const abort = () => toEdge.destroy();
    socket.on('close', abort);
    socket.on('error', () => {});
    toEdge.on('response', (answer) => passResponse(answer, response));
    toEdge.on('error', () => refuse(response));
    toEdge.on('upgrade', (answer, edge, edgeHead) => {
      socket.off('close', abort);
      if (socket.destroyed) {
        edge.destroy();
        return;
      }
      response.detachSocket(socket);
      socket.write(switchingProtocols(answer.rawHeaders));
      this.#connections.enter(socket, 'websocket');
      joinWebSocket(socket, edge, { client: head, edge: edgeHead }, () =>
        this.#connections.enter(socket, 'closing'),
      );
    });
    toEdge.end();
  }

  /**
   * Begins a request to workerd. Each has a connection of its own: one that is used again may just have been closed, and a
   * request that then fails may have been run.
   */
  #sendToEdge({ method, url, socket }: IncomingMessage, headers: readonly string[]): ClientRequest {
    const target = { socketPath: this.#socketPath, agent: false, method: method ?? 'GET', path: url ?? '/' };
    const passed = this.#isProxy(socket.remoteAddress) ? headers : withoutForwarded(headers);
    return sendRequest({ ...target, headers: passed });
  }
}

function isWebSocketUpgrade({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket';
}

/** Returns a response to a request for another protocol that is refused. TCP ends with it. */
function responseOn(request: IncomingMessage, stream: Duplex): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(request.socket);
  response.on('finish', () => stream.end());
  return response;
}

function passResponse(answer: IncomingMessage, response: ServerResponse): void {
  response.sendDate = false;
  response.writeHead(
    answer.statusCode ?? 502,
    answer.statusMessage ?? '',
    responseHeaders(answer.rawHeaders),
  );
  // An event stream begins before its first event.
  response.flushHeaders();
  // What breaks off must not look complete.
  answer.on('error', () => response.destroy());
  answer.pipe(response);
}

/** Answers a request that workerd has not answered. */
function refuse(response: ServerResponse): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const status = 503;
  const detail = 'The edge is starting or busy. Try again later.';
  response.writeHead(status, {
    'Content-Type': 'application/problem+json',
    'Retry-After': RETRY_AFTER_S,
  });
  response.end(JSON.stringify({ status, detail }));
}
