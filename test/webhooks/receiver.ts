/** A receiver of webhooks that behaves as receivers do: well, and in every other way. @module */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { freePort, until } from '../stack/stack.ts';

/** A webhook that came, taken or not. */
export interface Got {
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** How it answers. */
export type Manner = 'takes' | 'fails' | 'hangs' | 'slow' | 'redirects' | 'resets';

/** A slow one answers after so many milliseconds. */
const SLOW_MS = 300;

export class Receiver implements AsyncDisposable {
  readonly #port: number;
  #server: Server | undefined;
  #manner: Manner = 'takes';
  #shown = 0;
  /** All that came, in order. */
  readonly got: Got[] = [];
  /** The numbers of those that it said it has taken. */
  readonly taken = new Set<unknown>();
  /** Requests that came to where it redirects. */
  elsewhere = 0;

  private constructor(port: number) {
    this.#port = port;
  }

  static async start(): Promise<Receiver> {
    const receiver = new Receiver(await freePort());
    await receiver.lives();
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hooks`;
  }

  get types(): string[] {
    return this.got.map(({ type }) => type);
  }

  /** Behaves so from now on. */
  now(manner: Manner): void {
    this.#manner = manner;
  }

  /** Behaves so from now on, until it has done it to at least one webhook after something happened. */
  async behaves(manner: Manner, happens: () => Promise<unknown>): Promise<void> {
    this.#manner = manner;
    this.#shown = 0;
    await happens();
    await until(() => this.#shown > 0);
    this.#manner = 'takes';
  }

  /** Nothing listens any more. */
  async dies(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }

  /** It listens at the same port. */
  async lives(): Promise<void> {
    this.#server = createServer((request, response) => void this.#receive(request, response));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.dies();
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url !== '/hooks') {
      this.elsewhere++;
      response.end();
      return;
    }
    const manner = this.#manner;
    const body = Buffer.concat(await request.toArray()).toString();
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const { type, data } = JSON.parse(body) as Pick<Got, 'type' | 'data'>;
    this.got.push({ headers, body, type, data });
    this.#answer(manner, response, data);
    this.#shown++;
  }

  #answer(manner: Manner, response: ServerResponse, data: Got['data']): void {
    const take = () => {
      this.taken.add(data['seq']);
      response.writeHead(204).end();
    };
    switch (manner) {
      case 'takes':
        take();
        return;
      case 'slow':
        setTimeout(take, SLOW_MS);
        return;
      case 'fails':
        response.writeHead(500).end('not now');
        return;
      case 'redirects':
        response.writeHead(307, { Location: '/elsewhere' }).end();
        return;
      case 'resets':
        response.destroy();
        return;
      case 'hangs':
        return;
    }
  }
}
