/** A socket that takes any frame, and tells how each was answered. @module */
import { once } from 'node:events';
import { WebSocket } from 'ws';

/** Until an answer or a close has to have come, in milliseconds: hours for a machine, and shorter than a test. */
const PATIENCE_MS = 10_000;

/** What came of a frame: frames before the sentinel's answer, or the code that the socket was closed with. */
export type Reaction = { readonly frames: readonly string[] } | { readonly closed: number };

export class Probe {
  readonly #socket: WebSocket;
  readonly #frames: string[] = [];
  #closed: number | undefined;
  #wake: () => void = () => {};

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      this.#frames.push(data.toString());
      this.#wake();
    });
    socket.on('close', (code) => {
      this.#closed = code;
      this.#wake();
    });
    socket.on('error', () => {});
  }

  /** Opens a socket; rejects where the upgrade is refused. */
  static async open(url: string, credential: string): Promise<Probe> {
    const headers = { Authorization: `Bearer ${credential}` };
    const socket = new WebSocket(url, { headers, perMessageDeflate: false });
    await once(socket, 'open');
    return new Probe(socket);
  }

  get isOpen(): boolean {
    return this.#socket.readyState === WebSocket.OPEN;
  }

  send(frame: string | Uint8Array): void {
    this.#socket.send(frame);
  }

  /** Takes from what has come all `mi` requests of the edge, and gives their ids. */
  asked(): string[] {
    const asking = this.#frames.filter((each) => each.includes('"type":"mi"'));
    for (const each of asking) this.#frames.splice(this.#frames.indexOf(each), 1);
    return asking.flatMap((each) =>
      [...each.matchAll(/"type":"mi","id":"([^"]+)"/g)].map(([, id = '']) => id),
    );
  }

  /** Sends a frame and then the sentinel; waits until that is answered, by a frame in which `sign` stands. */
  async settle(frame: string | Uint8Array, sentinel: string, sign: string): Promise<Reaction> {
    this.send(frame);
    if (this.isOpen) this.send(sentinel);
    return this.until(sign);
  }

  /** Waits for a frame in which `sign` stands, or the end of the socket. */
  async until(sign: string): Promise<Reaction> {
    const deadline = Date.now() + PATIENCE_MS;
    for (;;) {
      const at = this.#frames.findIndex((each) => each.includes(sign));
      if (at >= 0) return { frames: this.#frames.splice(0, at + 1).slice(0, -1) };
      if (this.#closed !== undefined) return { closed: this.#closed };
      const left = deadline - Date.now();
      if (left <= 0) throw new Error(`neither an answer nor a close within ${PATIENCE_MS} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  close(): void {
    this.#socket.terminate();
  }
}
