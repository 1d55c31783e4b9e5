/**
 * MI over UDP. Each outstanding request has a socket of its own, because an answer may be plain text that
 * names no request.
 * @module
 */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { decodeAnswer, encodeRequest, type MiAnswer, type MiRequestParams } from './mi-message.ts';
import type { Address } from './settings.ts';

/**
 * Requests under way at a time. Each is one descriptor, and a `t_uac_dlg` holds its own while the phone
 * rings, so this bounds the calls that ring at once.
 */
const MAX_OUTSTANDING = 1024;

/** Milliseconds: how long an answer is waited for, and how late a request may still be sent. */
export interface Patience {
  readonly timeoutMs: number;
  readonly ttlMs?: number;
}

/** Sends MI requests to one OpenSIPS. */
export class MiClient {
  readonly #limit: number;
  // Random, so that no answer to an earlier process, on a port that came round again, passes for ours.
  readonly #prefix = randomBytes(6).toString('base64url');
  #count = 0;
  #address: Address | undefined;
  readonly #idle = new Set<Socket>();
  readonly #queue = new Set<() => void>();
  readonly #exchanges = new Set<Exchange>();
  #closed = false;

  constructor(limit = MAX_OUTSTANDING) {
    this.#limit = limit;
  }

  /** Where requests go from now on: an IPv4 address, not a name. Until it is known they are unreachable. */
  connectTo(address: Address): void {
    if (this.#address?.host === address.host && this.#address.port === address.port) return;
    this.#address = address;
    for (const socket of this.#idle) this.#discard(socket);
  }

  /**
   * Runs a command and tells how it ended; never throws. Outcomes: `timeout` (sent, no answer), `unreachable`
   * (nobody took it), `expired` (waited too long for a free socket).
   */
  request(method: string, params: MiRequestParams, patience: Patience): Promise<MiAnswer> {
    return new Promise((resolve) => {
      const start = () => this.#start(method, params, patience.timeoutMs, resolve);
      if (this.#closed) resolve({ outcome: 'unreachable' });
      else if (this.#exchanges.size < this.#limit) start();
      else this.#enqueue(start, patience.ttlMs ?? patience.timeoutMs, resolve);
    });
  }

  /** Ends every request: `timeout` for what was sent, `unreachable` for what was not. Closes all sockets. */
  close(): void {
    this.#closed = true;
    for (const waiting of this.#queue) waiting();
    for (const exchange of this.#exchanges) exchange.abandon();
    for (const socket of this.#idle) this.#discard(socket);
  }

  #enqueue(start: () => void, ttlMs: number, resolve: (answer: MiAnswer) => void): void {
    const leave = () => {
      clearTimeout(timer);
      this.#queue.delete(enter);
    };
    const enter = () => {
      leave();
      if (this.#closed) resolve({ outcome: 'unreachable' });
      else start();
    };
    const timer = setTimeout(() => {
      leave();
      resolve({ outcome: 'expired' });
    }, ttlMs);
    this.#queue.add(enter);
  }

  #start(
    method: string,
    params: MiRequestParams,
    timeoutMs: number,
    resolve: (answer: MiAnswer) => void,
  ): void {
    const address = this.#address;
    if (address === undefined) {
      resolve({ outcome: 'unreachable' });
      return;
    }
    this.#count += 1;
    const id = `${this.#prefix}-${this.#count}`;
    const [idle] = this.#idle;
    const socket = idle ?? createSocket('udp4');
    this.#idle.delete(socket);
    socket.removeAllListeners();
    const exchange: Exchange = new Exchange(socket, id, timeoutMs, (answer, spent) => {
      this.#exchanges.delete(exchange);
      // Only its own id proves that nothing more can come: any other socket is not used again, so that a
      // late answer is never taken for the next request's.
      if (spent || this.#closed || this.#address !== address) this.#discard(socket);
      else this.#keep(socket);
      resolve(answer);
      const next = this.#queue.values().next();
      if (!next.done && !this.#closed) next.value();
    });
    this.#exchanges.add(exchange);
    const datagram = encodeRequest(id, method, params);
    if (idle !== undefined) exchange.send(datagram);
    // Connected: datagrams of others are kept out, and ICMP's "port unreachable" is heard.
    else socket.connect(address.port, address.host, () => exchange.send(datagram));
  }

  #keep(socket: Socket): void {
    const discard = () => this.#discard(socket);
    // Whatever comes to an idle socket belongs to nobody we know.
    socket.on('message', discard).on('error', discard);
    this.#idle.add(socket);
  }

  #discard(socket: Socket): void {
    this.#idle.delete(socket);
    socket.removeAllListeners();
    // A socket that is still connecting fails late; nobody waits for it.
    socket.on('error', () => undefined);
    socket.close();
  }
}

/** One request and its answer on one socket. */
class Exchange {
  readonly #socket: Socket;
  readonly #timer: NodeJS.Timeout;
  readonly #done: (answer: MiAnswer, spent: boolean) => void;
  #ended = false;

  constructor(
    socket: Socket,
    id: string,
    timeoutMs: number,
    done: (answer: MiAnswer, spent: boolean) => void,
  ) {
    this.#socket = socket;
    this.#done = done;
    this.#timer = setTimeout(() => this.abandon(), timeoutMs);
    socket.on('message', (datagram) => {
      const decoded = decodeAnswer(datagram.toString(), id);
      if (decoded !== undefined) this.#end(decoded.answer, !decoded.ours);
    });
    // ECONNREFUSED, EHOSTUNREACH, EMSGSIZE: the datagram reached no one.
    socket.on('error', () => this.#end({ outcome: 'unreachable' }, true));
  }

  send(datagram: string): void {
    if (this.#ended) return;
    this.#socket.send(datagram, (error) => {
      if (error) this.#end({ outcome: 'unreachable' }, true);
    });
  }

  abandon(): void {
    this.#end({ outcome: 'timeout' }, true);
  }

  #end(answer: MiAnswer, spent: boolean): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#socket.removeAllListeners();
    this.#done(answer, spent);
  }
}
