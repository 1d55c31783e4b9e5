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
import type { ConnectionLimits } from './descriptors.ts';
import { type EdgeConnection, EdgeConnections } from './edge-connections.ts';
import { DEFAULT_TRUSTED_PROXIES, trustedProxies, withoutForwarded } from './forwarded-headers.ts';
import { requestHeaders, responseHeaders, switchingProtocols, upgradeHeaders } from './headers.ts';
import { LongLivedConnections } from './long-lived.ts';
import { senderOf } from './sender.ts';
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
/** How often places at workerd are freed for requests that wait: each waits that long for those that do not end by themselves. */
const MAKE_ROOM_INTERVAL_MS = 250;
/** The platform accepts 128 KB; keys, tokens and queries need far less. */
const MAX_HEADER_BYTES = 32 * 1024;
/** What waits for each client beyond what the system buffers. */
const HIGH_WATER_MARK = 16 * 1024;
/** When to repeat a request that workerd could not take, in seconds: as for other temporary errors of the edge. */
const RETRY_AFTER_S = 5;
const UNAVAILABLE = 'The edge is starting or busy. Try again later.';
const UNANSWERED =
  'The edge ended before it answered, so the request may have been executed. Repeat it with the same Idempotency-Key or cmd_id.';

export interface FrontOptions {
  /** 0 for any free port, which needs a single host. */
  readonly port: number;
  /** The addresses to listen on. */
  readonly hosts: readonly string[];
  /** The Unix socket of workerd. */
  readonly socketPath: string;
  /** How many connections can be open on both sides. */
  readonly limits: Pick<ConnectionLimits, 'clients' | 'edge'>;
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
  /**
   * Tells clients that the edge stops, so that they reconnect: closes WebSockets with a reason, and ends event streams. Resolves when these
   * are closed, or after a second. Adapters learn it from workerd.
   */
  goAway(): Promise<void>;
  /** Stops listening, and closes all connections. */
  close(): void;
}

