/**
 * A WebSocket over plain TCP that does only what an attack says: it may never read, and never answers a Close frame. A library would
 * do both by itself.
 * @module
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import type { Tally } from './tally.ts';

export interface RawOptions {
  readonly port: number;
  /** Such as `/call-api?session=a`. */
  readonly path: string;
  readonly credential: string;
  /** Whether it reads after the response to the upgrade. */
  readonly reads: boolean;
  readonly onBytes?: (count: number) => void;
  /** TCP has ended. */
  readonly onEnd?: () => void;
}

/** The response to an upgrade. */
export interface RawUpgrade {
  /** The HTTP status; 0 if the connection ended before one arrived. */
  readonly status: number;
  /** What followed the status line in the same segment. */
  readonly text: string;
  readonly socket: RawWebSocket;
}

/** How long a client that has not read reads in the end, in milliseconds. */
export const READ_MS = 2_000;

/** A Close frame of a server has no more (RFC 6455 §5.5). */
const TAIL_BYTES = 127;
const CLOSE_FRAME = 0x88;

/** Returns the code of the Close frame at the end of what a server has sent; -1 if there is none. */
function closeCodeIn(tail: Buffer): number {
  for (let at = tail.length - 4; at >= 0; at--)
    if (tail[at] === CLOSE_FRAME && at + 2 + (tail[at + 1] ?? 0) === tail.length)
      return tail.readUInt16BE(at + 2);
  return -1;
}

/** Counts what {@link RawWebSocket.readToEnd} has found. */
export function found(tally: Tally, code: number): void {
  if (code >= 0) tally.onFoundClosed(code);
}

export class RawWebSocket {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** Requests an upgrade, and resolves with its response. Never rejects. */
  static open({ port, path, credential, reads, onBytes, onEnd }: RawOptions): Promise<RawUpgrade> {
    const { promise, resolve } = Promise.withResolvers<RawUpgrade>();
    const socket = connect(port, '127.0.0.1');
    const raw = new RawWebSocket(socket);
    let isAnswered = false;
    socket.on('data', (chunk: Buffer) => {
      onBytes?.(chunk.length);
      if (isAnswered) return;
      isAnswered = true;
      const text = chunk.toString('latin1');
      if (!reads) socket.pause();
      resolve({ status: Number(text.slice(9, 12)), text, socket: raw });
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      if (isAnswered) onEnd?.();
      else resolve({ status: 0, text: '', socket: raw });
    });
    socket.write(
      [
        `GET ${path} HTTP/1.1`,
        `Host: 127.0.0.1:${port}`,
        'Connection: Upgrade',
        'Upgrade: websocket',
        'Sec-WebSocket-Version: 13',
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
        `Authorization: Bearer ${credential}`,
        '\r\n',
      ].join('\r\n'),
    );
    return promise;
  }

  /** Sends a text message in one masked frame (RFC 6455 §5.2). The mask is zero, so the text is sent as it is. */
  send(text: string): void {
    const payload = Buffer.from(text);
    const length =
      payload.length < 126
        ? [0x80 | payload.length]
        : [0x80 | 126, payload.length >> 8, payload.length & 0xff];
    this.#socket.write(Buffer.concat([Buffer.from([0x81, ...length, 0, 0, 0, 0]), payload]));
  }

  /** Reads what has come meanwhile, and ends TCP. Returns the code of the Close frame that came last; -1 if none came. */
  async readToEnd(): Promise<number> {
    let tail = Buffer.alloc(0);
    this.#socket.on('data', (chunk: Buffer) => {
      tail = Buffer.concat([tail, chunk]).subarray(-TAIL_BYTES);
    });
    this.#socket.resume();
    await new Promise((resolve) => {
      this.#socket.once('end', resolve);
      setTimeout(resolve, READ_MS);
    });
    this.#socket.destroy();
    return closeCodeIn(tail);
  }

  /** Ends TCP at once. */
  destroy(): void {
    this.#socket.destroy();
  }
}
