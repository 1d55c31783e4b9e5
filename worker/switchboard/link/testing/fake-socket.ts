/** A socket as the platform keeps it. @module */

export class FakeSocket {
  readyState: number = WebSocket.OPEN;
  /** When the platform answered the last ping. */
  lastPingAt: Date | null = null;
  readonly frames: string[] = [];
  closedWith: { readonly code: number; readonly reason: string } | undefined;
  #attachment: unknown;

  serializeAttachment(attachment: unknown): void {
    this.#attachment = structuredClone(attachment);
  }

  deserializeAttachment(): unknown {
    return structuredClone(this.#attachment);
  }

  send(frame: string): void {
    this.frames.push(frame);
  }

  close(code = 1000, reason = ''): void {
    this.readyState = WebSocket.CLOSING;
    this.closedWith ??= { code, reason };
  }
}
