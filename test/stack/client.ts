/** A client as anyone would write one: a plain WebSocket, frames as they come. @module */

export interface Answer {
  readonly id: unknown;
  readonly result?: { readonly cmd_id: string; readonly event: string; readonly replayed?: boolean };
  readonly error?: { readonly code: number; readonly message: string; readonly data?: unknown };
}

export interface Told {
  readonly cmd_id: string;
  readonly event: string;
  readonly data?: unknown;
  readonly error?: { readonly code: number; readonly sip?: { readonly status: number } };
  readonly seq: number;
}

/** A command under way. */
export interface Run {
  readonly cmdId: string;
  /** All that was told of it so far. */
  readonly told: Told[];
  /** Resolves when an event of that name has been told. */
  event(name: string): Promise<Told>;
  /** Resolves with all that was told, once it has ended. */
  readonly ended: Promise<Told[]>;
}

type Waiter = { readonly name: string; readonly resolve: (told: Told) => void };

export class Client {
  readonly #socket: WebSocket;
  readonly #answers = new Map<unknown, (answer: Answer) => void>();
  readonly #told = new Map<string, Told[]>();
  readonly #waiters = new Map<string, Waiter[]>();
  /** Every notification in the order of its arrival. */
  readonly all: Told[] = [];
  /** Every frame as it came. */
  readonly frames: string[] = [];
  /** Resolves when the socket has closed. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  #id = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener('message', ({ data }) => this.#receive(String(data)));
    this.closed = new Promise((resolve) => {
      socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason }));
    });
  }

  /** @param by offered subprotocols, by which a browser brings a token; or headers, as a server does */
  static async connect(
    url: string,
    by: string[] | { readonly headers: Record<string, string> } = [],
  ): Promise<Client> {
    const socket = new WebSocket(url, by);
    const client = new Client(socket);
    await new Promise<void>((opened, failed) => {
      socket.addEventListener('open', () => opened());
      socket.addEventListener('error', () => failed(new Error(`no WebSocket at ${url}`)));
    });
    return client;
  }

  /** Sends a request; resolves with its answer. */
  ask(method: string, params: unknown): Promise<Answer> {
    const id = ++this.#id;
    this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    return new Promise((resolve) => this.#answers.set(id, resolve));
  }

  /** Resolves when a command that was started has ended. */
  async ended(cmdId: string): Promise<void> {
    await this.#event(cmdId, 'Ended');
  }

  /** Sends a frame as it is. */
  send(frame: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(frame);
  }

  /** Starts a command; throws where it is refused. */
  async run(method: string, params: object): Promise<Run> {
    const { result, error } = await this.ask(method, params);
    if (!result) throw new Error(`${method} refused: ${JSON.stringify(error)}`);
    const told = this.#of(result.cmd_id);
    const event = (name: string) => this.#event(result.cmd_id, name);
    return { cmdId: result.cmd_id, told, event, ended: event('Ended').then(() => told) };
  }

  /** Runs a command to its end. */
  async toEnd(method: string, params: object): Promise<Told[]> {
    return (await this.run(method, params)).ended;
  }

  close(): void {
    this.#socket.close();
  }

  #receive(text: string): void {
    this.frames.push(text);
    const message = JSON.parse(text) as Answer | { readonly method: string; readonly params: Told };
    if (!('params' in message)) {
      this.#answers.get(message.id)?.(message);
      this.#answers.delete(message.id);
      return;
    }
    const told = message.params;
    this.all.push(told);
    this.#of(told.cmd_id).push(told);
    const waiters = this.#waiters.get(told.cmd_id) ?? [];
    for (const { name, resolve } of waiters) if (name === told.event) resolve(told);
  }

  #of(cmdId: string): Told[] {
    const told = this.#told.get(cmdId) ?? [];
    this.#told.set(cmdId, told);
    return told;
  }

  #event(cmdId: string, name: string): Promise<Told> {
    const already = this.#of(cmdId).find(({ event }) => event === name);
    if (already) return Promise.resolve(already);
    return new Promise((resolve) => {
      this.#waiters.set(cmdId, [...(this.#waiters.get(cmdId) ?? []), { name, resolve }]);
    });
  }
}

/** The names of the events, in order. */
export function events(told: readonly Told[]): string[] {
  return told.map(({ event }) => event);
}

/** The address of a simulated phone: its user part chooses its manners. */
export function phone(user: string): string {
  return `sip:${user}@127.0.0.1:5060`;
}

/** The Call-ID that the event of that name brought. */
export function callidOf(told: readonly Told[], name: string): string {
  const data = told.find(({ event }) => event === name)?.data;
  if (typeof data === 'object' && data !== null && 'callid' in data) return String(data.callid);
  throw new Error(`no ${name} with a Call-ID among ${events(told).join(', ')}`);
}
