/**
 * A UDP socket to OpenSIPS that carries one MI request at a time.
 * @module
 */
import { createSocket } from 'node:dgram';
import { decodeAnswer, type MiAnswer } from './mi-message.ts';
import type { Address } from './settings.ts';

/** How a request ended, and whether an answer to it may still come: then the socket must not serve another. */
export interface Ended {
  readonly answer: MiAnswer;
  readonly tainted: boolean;
}

interface Outstanding {
  readonly id: string;
  readonly datagram: string;
  readonly timer: NodeJS.Timeout;
  readonly resolve: (ended: Ended) => void;
}

export class MiSocket {
  readonly #socket = createSocket('udp4');
  #connected = false;
  #outstanding: Outstanding | undefined;

  /**
   * @param address an IPv4 address, not a name
   * @param stray called when something comes while no request is outstanding: it belongs to nobody we know
   */
  constructor(address: Address, stray: () => void) {
    // These listeners stay: removing all of a socket's listeners while it connects removes Node's own too,
    // and it then never closes (seen in Node 24).
    this.#socket.on('connect', () => {
      this.#connected = true;
      this.#send();
    });
    this.#socket.on('message', (datagram) => {
      if (this.#outstanding === undefined) stray();
      else this.#hear(datagram.toString(), this.#outstanding.id);
    });
    this.#socket.on('error', () => {
      if (this.#outstanding === undefined) stray();
      else this.#unreachable();
    });
    // Connected: datagrams of others are kept out, and ICMP's "port unreachable" is heard.
    this.#socket.connect(address.port, address.host);
  }

  /** Sends a request and waits for its answer. Only one at a time; never rejects. */
  ask(id: string, datagram: string, timeoutMs: number): Promise<Ended> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.abandon(), timeoutMs);
      this.#outstanding = { id, datagram, timer, resolve };
      if (this.#connected) this.#send();
    });
  }

  /** Ends the outstanding request, if any, as one whose fate is unknown. */
  abandon(): void {
    this.#end({ answer: { outcome: 'timeout' }, tainted: true });
  }

  close(): void {
    this.#socket.close();
  }

  #send(): void {
    const request = this.#outstanding;
    if (request === undefined) return;
    this.#socket.send(request.datagram, (error) => {
      if (error && this.#outstanding === request) this.#unreachable();
    });
  }

  #hear(text: string, id: string): void {
    const decoded = decodeAnswer(text, id);
    if (decoded !== undefined) this.#end({ answer: decoded.answer, tainted: !decoded.ours });
  }

  /** ECONNREFUSED, EHOSTUNREACH, EMSGSIZE: the datagram reached no one. */
  #unreachable(): void {
    this.#end({ answer: { outcome: 'unreachable' }, tainted: true });
  }

  #end(ended: Ended): void {
    const request = this.#outstanding;
    if (request === undefined) return;
    this.#outstanding = undefined;
    clearTimeout(request.timer);
    request.resolve(ended);
  }
}
