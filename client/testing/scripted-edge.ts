/** The edge of a test: the test itself reads the requests and sends the responses, in whatever runtime it runs. @module */
import { Queue } from '../api/queue.ts';
import type { ControlEvent, ControlRequest } from './control-messages.ts';

export interface Request {
  readonly id: string;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** A socket that a client has opened. */
export class ScriptedSocket {
  readonly query: URLSearchParams;
  readonly protocols: readonly string[];
  /** Resolves with the close code of the client. */
  readonly closed: Promise<number>;
  readonly #control: (request: ControlRequest) => void;
  readonly #index: number;
  readonly #requests = new Queue<Request>(() => {});
  #resolveClosed: (code: number) => void = () => {};

  constructor(
    { socket, path, protocols }: Extract<ControlEvent, { type: 'socket' }>,
    control: (request: ControlRequest) => void,
  ) {
    this.#index = socket;
    this.#control = control;
    this.query = new URL(path, 'ws://edge').searchParams;
    this.protocols = protocols;
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  /** Returns the next request; throws if it has another method. */
  async request(method: string): Promise<Request> {
    const { value } = await this.#requests.next();
    if (value?.method !== method) throw new Error(`expected ${method}, got ${JSON.stringify(value)}`);
    return value;
  }

  /** Number of requests that the test has not read yet. */
  get unread(): number {
    return this.#requests.size;
  }

  respond({ id }: Request, result: object): void {
    this.send({ id, result });
  }

  refuse({ id }: Request, error: object): void {
    this.send({ id, error });
  }

  /** Sends a notification of the command that the request runs. */
  notify({ method, params }: Request, event: string, seq: number, rest: object = {}): void {
    this.send({ method, params: { cmd_id: params['cmd_id'], event, seq, ...rest } });
  }

  /** Sends messages, one per frame. */
  send(...messages: readonly object[]): void {
    const frames = messages.map((message) => JSON.stringify({ jsonrpc: '2.0', ...message }));
    this.#control({ type: 'send', socket: this.#index, frames });
  }

  close(code: number): void {
    this.#control({ type: 'close', socket: this.#index, code });
  }

  /** Breaks the connection without a close frame. */
  terminate(): void {
    this.#control({ type: 'terminate', socket: this.#index });
  }

  onFrame(text: string): void {
    // As the platform of the edge does.
    if (text === 'ping') this.#control({ type: 'send', socket: this.#index, frames: ['pong'] });
    else this.#requests.put(JSON.parse(text) as Request);
  }

  onClosed(code: number): void {
    this.#resolveClosed(code);
  }
}

export class ScriptedEdge {
  /** The URL that clients connect to. */
  readonly url: string;
  readonly #controlSocket: WebSocket;
  readonly #sockets: ScriptedSocket[] = [];
  readonly #opened = new Queue<ScriptedSocket>(() => {});
  readonly #pending: ((event: Extract<ControlEvent, { type: 'done' }>) => void)[] = [];

  private constructor(controlSocket: WebSocket, url: string) {
    this.#controlSocket = controlSocket;
    this.url = url;
  }

  /** @param host of the fake server */
  static open(host: string): Promise<ScriptedEdge> {
    const controlSocket = new WebSocket(`ws://${host}/control`);
    return new Promise((resolve, reject) => {
      let edge: ScriptedEdge | undefined;
      controlSocket.addEventListener('error', () => reject(new Error(`no fake server at ${host}`)));
      controlSocket.addEventListener('message', ({ data }) => {
        const event = JSON.parse(String(data)) as ControlEvent;
        if (event.type === 'ready') {
          edge = new ScriptedEdge(controlSocket, event.url);
          resolve(edge);
        } else if (edge) edge.#onEvent(event);
      });
    });
  }

  /** Returns the next socket that a client opens. */
  async socket(): Promise<ScriptedSocket> {
    const { value } = await this.#opened.next();
    if (!value) throw new Error('the edge is closed');
    return value;
  }

  /** Answers upgrades with this HTTP status from now on; 0 accepts them. */
  async refuse(status: number): Promise<void> {
    await this.#run((id) => ({ type: 'refuse', id, status }));
  }

  /** Runs an action on the machine of the fake server; resolves with its result. */
  runHostAction(name: string): Promise<unknown> {
    return this.#run((id) => ({ type: 'action', id, name }));
  }

  close(): void {
    this.#controlSocket.close();
  }

  #onEvent(event: Exclude<ControlEvent, { type: 'ready' }>): void {
    if (event.type === 'done') this.#pending[event.id - 1]?.(event);
    else if (event.type === 'socket') {
      const socket = new ScriptedSocket(event, (request) => this.#control(request));
      this.#sockets[event.socket] = socket;
      this.#opened.put(socket);
    } else if (event.type === 'frame') this.#sockets[event.socket]?.onFrame(event.text);
    else this.#sockets[event.socket]?.onClosed(event.code);
  }

  #run(requestWith: (id: number) => ControlRequest): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const id = this.#pending.push(({ result, failure }) =>
        failure === undefined ? resolve(result) : reject(new Error(failure)),
      );
      this.#control(requestWith(id));
    });
  }

  #control(request: ControlRequest): void {
    this.#controlSocket.send(JSON.stringify(request));
  }
}
