/**
 * A UDP proxy between adapter and OpenSIPS, for MI and for events, that injects faults at given rates.
 *
 * Each port from which the adapter sends requests gets its own port towards OpenSIPS, so that replies find their way
 * back. When the adapter subscribes to events, the proxy replaces the adapter's address in the request by one of its
 * own, and restores it in the reply of `subscribers_list`.
 * @module
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { SeededRandom } from '../harness/seeded-random.ts';
import type { FaultLog } from '../injection/fault-log.ts';
import type { DatagramFaultRates, UdpFaultRates } from '../injection/fault-rates.ts';

const HOST = '127.0.0.1';
/** How long a reordered datagram waits for the next one. */
const MAX_REORDER_DELAY_MS = 200;
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** A flow of datagrams: `request`, `reply` or `event`. */
export type Flow = keyof UdpFaultRates;

export class UdpProxy implements AsyncDisposable {
  /** Can be changed at any time. */
  faultRates: UdpFaultRates;
  /** Called just before a datagram is forwarded. */
  onForward: ((flow: Flow) => void) | undefined;
  readonly forwardedCounts: Record<Flow, number> = { request: 0, reply: 0, event: 0 };
  readonly #requestSocket = createSocket('udp4');
  readonly #targetPort: number;
  readonly #random: SeededRandom;
  readonly #faultLog: FaultLog;
  /** The sockets towards OpenSIPS, and those to which it sends events, each by the adapter's port. */
  readonly #upstreamSockets = new Map<number, Promise<Socket>>();
  readonly #eventSockets = new Map<number, Promise<Socket>>();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** The functions that send a reordered datagram. */
  readonly #reordered: Partial<Record<Flow, () => void>> = {};
  #isClosed = false;

  private constructor(
    targetPort: number,
    faultRates: UdpFaultRates,
    random: SeededRandom,
    faultLog: FaultLog,
  ) {
    this.#targetPort = targetPort;
    this.faultRates = faultRates;
    this.#random = random;
    this.#faultLog = faultLog;
    this.#requestSocket.on(
      'message',
      (datagram, { port }) => void this.#forwardRequest(datagram.toString(), port),
    );
    this.#requestSocket.on('error', () => {});
  }

  /** @param targetPort the MI port of OpenSIPS on loopback */
  static async start(
    targetPort: number,
    faultRates: UdpFaultRates,
    random: SeededRandom,
    faultLog: FaultLog,
  ): Promise<UdpProxy> {
    const proxy = new UdpProxy(targetPort, faultRates, random, faultLog);
    await bind(proxy.#requestSocket);
    return proxy;
  }

  /** The port for the adapter's requests. */
  get port(): number {
    return this.#requestSocket.address().port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    const sockets = await Promise.all([...this.#upstreamSockets.values(), ...this.#eventSockets.values()]);
    for (const socket of [this.#requestSocket, ...sockets]) socket.close();
  }

  async #forwardRequest(text: string, fromPort: number): Promise<void> {
    const upstreamSocket = await this.#openUpstreamSocket(fromPort);
    const request = await this.#replaceEventAddress(text);
    const rates = { ...this.faultRates.request, duplicate: 0, reorder: 0 };
    this.#forward('request', rates, () => upstreamSocket.send(request, this.#targetPort, HOST));
  }

  #openUpstreamSocket(adapterPort: number): Promise<Socket> {
    return getOrCreate(this.#upstreamSockets, adapterPort, async () => {
      const socket = createSocket('udp4');
      socket.on('message', (datagram) => void this.#forwardReply(datagram.toString(), adapterPort));
      return bind(socket);
    });
  }

  async #forwardReply(text: string, toPort: number): Promise<void> {
    const reply = text.includes('"Subscribers"') ? await this.#restoreEventAddresses(text) : text;
    this.#forward('reply', this.faultRates.reply, () => this.#requestSocket.send(reply, toPort, HOST));
  }

  /** Returns the socket through which events for that port of the adapter pass. */
  #openEventSocket(adapterPort: number): Promise<Socket> {
    return getOrCreate(this.#eventSockets, adapterPort, async () => {
      const socket = createSocket('udp4');
      socket.on('message', (datagram) =>
        this.#forward('event', this.faultRates.event, () => socket.send(datagram, adapterPort, HOST)),
      );
      return bind(socket);
    });
  }

  async #replaceEventAddress(text: string): Promise<string> {
    const adapterPort = /"method":"event_subscribe".*"udp:127\.0\.0\.1:(\d+)"/.exec(text)?.[1];
    if (adapterPort === undefined) return text;
    const { port } = (await this.#openEventSocket(Number(adapterPort))).address();
    return text.replace(`"udp:${HOST}:${adapterPort}"`, `"udp:${HOST}:${port}"`);
  }

  async #restoreEventAddresses(text: string): Promise<string> {
    const adapterPorts = new Map<string, number>();
    for (const [adapterPort, socket] of this.#eventSockets)
      adapterPorts.set(String((await socket).address().port), adapterPort);
    return text.replace(
      /"udp:127\.0\.0\.1:(\d+)"/g,
      (_, port: string) => `"udp:${HOST}:${adapterPorts.get(port) ?? port}"`,
    );
  }

  #forward(flow: Flow, rates: DatagramFaultRates, sendDatagram: () => void): void {
    const { drop, delay, delayMs, duplicate, reorder } = rates;
    const [isDropped, isDelayed, isDuplicated, isReordered] = [drop, delay, duplicate, reorder].map(
      (probability) => this.#random.chance(probability),
    );
    if (isDropped) {
      this.#faultLog.record(`${flow} dropped`, '');
      return;
    }
    if (isDuplicated) this.#faultLog.record(`${flow} duplicated`);
    const send = () => {
      if (this.#isClosed) return;
      this.onForward?.(flow);
      this.forwardedCounts[flow]++;
      sendDatagram();
      if (isDuplicated) sendDatagram();
    };
    if (isReordered) {
      this.#faultLog.record(`${flow} reordered`);
      this.#reorder(flow, send);
    } else if (isDelayed) {
      this.#faultLog.record(`${flow} delayed`);
      this.#schedule(this.#random.integer(1, delayMs), send);
    } else {
      send();
      this.#reordered[flow]?.();
    }
  }

  #reorder(flow: Flow, send: () => void): void {
    this.#reordered[flow]?.();
    const release = () => {
      if (this.#reordered[flow] !== release) return;
      delete this.#reordered[flow];
      send();
    };
    this.#reordered[flow] = release;
    this.#schedule(MAX_REORDER_DELAY_MS, release);
  }

  #schedule(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, ms);
    this.#timers.add(timer);
  }
}

function getOrCreate<T>(map: Map<number, Promise<T>>, key: number, create: () => Promise<T>): Promise<T> {
  const value = map.get(key) ?? create();
  map.set(key, value);
  return value;
}

async function bind(socket: Socket): Promise<Socket> {
  socket.bind(0, HOST);
  await once(socket, 'listening');
  // A closed remote port (ICMP port unreachable) is not an error here.
  socket.on('error', () => {});
  socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  return socket;
}
