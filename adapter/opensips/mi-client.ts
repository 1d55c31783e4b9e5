/**
 * Sends MI requests over UDP. Each outstanding request has its own socket, because a response may be plain text that
 * names no request.
 * @module
 */
import { randomBytes } from 'node:crypto';
import type { Address } from '../settings.ts';
import { ConcurrencyLimit } from './concurrency-limit.ts';
import { encodeRequest, type MiRequestParams, type MiResponse } from './mi-message.ts';
import { MiSocket } from './mi-socket.ts';
import type { RequestTimeouts } from './request-timeouts.ts';
import { SEND_SEQUENTIAL_NAMES } from './send-sequential.ts';

/** Each outstanding request takes one file descriptor. */
const MAX_OUTSTANDING_REQUESTS = 1024;

/**
 * Each INVITE stays outstanding while the phone rings. INVITEs have a limit of their own, so that ringing calls can
 * always be ended. Linux has 28,232 ports for sockets that do not choose one (`ip_local_port_range`).
 */
const MAX_OUTSTANDING_INVITES = 10_240;
const INVITE_METHOD = 't_uac_dlg';

/**
 * A request within a dialog stays outstanding until the phone responds; for a phone that has lost its network that is
 * `fr_timeout`, 30 s by default. These requests have a limit of their own, too, so that they delay no request that OpenSIPS
 * itself answers. With this one, 136 phones a second may be frozen before others have to wait for them. Together the three limits are
 * half of the 28,232 ports.
 */
const MAX_OUTSTANDING_PHONE_REQUESTS = 4_096;

/**
 * Requests that OpenSIPS may not have read yet. More could overflow the receive buffer of its socket, which has 212,992
 * bytes by default (Linux `rmem_default`). An INVITE of 1.2 kB takes 2,304 bytes there; a larger one counts as several,
 * see {@link bufferUnits}. A request counts as read when its response arrives, or after {@link ASSUME_READ_AFTER_MS},
 * because `t_uac_dlg` responds late. Without this limit, 5,000 requests at once lost 779. With each request counted as
 * one, 200 of 8 kB lost 50 to 70.
 */
const MAX_UNREAD_UNITS = 64;
const ASSUME_READ_AFTER_MS = 50;

/**
 * Requests to phones take at most half of {@link MAX_UNREAD_UNITS}. Those to frozen phones count as unread for the full
 * {@link ASSUME_READ_AFTER_MS}: 200 at once delayed a `dlg_end_dlg` by 135 ms.
 */
const MAX_UNREAD_PHONE_UNITS = MAX_UNREAD_UNITS / 2;

/**
 * For a datagram and some 400 bytes of headers Linux allocates a power of two, and 256 bytes more: 2,304 up to 1.6 kB,
 * 4,352 up to 3.7 kB, 16,640 from 7.8 kB on (seen in `/proc/net/udp`).
 */
const DATAGRAM_OVERHEAD_BYTES = 400;
const BUFFER_UNIT_BYTES = 2_048;

/**
 * Sockets that are kept for the next requests. Those of a peak, when thousands of phones ring, are closed: each takes a port and
 * a file descriptor. As many as can be unread at a time are enough for requests that OpenSIPS answers at once.
 */
const MAX_IDLE_SOCKETS = MAX_UNREAD_UNITS;

const EXPIRED: MiResponse = { outcome: 'expired' };
const UNREACHABLE: MiResponse = { outcome: 'unreachable' };

/** A client of one OpenSIPS. */
export class MiClient {
  readonly #requestLimit: ConcurrencyLimit;
  readonly #inviteLimit = new ConcurrencyLimit(MAX_OUTSTANDING_INVITES);
  readonly #phoneLimit = new ConcurrencyLimit(MAX_OUTSTANDING_PHONE_REQUESTS);
  readonly #unreadLimit = new ConcurrencyLimit(MAX_UNREAD_UNITS);
  readonly #unreadPhoneLimit = new ConcurrencyLimit(MAX_UNREAD_PHONE_UNITS);
  // Random, so that a response to an earlier process that used the same port is never taken for one of ours.
  readonly #idPrefix = randomBytes(6).toString('base64url');
  #idCount = 0;
  #address: Address | undefined;
  readonly #idleSockets = new Set<MiSocket>();
  readonly #busySockets = new Set<MiSocket>();
  #isClosed = false;

  /** @param maxOutstanding requests outstanding at a time, not counting those that wait for a phone; more wait in a queue */
  constructor(maxOutstanding = MAX_OUTSTANDING_REQUESTS) {
    this.#requestLimit = new ConcurrencyLimit(maxOutstanding);
  }

