/** An edge that answers every HTTP request, also a WebSocket upgrade, as a test says. @module */
import { once } from 'node:events';
import { createServer, STATUS_CODES } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Answer {
  readonly status: number;
  readonly body: unknown;
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
      const { status, body } = answer(path, edge.paths.filter((each) => each === path).length);
      return { status, text: JSON.stringify(body) };
    };
    edge.#server.on('request', (request, response) => {
      const { status, text } = answerTo(request.url);
      request.resume();
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(text);
    });
    edge.#server.on('upgrade', ({ url }, socket) => {
      const { status, text } = answerTo(url);
      socket.end(
        `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
      );
    });
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
