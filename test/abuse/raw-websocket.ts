/**
 * A WebSocket over plain TCP that does only what an attack says: it may never read, and never answers a Close frame. A library would
 * do both by itself.
 * @module
 */
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

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

  /** Ends TCP at once. */
  destroy(): void {
    this.#socket.destroy();
  }
}
