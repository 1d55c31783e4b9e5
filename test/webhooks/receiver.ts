/** A webhook receiver that accepts webhooks, fails, hangs, is slow, redirects or resets the connection. @module */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { findFreePort, waitUntil } from '../harness/stack.ts';

/** A request that has arrived, whatever the response. */
export interface ReceivedWebhook {
  readonly headers: Record<string, string>;
  readonly body: string;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export type ReceiverBehavior = 'accepts' | 'fails' | 'hangs' | 'slow' | 'redirects' | 'resets';

const SLOW_RESPONSE_MS = 300;

export class WebhookReceiver implements AsyncDisposable {
  readonly #port: number;
  #server: Server | undefined;
  #behavior: ReceiverBehavior = 'accepts';
  #handledCount = 0;
  /** All webhooks, in the order of arrival. */
  readonly received: ReceivedWebhook[] = [];
  /** `seq` of the webhooks answered with 204. */
  readonly acceptedSeqs = new Set<unknown>();
  /** Requests to the target of its redirects. */
  redirectsFollowed = 0;

  private constructor(port: number) {
    this.#port = port;
  }

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver(await findFreePort());
    await receiver.listen();
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hooks`;
  }

  get receivedTypes(): string[] {
    return this.received.map(({ type }) => type);
  }

  setBehavior(behavior: ReceiverBehavior): void {
    this.#behavior = behavior;
  }

  /** Runs `action`, and behaves as given until at least one webhook has been handled that way after it started. */
  async withBehavior(behavior: ReceiverBehavior, action: () => Promise<unknown>): Promise<void> {
    this.#behavior = behavior;
    this.#handledCount = 0;
    await action();
    await waitUntil(() => this.#handledCount > 0);
    this.#behavior = 'accepts';
  }

  /** Closes the port and all connections. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }

  /** Opens the same port again. */
  async listen(): Promise<void> {
    this.#server = createServer((request, response) => void this.#receive(request, response));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url !== '/hooks') {
      this.redirectsFollowed++;
      response.end();
      return;
    }
    const behavior = this.#behavior;
    const body = Buffer.concat(await request.toArray()).toString();
    const headers = Object.fromEntries(
      Object.entries(request.headers).map(([name, value]) => [name, String(value)]),
    );
    const { type, data } = JSON.parse(body) as Pick<ReceivedWebhook, 'type' | 'data'>;
    this.received.push({ headers, body, type, data });
    this.#respond(behavior, response, data);
    this.#handledCount++;
  }

  #respond(behavior: ReceiverBehavior, response: ServerResponse, data: ReceivedWebhook['data']): void {
    const accept = () => {
      this.acceptedSeqs.add(data['seq']);
      response.writeHead(204).end();
    };
    switch (behavior) {
      case 'accepts':
        accept();
        return;
      case 'slow':
        setTimeout(accept, SLOW_RESPONSE_MS);
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
