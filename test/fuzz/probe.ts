/** A WebSocket client that sends arbitrary frames and records the reaction to each. @module */
import { once } from 'node:events';
import { WebSocket } from 'ws';

/** How long the edge may take to answer or to close: long for a machine, but shorter than a test. */
const REACTION_TIMEOUT_MS = 10_000;

/** The reaction to a frame: the frames before the response to the sentinel, or the close code. */
export type Reaction = { readonly frames: readonly string[] } | { readonly closeCode: number };

export class Probe {
  readonly #socket: WebSocket;
  readonly #frames: string[] = [];
  #closeCode: number | undefined;
  #onReaction: () => void = () => {};

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data) => {
      this.#frames.push(data.toString());
      this.#onReaction();
    });
    socket.on('close', (code) => {
      this.#closeCode = code;
      this.#onReaction();
    });
    socket.on('error', () => {});
  }

  /** Opens a socket. Rejects if the upgrade is refused. */
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

  /** Removes all requests of the edge to the adapter from the received frames, and returns their ids and types. */
  takeRequests(): { id: string; type: string }[] {
    const requestFrames = this.#frames.filter((frame) => /"type":"(?:mi|in-dialog)"/.test(frame));
    for (const frame of requestFrames) this.#frames.splice(this.#frames.indexOf(frame), 1);
    return requestFrames.flatMap((frame) => {
      const json: unknown = JSON.parse(frame);
      const messages = (Array.isArray(json) ? json : [json]) as { id: string; type: string }[];
      return messages.filter(({ type }) => type === 'mi' || type === 'in-dialog');
    });
  }

  /**
   * Sends a frame and then the sentinel. Resolves when a frame contains `marker`, as the response to the sentinel does.
   */
  async sendAndWait(frame: string | Uint8Array, sentinel: string, marker: string): Promise<Reaction> {
    this.send(frame);
    if (this.isOpen) this.send(sentinel);
    return this.waitForFrame(marker);
  }

  /** Waits for a frame that contains `marker`, or for the end of the socket. */
  async waitForFrame(marker: string): Promise<Reaction> {
    const deadline = Date.now() + REACTION_TIMEOUT_MS;
    for (;;) {
      const index = this.#frames.findIndex((frame) => frame.includes(marker));
      if (index >= 0) return { frames: this.#frames.splice(0, index + 1).slice(0, -1) };
      if (this.#closeCode !== undefined) return { closeCode: this.#closeCode };
      const remainingMs = deadline - Date.now();
      if (remainingMs <= 0)
        throw new Error(`neither a response nor a close within ${REACTION_TIMEOUT_MS} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, remainingMs);
        this.#onReaction = () => {
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
