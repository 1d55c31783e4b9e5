/**
 * A fake OpenSIPS for tests: answers MI datagrams with configurable handlers, and raises events at its subscribers.
 * @module
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import * as z from 'zod';
import { ChangeEmitter } from './change-emitter.ts';

const MiRequest = z.object({
  id: z.unknown(),
  method: z.string(),
  params: z.record(z.string(), z.unknown()).default({}),
});

export interface ReceivedRequest extends z.infer<typeof MiRequest> {
  /** The sender's port. */
  readonly port: number;
  readonly respond: (result: unknown) => void;
  /** Responds with this exact datagram. */
  readonly respondText: (text: string) => void;
}

/** Returns the result of a request, or undefined to send no response. */
export type MiHandler = (request: ReceivedRequest) => unknown;

export class FakeOpenSips extends ChangeEmitter {
  readonly requests: ReceivedRequest[] = [];
  /** The requested lifetime in seconds, by event and socket. */
  readonly subscribers = new Map<string, Map<string, number>>();
  /** Replace the default responses, by method. */
  readonly handlers = new Map<string, MiHandler>();
  upSince = 'Mon Nov 23 09:34:39 2026';
  version = 'OpenSIPS (3.6.8 (x86_64/linux))';
  /** If true, it receives datagrams and never responds. */
  isSilent = false;
  #socket: Socket | undefined;

  static async start(port = 0): Promise<FakeOpenSips> {
    const opensips = new FakeOpenSips();
    await opensips.listen(port);
    return opensips;
  }

  get address(): { host: string; port: number } {
    return { host: '127.0.0.1', port: this.#socket?.address().port ?? 0 };
  }

  /** Listens on `port`, also again after `stop`. */
  async listen(port: number): Promise<void> {
    const socket = createSocket('udp4');
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    socket.on('message', (datagram, sender) => this.#onDatagram(socket, datagram.toString(), sender.port));
    this.#socket = socket;
  }

  /** Closes the port. */
  async stop(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    socket.close();
    await once(socket, 'close');
  }

  /** Removes all subscriptions and changes the start time. */
  restart(upSince: string): void {
    this.upSince = upSince;
    this.subscribers.clear();
  }

  /** Returns the requests for a method. */
  requestsFor(method: string): ReceivedRequest[] {
    return this.requests.filter((request) => request.method === method);
  }

  /** Sends an event to each subscriber. */
  raiseEvent(name: string, params: object): void {
    const datagram = JSON.stringify({ jsonrpc: '2.0', method: name, params });
    for (const socket of this.subscribers.get(name)?.keys() ?? []) {
      const [, host, port] = socket.split(':');
      this.#socket?.send(datagram, Number(port), host);
    }
  }

  #onDatagram(socket: Socket, text: string, port: number): void {
    const message = MiRequest.parse(JSON.parse(text));
    const respondText = (response: string) => socket.send(response, port, '127.0.0.1');
    const respond = (result: unknown) =>
      respondText(JSON.stringify({ jsonrpc: '2.0', result, id: message.id }));
    const request = { ...message, port, respond, respondText };
    this.requests.push(request);
    if (!this.isSilent) {
      const handler = this.handlers.get(request.method);
      const result = handler === undefined ? this.#defaultResult(request) : handler(request);
      if (result !== undefined) respond(result);
    }
    this.emitChange();
  }

  #defaultResult({ method, params }: ReceivedRequest): unknown {
    switch (method) {
      case 'uptime':
        return { Now: 'now', 'Up since': this.upSince, 'Up time': '3 [sec]' };
      case 'version':
        return { Server: this.version };
      case 'subscribers_list':
        return {
          Events: [...this.subscribers].map(([name, sockets]) => ({
            name,
            id: 1,
            Subscribers: [...sockets].map(([socket, expire]) => ({ socket, expire, ttl: expire })),
          })),
        };
      case 'event_subscribe': {
        const event = String(params['event']);
        const sockets = this.subscribers.get(event) ?? new Map<string, number>();
        if (params['expire'] === 0) sockets.delete(String(params['socket']));
        else sockets.set(String(params['socket']), Number(params['expire']));
        this.subscribers.set(event, sockets);
        return 'OK';
      }
      default:
        return undefined;
    }
  }
}