  /** Sets where requests are sent: an IP address, not a hostname. Before the first call all are unreachable. */
  connectTo(address: Address): void {
    if (this.#address?.host === address.host && this.#address.port === address.port) return;
    this.#address = address;
    this.discardIdleSockets();
  }

  /** Makes the next requests use new sockets: a connected one keeps its local address, although the route may have changed. */
  discardIdleSockets(): void {
    for (const socket of this.#idleSockets) this.#discard(socket);
  }

  /**
   * Runs a command and returns how it ended. Never rejects. Outcomes: `timeout` (sent, but no response), `unreachable`
   * (not delivered), `expired` (waited too long for a free socket).
   *
   * @param id must not be the id of another request
   */
  async request(
    method: string,
    params: MiRequestParams,
    { timeoutMs, ttlMs, sendWithinMs = ttlMs }: RequestTimeouts,
    id = this.#nextId(),
  ): Promise<MiResponse> {
    const now = performance.now();
    const deadlines = { end: now + ttlMs, send: now + Math.min(sendWithinMs, ttlMs) };
    const limit = this.#limitFor(method);
    if (!(await limit.acquire(deadlines.send - now))) return this.#notSent();
    const datagram = encodeRequest(id, method, params);
    // In this order, so that requests to phones wait among themselves and not before the others.
    const unreadLimits =
      limit === this.#phoneLimit ? [this.#unreadPhoneLimit, this.#unreadLimit] : [this.#unreadLimit];
    const response = await this.#send(id, datagram, timeoutMs, deadlines, unreadLimits);
    limit.release();
    return response;
  }

  /** Ends every request (`timeout` if it was sent, `unreachable` if not) and closes all sockets. */
  close(): void {
    this.#isClosed = true;
    this.#requestLimit.rejectWaiting();
    this.#inviteLimit.rejectWaiting();
    this.#phoneLimit.rejectWaiting();
    this.#unreadLimit.rejectWaiting();
    this.#unreadPhoneLimit.rejectWaiting();
    for (const socket of this.#busySockets) socket.abandon();
    this.discardIdleSockets();
  }

  #limitFor(method: string): ConcurrencyLimit {
    if (method === INVITE_METHOD) return this.#inviteLimit;
    return SEND_SEQUENTIAL_NAMES.includes(method) ? this.#phoneLimit : this.#requestLimit;
  }

  #nextId(): string {
    this.#idCount += 1;
    return `${this.#idPrefix}-${this.#idCount}`;
  }

  async #send(
    id: string,
    datagram: string,
    timeoutMs: number,
    deadlines: { readonly send: number; readonly end: number },
    unreadLimits: readonly ConcurrencyLimit[],
  ): Promise<MiResponse> {
    const units = bufferUnits(datagram);
    const acquired: ConcurrencyLimit[] = [];
    const releaseUnits = once(() => {
      for (const limit of acquired) limit.release(units);
    });
    for (const limit of unreadLimits) {
      if (!(await limit.acquire(deadlines.send - performance.now(), units))) {
        releaseUnits();
        return this.#notSent();
      }
      acquired.push(limit);
    }
    const readTimer = setTimeout(releaseUnits, ASSUME_READ_AFTER_MS);
    const now = performance.now();
    const response =
      this.#isClosed || deadlines.send <= now
        ? this.#notSent()
        : await this.#exchange(id, datagram, Math.min(timeoutMs, deadlines.end - now));
    clearTimeout(readTimer);
    releaseUnits();
    return response;
  }

  #notSent(): MiResponse {
    return this.#isClosed ? UNREACHABLE : EXPIRED;
  }

  async #exchange(id: string, datagram: string, timeoutMs: number): Promise<MiResponse> {
    const address = this.#address;
    if (address === undefined) return UNREACHABLE;
    const socket = this.#takeSocket(address);
    const { response, isTainted } = await socket.exchange(id, datagram, timeoutMs);
    this.#busySockets.delete(socket);
    // Only a response with the request's id proves that none can follow. Any other socket is not reused, so that a late
    // response is never taken for that of the next request.
    const isUseless = isTainted || this.#isClosed || this.#address !== address;
    if (isUseless || this.#idleSockets.size >= MAX_IDLE_SOCKETS) this.#discard(socket);
    else this.#idleSockets.add(socket);
    return response;
  }

  #takeSocket(address: Address): MiSocket {
    const [idleSocket] = this.#idleSockets;
    const socket: MiSocket =
      idleSocket ??
      new MiSocket(address, () => {
        if (this.#idleSockets.has(socket)) this.#discard(socket);
      });
    this.#idleSockets.delete(socket);
    this.#busySockets.add(socket);
    return socket;
  }

  #discard(socket: MiSocket): void {
    this.#idleSockets.delete(socket);
    socket.close();
  }
}

function once(callback: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) callback();
    isDone = true;
  };
}

/**
 * Returns how many units of OpenSIPS's receive buffer a datagram takes: an INVITE of 8 kB, with long headers set by the
 * client, takes 8.
 */
export function bufferUnits(datagram: string): number {
  const bytes = Buffer.byteLength(datagram) + DATAGRAM_OVERHEAD_BYTES;
  return Math.max(1, 2 ** Math.ceil(Math.log2(bytes / BUFFER_UNIT_BYTES)));
}
