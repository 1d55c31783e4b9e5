/**
 * Stands between adapter and OpenSIPS on UDP, both for MI and for events, and lets go wrong what rules say.
 *
 * Each port that the adapter asks from gets a port of its own towards OpenSIPS, so that answers find back. Where the
 * adapter subscribes to events it names its own address: that is replaced on the way by one of ours, and put back in
 * what `subscribers_list` answers.
 * @module
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { Random } from './random.ts';
import type { DatagramRules, UdpRules } from './rules.ts';
import type { Tally } from './tally.ts';

const HOST = '127.0.0.1';
/** A datagram that is to be overtaken waits for the next one, but not longer than this. */
const OVERTAKEN_MS = 30;
const RECEIVE_BUFFER = 4 * 1024 * 1024;

/** A flow of datagrams. */
export type Flow = keyof UdpRules;

export class UdpProxy implements AsyncDisposable {
  /** May be changed at any time. */
  rules: UdpRules;
  /** Called for each datagram that will be passed on, before that is done. Faults of chosen instants hang on it. */
  onPass: ((flow: Flow) => void) | undefined;
  /** Datagrams that were passed on. */
  readonly passed: Record<Flow, number> = { request: 0, reply: 0, event: 0 };
  readonly #front = createSocket('udp4');
  readonly #target: number;
  readonly #random: Random;
  readonly #tally: Tally;
  /** By the adapter's port. */
  readonly #upstreams = new Map<number, Promise<Socket>>();
  readonly #subscribed = new Map<number, Promise<Socket>>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #waiting: Partial<Record<Flow, () => void>> = {};
  #closed = false;

  private constructor(target: number, rules: UdpRules, random: Random, tally: Tally) {
    this.#target = target;
    this.rules = rules;
    this.#random = random;
    this.#tally = tally;
    this.#front.on('message', (datagram, { port }) => void this.#request(datagram.toString(), port));
    this.#front.on('error', () => {});
  }

  /** @param target OpenSIPS's port for MI on loopback */
  static async start(target: number, rules: UdpRules, random: Random, tally: Tally): Promise<UdpProxy> {
    const proxy = new UdpProxy(target, rules, random, tally);
    await listen(proxy.#front);
    return proxy;
  }

  /** Where the adapter is to ask. */
  get port(): number {
    return this.#front.address().port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    const sockets = await Promise.all([...this.#upstreams.values(), ...this.#subscribed.values()]);
    for (const socket of [this.#front, ...sockets]) socket.close();
  }

  async #request(text: string, from: number): Promise<void> {
    const upstream = await this.#upstream(from);
    const asked = await this.#readdressed(text);
    const { request } = this.rules;
    this.#pass('request', { ...request, double: 0, reorder: 0 }, () =>
      upstream.send(asked, this.#target, HOST),
    );
  }

  #upstream(from: number): Promise<Socket> {
    return remember(this.#upstreams, from, async () => {
      const socket = createSocket('udp4');
      socket.on('message', (datagram) => void this.#reply(datagram.toString(), from));
      return listen(socket);
    });
  }

  async #reply(text: string, to: number): Promise<void> {
    const reply = text.includes('"Subscribers"') ? await this.#addressedBack(text) : text;
    this.#pass('reply', this.rules.reply, () => this.#front.send(reply, to, HOST));
  }

  /** Events for that port of the adapter come through the socket that this gives. */
  #events(to: number): Promise<Socket> {
    return remember(this.#subscribed, to, async () => {
      const socket = createSocket('udp4');
      socket.on('message', (datagram) =>
        this.#pass('event', this.rules.event, () => socket.send(datagram, to, HOST)),
      );
      return listen(socket);
    });
  }

  async #readdressed(text: string): Promise<string> {
    const theirs = /"method":"event_subscribe".*"udp:127\.0\.0\.1:(\d+)"/.exec(text)?.[1];
    if (theirs === undefined) return text;
    const { port } = (await this.#events(Number(theirs))).address();
    return text.replace(`"udp:${HOST}:${theirs}"`, `"udp:${HOST}:${port}"`);
  }

  async #addressedBack(text: string): Promise<string> {
    const theirs = new Map<string, number>();
    for (const [port, socket] of this.#subscribed) theirs.set(String((await socket).address().port), port);
    return text.replace(
      /"udp:127\.0\.0\.1:(\d+)"/g,
      (_, ours: string) => `"udp:${HOST}:${theirs.get(ours) ?? ours}"`,
    );
  }

  #pass(flow: Flow, rules: DatagramRules, forward: () => void): void {
    const { drop, delay, delayMs, double, reorder } = rules;
    const [lost, late, twice, overtaken] = [drop, delay, double, reorder].map((each) =>
      this.#random.chance(each),
    );
    if (lost) {
      this.#tally.add(`${flow} dropped`, '');
      return;
    }
    if (twice) this.#tally.add(`${flow} doubled`);
    const send = () => {
      if (this.#closed) return;
      this.onPass?.(flow);
      this.passed[flow]++;
      forward();
      if (twice) forward();
    };
    if (overtaken) {
      this.#tally.add(`${flow} reordered`);
      this.#overtake(flow, send);
    } else if (late) {
      this.#tally.add(`${flow} delayed`);
      this.#later(this.#random.whole(1, delayMs), send);
    } else {
      send();
      this.#waiting[flow]?.();
    }
  }

  #overtake(flow: Flow, send: () => void): void {
    this.#waiting[flow]?.();
    const release = () => {
      if (this.#waiting[flow] !== release) return;
      delete this.#waiting[flow];
      send();
    };
    this.#waiting[flow] = release;
    this.#later(OVERTAKEN_MS, release);
  }

  #later(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, ms);
    this.#timers.add(timer);
  }
}

function remember<T>(map: Map<number, Promise<T>>, key: number, make: () => Promise<T>): Promise<T> {
  const made = map.get(key) ?? make();
  map.set(key, made);
  return made;
}

async function listen(socket: Socket): Promise<Socket> {
  socket.bind(0, HOST);
  await once(socket, 'listening');
  // Whoever is not there any more gets nothing: that is UDP.
  socket.on('error', () => {});
  socket.setRecvBufferSize(RECEIVE_BUFFER);
  return socket;
}
