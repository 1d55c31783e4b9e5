/** The other side of the wire in tests: one socket that asks MI, one that gets events. */
import { createSocket, type Socket } from 'node:dgram';
import { bindUdp, closeUdp } from '../udp.ts';

export type Received = { readonly t: number; readonly dir: 'mi<' | 'evi<'; readonly msg: unknown };

/** How long a test waits for datagrams, in milliseconds, before it says which have come. */
const PATIENCE = 15_000;

export class Peer {
  /** Everything that came, in the order of arrival. Text that is no JSON stays text. */
  readonly received: Received[] = [];
  readonly #simulator: { readonly host: string; readonly port: number };
  #mi: Socket = createSocket('udp4');
  #evi: Socket = createSocket('udp4');
  #waiting: () => void = () => {};
  #lastId = 0;

  private constructor(simulator: { readonly host: string; readonly port: number }) {
    this.#simulator = simulator;
  }

  static async open(simulator: { readonly host: string; readonly port: number }): Promise<Peer> {
    const peer = new Peer(simulator);
    const any = { host: '127.0.0.1', port: 0 };
    peer.#mi = await bindUdp(any, (text) => peer.#receive('mi<', text));
    peer.#evi = await bindUdp(any, (text) => peer.#receive('evi<', text));
    return peer;
  }

  /** Where events come in: `udp:127.0.0.1:40000`. */
  get eventSocket(): string {
    return `udp:127.0.0.1:${this.#evi.address().port}`;
  }

  /** Sends one datagram: text as it is, all else as JSON. */
  send(message: unknown): void {
    const text = typeof message === 'string' ? message : JSON.stringify(message);
    this.#mi.send(text, this.#simulator.port, this.#simulator.host);
  }

  /** Asks and resolves with the result or the error of the reply. */
  async ask(method: string, params?: unknown): Promise<unknown> {
    const id = `ask-${++this.#lastId}`;
    this.send({ jsonrpc: '2.0', id, method, params });
    const isReply = ({ msg }: Received) => Object(msg).id === id;
    await this.until((received) => received.some(isReply));
    const { result, error } = Object(this.received.find(isReply)?.msg);
    return result ?? error;
  }

  /** Subscribes to the three events that the traces have. */
  async subscribe(expire = 120): Promise<void> {
    for (const event of ['E_CALL_TRANSFER', 'E_CALL_HOLD', 'E_DLG_STATE_CHANGED']) {
      await this.ask('event_subscribe', { event, socket: this.eventSocket, expire });
    }
  }

  /** The parameters of the events of one name that have come. */
  events(method: string): readonly Readonly<Record<string, unknown>>[] {
    return this.received
      .map(({ msg }) => Object(msg))
      .filter((message) => message.method === method)
      .map(({ params }) => params);
  }

  /** Resolves as soon as what has come satisfies `enough`; rejects with what has come after a while. */
  until(enough: (received: readonly Received[]) => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new Error(`not enough:\n${this.received.map(({ msg }) => JSON.stringify(msg)).join('\n')}`));
      }, PATIENCE);
      this.#waiting = () => {
        if (!enough(this.received)) return;
        clearTimeout(timer);
        resolve();
      };
      this.#waiting();
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
      // Plain text: MI errors can be.
    }
    this.received.push({ t: performance.now(), dir, msg });
    this.#waiting();
  }
}
