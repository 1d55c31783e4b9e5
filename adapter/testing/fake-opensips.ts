/**
 * An OpenSIPS for tests: answers MI datagrams as it is told, and raises events at its subscribers.
 * @module
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import * as z from 'zod';
import { Changing } from './until.ts';

const Request = z.object({
  id: z.unknown(),
  method: z.string(),
  params: z.record(z.string(), z.unknown()).default({}),
});

/** A request as it came, and the port it came from. */
export interface Asked extends z.infer<typeof Request> {
  readonly port: number;
  /** Answers it with a result, or with the very text that is given. */
  readonly answer: (result: unknown) => void;
  readonly answerText: (text: string) => void;
}

/** Answers a method; undefined leaves it unanswered. */
export type Behaviour = (asked: Asked) => unknown;

export class FakeOpenSips extends Changing {
  readonly asked: Asked[] = [];
  /** By event and socket: the seconds asked for. */
  readonly subscribers = new Map<string, Map<string, number>>();
  readonly behaviours = new Map<string, Behaviour>();
  upSince = 'Mon Nov 23 09:34:39 2026';
  version = 'OpenSIPS (3.6.8 (x86_64/linux))';
  /** Takes datagrams and says nothing. */
  silent = false;
  #socket: Socket | undefined;

  static async start(port = 0): Promise<FakeOpenSips> {
    const fake = new FakeOpenSips();
    await fake.listen(port);
    return fake;
  }

  get address(): { host: string; port: number } {
    return { host: '127.0.0.1', port: this.#socket?.address().port ?? 0 };
  }

  /** Answers again on `port`, after `stop`. */
  async listen(port: number): Promise<void> {
    const socket = createSocket('udp4');
    socket.bind(port, '127.0.0.1');
    await once(socket, 'listening');
    socket.on('message', (datagram, { port: from }) => this.#hear(socket, datagram.toString(), from));
    this.#socket = socket;
  }

  /** Nobody listens on the port any more. */
  async stop(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    socket.close();
    await once(socket, 'close');
  }

  /** All subscriptions are gone and it is up since another time. */
  restart(upSince: string): void {
    this.upSince = upSince;
    this.subscribers.clear();
  }

  of(method: string): Asked[] {
    return this.asked.filter((asked) => asked.method === method);
  }

  /** Sends the event to each subscriber. */
  raise(name: string, params: object): void {
    const datagram = JSON.stringify({ jsonrpc: '2.0', method: name, params });
    for (const socket of this.subscribers.get(name)?.keys() ?? []) {
      const [, host, port] = socket.split(':');
      this.#socket?.send(datagram, Number(port), host);
    }
  }

  #hear(socket: Socket, text: string, port: number): void {
    const request = Request.parse(JSON.parse(text));
    const answerText = (answer: string) => socket.send(answer, port, '127.0.0.1');
    const answer = (result: unknown) =>
      answerText(JSON.stringify({ jsonrpc: '2.0', result, id: request.id }));
    const asked = { ...request, port, answer, answerText };
    this.asked.push(asked);
    if (!this.silent) {
      const behaviour = this.behaviours.get(request.method);
      const result = behaviour === undefined ? this.#standard(asked) : behaviour(asked);
      if (result !== undefined) answer(result);
    }
    this.changed();
  }

  #standard({ method, params }: Asked): unknown {
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
