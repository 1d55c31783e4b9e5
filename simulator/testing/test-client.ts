/** A client of MI and EVI for tests: one socket for requests, one for events. @module */
import { createSocket, type Socket } from 'node:dgram';
import { bindUdp, closeUdp } from '../opensips/udp-socket.ts';

/** A received datagram. `dir` is as in the traces: a reply of MI or an event. */
export type Received = { readonly t: number; readonly dir: 'mi<' | 'evi<'; readonly msg: unknown };

/** How long a test waits for datagrams before it fails with those received. */
const WAIT_TIMEOUT_MS = 15_000;

export class TestClient {
  /** Everything received, in the order of arrival. Text that is not JSON remains text. */
  readonly received: Received[] = [];
  readonly #simulator: { readonly host: string; readonly port: number };
  #mi: Socket = createSocket('udp4');
  #evi: Socket = createSocket('udp4');
  #onReceived: () => void = () => {};
  #lastId = 0;

  private constructor(simulator: { readonly host: string; readonly port: number }) {
    this.#simulator = simulator;
  }

  static async open(simulator: { readonly host: string; readonly port: number }): Promise<TestClient> {
    const client = new TestClient(simulator);
    const anyPort = { host: '127.0.0.1', port: 0 };
    client.#mi = await bindUdp(anyPort, (text) => client.#receive('mi<', text));
    client.#evi = await bindUdp(anyPort, (text) => client.#receive('evi<', text));
    return client;
  }

  /** Where events arrive, such as `udp:127.0.0.1:40000`. */
  get eventSocket(): string {
    return `udp:127.0.0.1:${this.#evi.address().port}`;
  }

  /** Sends one datagram: text unchanged, everything else as JSON. */
  send(message: unknown): void {
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    this.#mi.send(text, this.#simulator.port, this.#simulator.host);
  }

  /** Sends a request and resolves with the result or the error of the reply. */
  async request(method: string, params?: unknown): Promise<unknown> {
    const id = `request-${++this.#lastId}`;
    this.send({ jsonrpc: '2.0', id, method, params });
    const isReply = ({ msg }: Received) => Object(msg).id === id;
    await this.waitFor((received) => received.some(isReply));
    const { result, error } = Object(this.received.find(isReply)?.msg);
    return result ?? error;
  }

  /** Subscribes to the three events of the traces. */
  async subscribe(expireSeconds = 120): Promise<void> {
    for (const event of ['E_CALL_TRANSFER', 'E_CALL_HOLD', 'E_DLG_STATE_CHANGED']) {
      await this.request('event_subscribe', { event, socket: this.eventSocket, expire: expireSeconds });
    }
  }

  /** Subscribes to the two events of the script as well. */
  async subscribeToScript(): Promise<void> {
    for (const event of ['E_CALL_REFUSED', 'E_CALL_BYE'])
      await this.request('event_subscribe', { event, socket: this.eventSocket, expire: 120 });
  }

  /** Returns the parameters of the received events of that name. */
  events(name: string): readonly Readonly<Record<string, unknown>>[] {
    return this.received
      .map(({ msg }) => Object(msg))
      .filter((message) => message.method === name)
      .map(({ params }) => params);
  }

  /** Resolves when the received datagrams satisfy the condition; rejects with them after a timeout. */
  waitFor(isSatisfied: (received: readonly Received[]) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        const received = this.received.map(({ msg }) => JSON.stringify(msg)).join('\n');
        reject(new Error(`expected datagrams are missing; received:\n${received}`));
      }, WAIT_TIMEOUT_MS);
      this.#onReceived = () => {
        if (!isSatisfied(this.received)) return;
        clearTimeout(timer);
        resolve();
      };
      this.#onReceived();
    });
  }

  async close(): Promise<void> {
    await Promise.all([closeUdp(this.#mi), closeUdp(this.#evi)]);
  }

  #receive(dir: Received['dir'], text: string): void {
    let msg: unknown = text;
    try {
      msg = JSON.parse(text);
    } catch {
      // Some errors of MI are plain text.
    }
    this.received.push({ t: performance.now(), dir, msg });
    this.#onReceived();
  }
}