/** Starts to listen. Rejects with the error of the system if it cannot. */
export async function startFront({
  port,
  hosts,
  socketPath,
  limits,
  proxies = DEFAULT_TRUSTED_PROXIES,
}: FrontOptions): Promise<Front> {
  const connections = new Connections<Socket>(limits.clients);
  const edge = new EdgeConnections(socketPath, limits.edge);
  const listener = new Listener(connections, edge, trustedProxies(proxies));
  const servers: Server[] = [];
  const timers = [
    setInterval(() => connections.closeStalled(Date.now()), CHECK_INTERVAL_MS),
    setInterval(() => connections.makeRoomAtEdge(edge.waitingCount), MAKE_ROOM_INTERVAL_MS),
  ];
  const stopListening = () => {
    for (const server of servers) server.close();
  };
  const close = () => {
    for (const timer of timers) clearInterval(timer);
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
  return {
    port: listensOn,
    connectionCount: () => connections.size,
    stopListening,
    goAway: () => listener.goAway(),
    close,
  };
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
  readonly #edge: EdgeConnections;
  readonly #isProxy: (address: string | undefined) => boolean;
  readonly #longLived = new LongLivedConnections();

  constructor(
    connections: Connections<Socket>,
    edge: EdgeConnections,
    isProxy: (address: string | undefined) => boolean,
  ) {
    this.#connections = connections;
    this.#edge = edge;
    this.#isProxy = isProxy;
  }

  goAway(): Promise<void> {
    return this.#longLived.end();
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
    this.#connections.enter(socket, 'answering');
    response.on('close', () => this.#connections.enter(socket, 'idle'));
    const end = this.#passOn(request, requestHeaders(request.rawHeaders), response, (toEdge) => {
      if (!hasBody(request)) {
        toEdge.end();
        return;
      }
      this.#connections.enter(socket, 'receiving');
      request.on('end', () => {
        // It is already idle if it was answered before.
        if (!response.writableFinished) this.#connections.enter(socket, 'answering');
      });
      request.pipe(toEdge);
    });
    response.on('close', () => {
      end();
      // What is left of the body of a request that was refused: the next request comes after it.
      request.unpipe().resume();
    });
  };

  #onUpgrade(request: IncomingMessage, stream: Duplex, head: Buffer): void {
    const { socket } = request;
    this.#connections.enter(socket, 'answering');
    const response = responseOn(request, stream);
    const end = this.#passOn(request, upgradeHeaders(request.rawHeaders), response, (toEdge) => {
      toEdge.on('upgrade', (answer, edge, edgeHead) => {
        socket.off('close', end);
        if (socket.destroyed) {
          edge.destroy();
          return;
        }
        response.detachSocket(socket);
        socket.write(switchingProtocols(answer.rawHeaders));
        this.#connections.enter(socket, 'websocket');
        const close = joinWebSocket(socket, edge, { client: head, edge: edgeHead }, () =>
          this.#connections.enter(socket, 'closing'),
        );
        if (!isOfAdapter(request)) this.#longLived.add(socket, close);
      });
      toEdge.end();
    });
    socket.on('close', end);
    socket.on('error', () => {});
  }

  /**
   * Passes a request to workerd, now or when it is its turn, and its answer back. Each has a connection of its own: one that
   * is used again may just have been closed, and a request that then fails may have been executed. A request that changes
   * nothing is sent once more if workerd ends before it answers.
   * @param send sends the body on a request to workerd
   * @return a function that ends the request
   */
  #passOn(
    request: IncomingMessage,
    headers: readonly string[],
    response: ServerResponse,
    send: (toEdge: ClientRequest) => void,
  ): () => void {
    const { method = 'GET', url: path = '/', socket } = request;
    const passed = this.#isProxy(socket.remoteAddress) ? headers : withoutForwarded(headers);
    let isEnded = false;
    let end: () => void;
    const begin = (isLastTime: boolean) => {
      const onOpen = (edge: EdgeConnection) => {
        let isComplete = false;
        const toEdge = sendRequest({
          createConnection: () => edge.socket,
          method,
          path,
          headers: passed,
        });
        toEdge.on('response', (answer) => {
          edge.onAnswer();
          passResponse(answer, response);
          if (isEventStream(answer))
            this.#longLived.add(response, () => {
              answer.unpipe(response);
              response.end();
            });
          answer.on('end', () => {
            isComplete = true;
            edge.onComplete();
          });
        });
        toEdge.on('upgrade', () => edge.onAnswer());
        toEdge.on('error', () => {
          if (isEnded || isComplete) return;
          if (isLastTime || response.headersSent) breakOff(response);
          else begin(true);
        });
        send(toEdge);
      };
      end = this.#edge.open(senderOf(request), onOpen, () => refuse(response, 503, UNAVAILABLE));
    };
    begin(!isRepeatable(request));
    return () => {
      isEnded = true;
      end();
    };
  }
}

/** Returns whether a request may be executed twice: it changes nothing, and nothing of it is used up (RFC 9110 §9.2.1). */
function isRepeatable(request: IncomingMessage): boolean {
  return (request.method === 'GET' || request.method === 'HEAD') && !hasBody(request);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return 'transfer-encoding' in headers || Number(headers['content-length'] ?? 0) > 0;
}

/** The adapter of `npm start` is stopped after the front, and would report that it was disconnected. */
function isOfAdapter({ url = '' }: IncomingMessage): boolean {
  return /^\/adapter(?:\?|$)/.test(url);
}

function isEventStream({ headers }: IncomingMessage): boolean {
  return headers['content-type']?.startsWith('text/event-stream') === true;
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

/** Ends a request whose answer workerd has not completed. */
function breakOff(response: ServerResponse): void {
  if (response.headersSent) response.destroy();
  else refuse(response, 502, UNANSWERED);
}

/** Answers a request that workerd has not answered. */
function refuse(response: ServerResponse, status: 502 | 503, detail: string): void {
  response.writeHead(status, {
    'Content-Type': 'application/problem+json',
    ...(status === 503 ? { 'Retry-After': RETRY_AFTER_S } : {}),
  });
  response.end(JSON.stringify({ status, detail }));
}
