/** An edge that answers every HTTP request, also a WebSocket upgrade, as a test says. @module */
import { once } from 'node:events';
import { createServer, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

export interface Answer {
  readonly status: number;
  /** Sent as JSON, or as HTML if it is a text. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether the connection is reset after the first half of the body. */
  readonly isCut?: boolean;
}

/** Returns the head of a response, and the part of its body that is sent. */
function serialize({ status, body, headers = {}, isCut }: Answer): string {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const all = {
    'Content-Type': typeof body === 'string' ? 'text/html' : 'application/json',
    'Content-Length': String(Buffer.byteLength(text)),
    Connection: 'close',
    Date: new Date().toUTCString(),
    ...headers,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  const sent = isCut ? text.slice(0, text.length / 2) : text;
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${lines.join('')}\r\n${sent}`;
}

export class FakeHttpEdge implements AsyncDisposable {
  readonly #server = createServer();
  /** The paths of all requests, in order. */
  readonly paths: string[] = [];

  /** @param answer returns the answer to a request by its path without the query; `attempt` counts from 1 for each path */
  static async start(answer: (path: string, attempt: number) => Answer): Promise<FakeHttpEdge> {
    const edge = new FakeHttpEdge();
    const answerTo = (url = '') => {
      const path = url.replace(/\?.*/, '');
      edge.paths.push(path);
      return answer(path, edge.paths.filter((each) => each === path).length);
    };
    const send = (socket: Duplex, url: string | undefined) => {
      socket.on('error', () => {});
      socket.end(serialize(answerTo(url)));
    };
    edge.#server.on('request', (request) => {
      request.resume().on('end', () => send(request.socket, request.url));
    });
    edge.#server.on('upgrade', ({ url }, socket) => send(socket, url));
    await once(edge.#server.listen(0, '127.0.0.1'), 'listening');
    return edge;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** The environment for any command. */
  get env(): Readonly<Record<string, string>> {
    return {
      CALL_API: this.url,
      EDGE_URL: this.url,
      ADMIN_SECRET: 'secret',
      CALL_API_TOKEN: 'ca.k.api.t.i.s.m',
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
