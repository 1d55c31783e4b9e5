/**
 * A UDP socket to OpenSIPS that carries one MI request at a time.
 * @module
 */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Address } from '../settings.ts';
import { decodeResponse, type MiResponse } from './mi-message.ts';

export interface MiExchange {
  readonly response: MiResponse;
  /** A response to this request may still arrive, so the socket must not carry another request. */
  readonly isTainted: boolean;
}

interface OutstandingRequest {
  readonly id: string;
  readonly datagram: string;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (exchange: MiExchange) => void;
}

export class MiSocket {
  readonly #socket: Socket;
  #isConnected = false;
  #request: OutstandingRequest | undefined;

  /**
   * @param address an IP address, not a hostname
   * @param onUnexpected called for a datagram or an error while no request is outstanding
   */
  constructor(address: Address, onUnexpected: () => void) {
    this.#socket = createSocket(isIPv6(address.host) ? 'udp6' : 'udp4');
    // These listeners are never removed: removing all listeners of a connecting socket also removes Node's own, and then
    // the socket never closes (seen in Node 24).
    this.#socket.on('connect', () => {
      this.#isConnected = true;
      this.#send();
    });
    this.#socket.on('message', (datagram) => {
      if (this.#request === undefined) onUnexpected();
      else this.#onDatagram(datagram.toString(), this.#request.id);
    });
    this.#socket.on('error', () => {
      if (this.#request === undefined) onUnexpected();
      else this.#onUnreachable();
    });
    // A connected socket ignores datagrams from other addresses, and reports ICMP's "port unreachable".
    this.#socket.connect(address.port, address.host);
  }

  /** Sends a request and waits for its response. Call it for one request at a time. Never rejects. */
  exchange(id: string, datagram: string, timeoutMs: number): Promise<MiExchange> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.abandon(), timeoutMs);
      this.#request = { id, datagram, timer, resolve };
      if (this.#isConnected) this.#send();
    });
  }

  /** Ends the outstanding request, if any, with the outcome `timeout`: it is unknown whether it was run. */
  abandon(): void {
    this.#finish({ response: { outcome: 'timeout' }, isTainted: true });
  }

  close(): void {
    this.#socket.close();
  }

  #send(): void {
    const request = this.#request;
    if (request === undefined) return;
    this.#socket.send(request.datagram, (error) => {
      if (error && this.#request === request) this.#onUnreachable();
    });
  }

  #onDatagram(text: string, id: string): void {
    const decoded = decodeResponse(text, id);
    if (decoded !== undefined) {
      this.#finish({ response: decoded.response, isTainted: !decoded.hasRequestId });
    }
  }

  /** Handles ECONNREFUSED, EHOSTUNREACH and EMSGSIZE: the datagram was not delivered. */
  #onUnreachable(): void {
    this.#finish({ response: { outcome: 'unreachable' }, isTainted: true });
  }

  #finish(exchange: MiExchange): void {
    const request = this.#request;
    if (request === undefined) return;
    this.#request = undefined;
    clearTimeout(request.timer);
    request.resolve(exchange);
  }
}
