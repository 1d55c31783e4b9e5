/**
 * MI over UDP. Each outstanding request has a socket of its own, because an answer may be plain text that
 * names no request.
 * @module
 */
import { randomBytes } from 'node:crypto';
import { encodeRequest, type MiAnswer, type MiRequestParams } from './mi-message.ts';
import { MiSocket } from './mi-socket.ts';
import type { Address } from './settings.ts';
import { Turnstile } from './turnstile.ts';

/** Requests under way at a time. Each is one descriptor. */
const MAX_OUTSTANDING = 1024;

/**
 * INVITEs under way at a time: each holds its place while the phone rings. They are counted apart, so that calls that
 * ring can always be ended. Linux gives 28,232 ports to sockets that choose none (`ip_local_port_range`).
 */
const MAX_RINGING = 10_240;
const INVITE = 't_uac_dlg';

/**
 * Requests that OpenSIPS may not have read yet: more could overflow its socket, whose buffer is 212,992 bytes
 * by default (Linux `rmem_default`), and an INVITE of 1.2 kB takes 2,304 there; a larger one counts for several, see
 * {@link placesOf}. A request counts as read when it is answered, or after some time, for `t_uac_dlg` answers late.
 * 5,000 requests at once lost 779 without; 200 of 8 kB lost 50 to 70 where each counted for one.
 */
const MAX_UNREAD = 64;
const READ_AFTER_MS = 50;

/**
 * Linux takes a power of two for a datagram and some 400 bytes of headers, and 256 beside it: 2,304 up to 1.6 kB, 4,352 up
 * to 3.7 kB, 16,640 from 7.8 kB on (seen in `/proc/net/udp`).
 */
const OVERHEAD = 400;
const PLACE = 2_048;

const EXPIRED: MiAnswer = { outcome: 'expired' };
const UNREACHABLE: MiAnswer = { outcome: 'unreachable' };

/** How long a caller waits, in milliseconds. */
export interface Patience {
  /** For the answer, from when the request is sent. */
  readonly timeoutMs: number;
  /** For all of it, from now. A request that has waited so long for a socket is not sent any more. */
  readonly ttlMs: number;
}

/** Sends MI requests to one OpenSIPS. */
export class MiClient {
  readonly #places: Turnstile;
  readonly #ringing = new Turnstile(MAX_RINGING);
  readonly #unread = new Turnstile(MAX_UNREAD);
  // Random, so that no answer to an earlier process, on a port that came round again, passes for ours.
  readonly #prefix = randomBytes(6).toString('base64url');
  #count = 0;
  #address: Address | undefined;
  readonly #idle = new Set<MiSocket>();
  readonly #busy = new Set<MiSocket>();
  #closed = false;

  /** @param limit requests under way at a time, INVITEs apart; more wait in line */
  constructor(limit = MAX_OUTSTANDING) {
    this.#places = new Turnstile(limit);
  }

  /** Where requests go from now on: an IPv4 address, not a name. Until it is known they are unreachable. */
  connectTo(address: Address): void {
    if (this.#address?.host === address.host && this.#address.port === address.port) return;
    this.#address = address;
    for (const socket of this.#idle) this.#discard(socket);
  }

  /**
   * Runs a command and tells how it ended; never rejects. Outcomes: `timeout` (sent, no answer),
   * `unreachable` (nobody took it), `expired` (waited too long for a free socket).
   *
   * @param id no other request may have had it
   */
  async request(
    method: string,
    params: MiRequestParams,
    patience: Patience,
    id = this.#nextId(),
  ): Promise<MiAnswer> {
    const deadline = performance.now() + patience.ttlMs;
    const places = method === INVITE ? this.#ringing : this.#places;
    if (!(await places.enter(patience.ttlMs))) return this.#notSent();
    const datagram = encodeRequest(id, method, params);
    const answer = await this.#send(id, datagram, patience.timeoutMs, deadline);
    places.leave();
    return answer;
  }

  /** Ends every request: `timeout` for what was sent, `unreachable` for what was not. Closes all sockets. */
  close(): void {
    this.#closed = true;
    this.#places.clear();
    this.#ringing.clear();
    this.#unread.clear();
    for (const socket of this.#busy) socket.abandon();
    for (const socket of this.#idle) this.#discard(socket);
  }

  #nextId(): string {
    this.#count += 1;
    return `${this.#prefix}-${this.#count}`;
  }

  async #send(id: string, datagram: string, timeoutMs: number, deadline: number): Promise<MiAnswer> {
    const places = placesOf(datagram);
    if (!(await this.#unread.enter(deadline - performance.now(), places))) return this.#notSent();
    const read = onlyOnce(() => this.#unread.leave(places));
    const reading = setTimeout(read, READ_AFTER_MS);
    const left = deadline - performance.now();
    const answer =
      this.#closed || left <= 0
        ? this.#notSent()
        : await this.#exchange(id, datagram, Math.min(timeoutMs, left));
    clearTimeout(reading);
    read();
    return answer;
  }

  #notSent(): MiAnswer {
    return this.#closed ? UNREACHABLE : EXPIRED;
  }

  async #exchange(id: string, datagram: string, timeoutMs: number): Promise<MiAnswer> {
    const address = this.#address;
    if (address === undefined) return UNREACHABLE;
    const socket = this.#take(address);
    const { answer, tainted } = await socket.ask(id, datagram, timeoutMs);
    this.#busy.delete(socket);
    // Only its own id proves that nothing more can come: any other socket is not used again, so that a late
    // answer is never taken for the next request's.
    if (tainted || this.#closed || this.#address !== address) this.#discard(socket);
    else this.#idle.add(socket);
    return answer;
  }

  #take(address: Address): MiSocket {
    const [idle] = this.#idle;
    const socket: MiSocket =
      idle ??
      new MiSocket(address, () => {
        if (this.#idle.has(socket)) this.#discard(socket);
      });
    this.#idle.delete(socket);
    this.#busy.add(socket);
    return socket;
  }

  #discard(socket: MiSocket): void {
    this.#idle.delete(socket);
    socket.close();
  }
}

function onlyOnce(act: () => void): () => void {
  let done = false;
  return () => {
    if (!done) act();
    done = true;
  };
}

/** How many places of the unread a datagram takes: an INVITE of 8 kB, with long headers of a client's, takes 8. */
export function placesOf(datagram: string): number {
  const bytes = Buffer.byteLength(datagram) + OVERHEAD;
  return Math.max(1, 2 ** Math.ceil(Math.log2(bytes / PLACE)));
}
