/** The edge of a test, spoken by the test itself in whatever runtime it runs. @module */
import { Queue } from '../queue.ts';
import type { Order, Report } from './orders.ts';

export interface Request {
  readonly id: string;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** A socket that a client has opened. */
export class ScriptedSocket {
  readonly query: URLSearchParams;
  readonly protocols: readonly string[];
  /** The code that the client's side has closed it with. */
  readonly closed: Promise<number>;
  readonly #order: (order: Order) => void;
  readonly #n: number;
  readonly #requests = new Queue<Request>(() => {});
  #close: (code: number) => void = () => {};

  constructor({ socket, path, protocols }: Extract<Report, { is: 'socket' }>, order: (order: Order) => void) {
    this.#n = socket;
    this.#order = order;
    this.query = new URL(path, 'ws://edge').searchParams;
    this.protocols = protocols;
    this.closed = new Promise((resolve) => {
      this.#close = resolve;
    });
  }

  /** The next request, which must be of that method. */
  async request(method: string): Promise<Request> {
    const { value } = await this.#requests.next();
    if (value?.method !== method) throw new Error(`not a ${method}: ${JSON.stringify(value)}`);
    return value;
  }

  /** Requests that nobody has looked at yet. */
  get unread(): number {
    return this.#requests.size;
  }

  answer({ id }: Request, result: object): void {
    this.say({ id, result });
  }

  refuse({ id }: Request, error: object): void {
    this.say({ id, error });
  }

  /** Tells of a command. */
  tell({ method, params }: Request, event: string, seq: number, more: object = {}): void {
    this.say({ method, params: { cmd_id: params['cmd_id'], event, seq, ...more } });
  }

  /** Sends messages, a frame each. */
  say(...messages: readonly object[]): void {
    const frames = messages.map((message) => JSON.stringify({ jsonrpc: '2.0', ...message }));
    this.#order({ do: 'send', socket: this.#n, frames });
  }

  close(code: number): void {
    this.#order({ do: 'close', socket: this.#n, code });
  }

  cut(): void {
    this.#order({ do: 'cut', socket: this.#n });
  }

  hear(text: string): void {
    if (text !== 'ping') this.#requests.put(JSON.parse(text) as Request);
  }

  isClosed(code: number): void {
    this.#close(code);
  }
}

export class ScriptedEdge {
  /** Where clients connect to. */
  readonly url: string;
  readonly #control: WebSocket;
  readonly #sockets: ScriptedSocket[] = [];
  readonly #opened = new Queue<ScriptedSocket>(() => {});
  readonly #deeds: ((report: Extract<Report, { is: 'done' }>) => void)[] = [];

  private constructor(control: WebSocket, url: string) {
    this.#control = control;
    this.url = url;
  }

  /** @param host of the fake server */
  static open(host: string): Promise<ScriptedEdge> {
    const control = new WebSocket(`ws://${host}/control`);
    return new Promise((resolve, reject) => {
      let edge: ScriptedEdge | undefined;
      control.addEventListener('error', () => reject(new Error(`no fake server at ${host}`)));
      control.addEventListener('message', ({ data }) => {
        const report = JSON.parse(String(data)) as Report;
        if (report.is === 'here') {
          edge = new ScriptedEdge(control, report.url);
          resolve(edge);
        } else if (edge) edge.#hear(report);
      });
    });
  }

  /** The next socket that a client opens. */
  async socket(): Promise<ScriptedSocket> {
    const { value } = await this.#opened.next();
    if (!value) throw new Error('the edge was closed');
    return value;
  }

  /** Upgrades are answered with that status from then on; 0 lets in. */
  async refuse(status: number): Promise<void> {
    await this.#done((id) => ({ do: 'refuse', id, status }));
  }

  /** Has something else done on the machine of the fake server; resolves with what is told of it. */
  deed(name: string): Promise<unknown> {
    return this.#done((id) => ({ do: 'deed', id, name }));
  }

  close(): void {
    this.#control.close();
  }

  #hear(report: Exclude<Report, { is: 'here' }>): void {
    if (report.is === 'done') this.#deeds[report.id - 1]?.(report);
    else if (report.is === 'socket') {
      const socket = new ScriptedSocket(report, (order) => this.#order(order));
      this.#sockets[report.socket] = socket;
      this.#opened.put(socket);
    } else if (report.is === 'frame') this.#sockets[report.socket]?.hear(report.text);
    else this.#sockets[report.socket]?.isClosed(report.code);
  }

  #done(order: (id: number) => Order): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = this.#deeds.push(({ told, failure }) =>
        failure === undefined ? resolve(told) : reject(new Error(failure)),
      );
      this.#order(order(id));
    });
  }

  #order(order: Order): void {
    this.#control.send(JSON.stringify(order));
  }
}
