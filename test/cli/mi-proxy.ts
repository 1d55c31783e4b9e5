/** Between whoever speaks MI and the simulator: plants what is wrong with an OpenSIPS. @module */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const HOST = '127.0.0.1';

/** What is wrong. */
export interface Faults {
  /** MI commands that `which` does not list, and that are not there. */
  readonly without?: readonly string[];
  /** Where the first leg should come back through the script, it goes straight to the phone. */
  readonly noNextHop?: boolean;
  /** Events go into the void, though whoever subscribes is told that all is well. */
  readonly noEvents?: boolean;
}

interface Message {
  readonly id?: unknown;
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

export class MiProxy implements AsyncDisposable {
  readonly #front: Socket;
  readonly #void: Socket;
  readonly #target: number;
  readonly #faults: Faults;
  /** Of each that asks. */
  readonly #upstreams = new Map<number, Promise<Socket>>();
  /** What was subscribed, as its owner knows it. */
  #subscriber = '';

  private constructor(front: Socket, nowhere: Socket, target: number, faults: Faults) {
    this.#front = front;
    this.#void = nowhere;
    this.#target = target;
    this.#faults = faults;
    front.on('message', (datagram, { port }) => void this.#ask(datagram.toString(), port));
  }

  /** @param target the simulator's MI port */
  static async open(target: number, faults: Faults): Promise<MiProxy> {
    return new MiProxy(await bound(), await bound(), target, faults);
  }

  /** As `--direct` takes it. */
  get address(): string {
    return `${HOST}:${this.#front.address().port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of [this.#front, this.#void, ...(await Promise.all(this.#upstreams.values()))])
      socket.close();
  }

  async #ask(text: string, from: number): Promise<void> {
    const asked = JSON.parse(text) as Message;
    if (this.#faults.without?.includes(asked.method)) {
      const error = { code: -32601, message: 'Method not found' };
      this.#front.send(JSON.stringify({ jsonrpc: '2.0', error, id: asked.id }), from, HOST);
      return;
    }
    const upstream = await this.#upstream(from);
    upstream.send(JSON.stringify({ ...asked, ...this.#spoilt(asked) }), this.#target, HOST);
  }

  #spoilt({ method, params = {} }: Message): { params?: object } {
    const { noNextHop, noEvents } = this.#faults;
    if (noNextHop && method === 't_uac_dlg') {
      const { next_hop: _, ...rest } = params;
      return { params: rest };
    }
    if (noEvents && method === 'event_subscribe') {
      this.#subscriber = String(params['socket']);
      return { params: { ...params, socket: this.#nowhere } };
    }
    return {};
  }

  get #nowhere(): string {
    return `udp:${HOST}:${this.#void.address().port}`;
  }

  #upstream(port: number): Promise<Socket> {
    const known = this.#upstreams.get(port);
    if (known) return known;
    const made = bound().then((socket) => {
      socket.on('message', (datagram) => this.#front.send(this.#answer(datagram.toString()), port, HOST));
      return socket;
    });
    this.#upstreams.set(port, made);
    return made;
  }

  #answer(text: string): string {
    const shown = text.replaceAll(`"${this.#nowhere}"`, `"${this.#subscriber}"`);
    return (this.#faults.without ?? []).reduce((all, name) => all.replace(`,"${name}"`, ''), shown);
  }
}

async function bound(): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, HOST);
  await once(socket, 'listening');
  return socket;
}
