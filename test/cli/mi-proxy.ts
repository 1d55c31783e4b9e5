/** A proxy in front of the simulator's MI that plants faults of an OpenSIPS. @module */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const HOST = '127.0.0.1';

export interface MiFaults {
  /** MI commands that do not exist, and that `which` does not list. */
  readonly missingCommands?: readonly string[];
  /** Sends the first leg straight to the phone instead of through the script. */
  readonly dropsNextHop?: boolean;
  /** Sends events to a socket that nobody reads, though every subscription succeeds. */
  readonly dropsEvents?: boolean;
}

interface Message {
  readonly id?: unknown;
  readonly method: string;
  readonly params?: Readonly<Record<string, unknown>>;
}

export class MiProxy implements AsyncDisposable {
  readonly #serverSocket: Socket;
  readonly #unreadSocket: Socket;
  readonly #target: number;
  readonly #faults: MiFaults;
  /** Sockets towards the simulator, by the port of the client. */
  readonly #upstreams = new Map<number, Promise<Socket>>();
  /** The socket that the client has subscribed. */
  #subscriber = '';

  private constructor(serverSocket: Socket, unreadSocket: Socket, target: number, faults: MiFaults) {
    this.#serverSocket = serverSocket;
    this.#unreadSocket = unreadSocket;
    this.#target = target;
    this.#faults = faults;
    serverSocket.on('message', (datagram, { port }) => void this.#forwardRequest(datagram.toString(), port));
  }

  /** @param target the simulator's MI port */
  static async open(target: number, faults: MiFaults): Promise<MiProxy> {
    return new MiProxy(await bindSocket(), await bindSocket(), target, faults);
  }

  /** The address for `--direct`. */
  get address(): string {
    return `${HOST}:${this.#serverSocket.address().port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of [
      this.#serverSocket,
      this.#unreadSocket,
      ...(await Promise.all(this.#upstreams.values())),
    ])
      socket.close();
  }

  async #forwardRequest(text: string, from: number): Promise<void> {
    const request = JSON.parse(text) as Message;
    if (this.#faults.missingCommands?.includes(request.method)) {
      const error = { code: -32601, message: 'Method not found' };
      this.#serverSocket.send(JSON.stringify({ jsonrpc: '2.0', error, id: request.id }), from, HOST);
      return;
    }
    const upstream = await this.#upstreamFor(from);
    upstream.send(JSON.stringify({ ...request, ...this.#changedRequest(request) }), this.#target, HOST);
  }

  #changedRequest({ method, params = {} }: Message): { params?: object } {
    const { dropsNextHop, dropsEvents } = this.#faults;
    if (dropsNextHop && method === 't_uac_dlg') {
      const { next_hop: _, ...rest } = params;
      return { params: rest };
    }
    if (dropsEvents && method === 'event_subscribe') {
      this.#subscriber = String(params['socket']);
      return { params: { ...params, socket: this.#unreadAddress } };
    }
    return {};
  }

  get #unreadAddress(): string {
    return `udp:${HOST}:${this.#unreadSocket.address().port}`;
  }

  #upstreamFor(port: number): Promise<Socket> {
    const existing = this.#upstreams.get(port);
    if (existing) return existing;
    const created = bindSocket().then((socket) => {
      socket.on('message', (datagram) =>
        this.#serverSocket.send(this.#changedResponse(datagram.toString()), port, HOST),
      );
      return socket;
    });
    this.#upstreams.set(port, created);
    return created;
  }

  #changedResponse(text: string): string {
    const restored = text.replaceAll(`"${this.#unreadAddress}"`, `"${this.#subscriber}"`);
    return (this.#faults.missingCommands ?? []).reduce(
      (all, name) => all.replace(`,"${name}"`, ''),
      restored,
    );
  }
}

async function bindSocket(): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, HOST);
  await once(socket, 'listening');
  return socket;
}
