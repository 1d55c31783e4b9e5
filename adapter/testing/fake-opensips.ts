/**
 * A fake OpenSIPS for tests: answers MI datagrams with configurable handlers, and raises events at its subscribers.
 * @module
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import * as z from 'zod';
import { dialogState, EVENT_NAMES } from '../../shared/opensips/evi.ts';
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
  readonly respondError: (code: number, message: string) => void;
  /** Responds with this exact datagram. */
  readonly respondText: (text: string) => void;
}

/** A dialog as `dlg_list` shows it. */
export interface FakeDialog {
  readonly ID: string;
  readonly state: number;
  readonly callid: string;
  readonly [field: string]: unknown;
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
  /** The commands that `which` lists. */
  commands: readonly string[] = ['uptime', 'version', 'which', 'dlg_list', 'dlg_send_sequential'];
  /** The events that it has. */
  events: readonly string[] = EVENT_NAMES;
  /** The dialogs that `dlg_list` shows, in its order. */
  dialogs: readonly FakeDialog[] = [];
  /** If true, it receives datagrams and never responds. */
  isSilent = false;
  #socket: Socket | undefined;
  #eventSocket: Socket | undefined;

  /** The address at which it listens: loopback of IPv4 or IPv6. */
  readonly host: '127.0.0.1' | '::1';

  private constructor(host: '127.0.0.1' | '::1') {
    super();
    this.host = host;
  }

  static async start(port = 0, host: '127.0.0.1' | '::1' = '127.0.0.1'): Promise<FakeOpenSips> {
    const opensips = new FakeOpenSips(host);
    await opensips.listen(port);
    return opensips;
  }

  get address(): { host: string; port: number } {
    return { host: this.host, port: this.#socket?.address().port ?? 0 };
  }

  /** Listens on `port`, also again after `stop`. */
  async listen(port: number): Promise<void> {
    const socket = createSocket(this.host === '::1' ? 'udp6' : 'udp4');
    socket.bind(port, this.host);
    await once(socket, 'listening');
    socket.on('message', (datagram, sender) => this.#onDatagram(socket, datagram.toString(), sender.port));
    this.#socket = socket;
    // Like OpenSIPS, which sends events over IPv4 only.
    this.#eventSocket = this.host === '::1' ? createSocket('udp4') : socket;
  }

  /** Closes the port. */
  async stop(): Promise<void> {
    const socket = this.#socket;
    this.#socket = undefined;
    if (socket === undefined) return;
    if (this.#eventSocket !== socket) this.#eventSocket?.close();
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
      this.#eventSocket?.send(datagram, Number(port), host);
    }
  }

  #onDatagram(socket: Socket, text: string, port: number): void {
    const message = MiRequest.parse(JSON.parse(text));
    const respondText = (response: string) => socket.send(response, port, this.host);
    const respond = (result: unknown) =>
      respondText(JSON.stringify({ jsonrpc: '2.0', result, id: message.id }));
    const respondError = (code: number, text: string) =>
      respondText(JSON.stringify({ jsonrpc: '2.0', error: { code, message: text }, id: message.id }));
    const request = { ...message, port, respond, respondError, respondText };
    this.requests.push(request);
    if (!this.isSilent) {
      const handler = this.handlers.get(request.method);
      const result = handler === undefined ? this.#defaultResult(request) : handler(request);
      if (result !== undefined) respond(result);
    }
    this.emitChange();
  }

  #defaultResult({ method, params, respondError }: ReceivedRequest): unknown {
    switch (method) {
      case 'uptime':
        return { Now: 'now', 'Up since': this.upSince, 'Up time': '3 [sec]' };
      case 'version':
        return { Server: this.version };
      case 'which':
        return this.commands;
      case 'events_list':
        return { Events: this.events.map((name, id) => ({ name, id })) };
      case 'dlg_list': {
        const { callid, index, counter } = params;
        if (callid === undefined)
          return {
            count: this.dialogs.length,
            Dialogs: this.dialogs.slice(Number(index), Number(index) + Number(counter)),
          };
        const dialog = this.dialogs.find((each) => each.callid === callid);
        if (dialog !== undefined && dialog.state !== dialogState.ended) return { Dialog: dialog };
        respondError(404, 'No such dialog');
        return undefined;
      }
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
        if (!this.events.includes(event)) {
          respondError(400, 'Bad parameter value');
          return undefined;
        }
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
