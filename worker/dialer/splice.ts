/** Joins the socket to an adapter with one to its Switchboard: what one receives, the other sends. @module */
import { closeReason } from '../../shared/protocol/close-reason.ts';
import { closeCode, MAX_FRAME_LENGTH, PING, PONG } from '../../shared/protocol/link.ts';

/** Codes that must not be sent (RFC 6455 §7.4.1). */
const RESERVED_CLOSE_CODES: readonly number[] = [1004, 1005, 1006, 1015];

/** RFC 6455 §7.4.1: an unexpected condition. Both peers connect again. */
const INTERNAL_ERROR = 1011;

/** How a link has ended. */
export interface LinkEnd {
  readonly code: number;
  readonly reason: string;
  /** Who has closed it first. */
  readonly by: 'adapter' | 'edge';
}

export interface SpliceOptions {
  /** From the adapter, which has proved its key. */
  readonly adapter: WebSocket;
  /** From the Switchboard. */
  readonly edge: WebSocket;
  readonly now: () => number;
  /** A frame other than ping and pong has passed. */
  readonly onFrame: () => void;
  /** Called once. Both sockets are closed. */
  readonly onEnd: (end: LinkEnd) => void;
}

export class Splice {
  readonly #options: SpliceOptions;
  #isEnded = false;
  /** When the adapter has sent anything last, pings included, in Unix milliseconds. */
  #heardAt: number;

  /** Accepts both sockets. */
  constructor(options: SpliceOptions) {
    this.#options = options;
    this.#heardAt = options.now();
    this.#forward(options.adapter, options.edge, 'adapter');
    this.#forward(options.edge, options.adapter, 'edge');
    options.edge.accept();
    options.adapter.accept();
  }

  get heardAt(): number {
    return this.#heardAt;
  }

  onClockSetBack(now: number): void {
    this.#heardAt = Math.min(this.#heardAt, now);
  }

  /** Closes both sockets. */
  close(code: number, reason: string, by: LinkEnd['by'] = 'edge'): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    const { adapter, edge, onEnd } = this.#options;
    const sent = code >= 1000 && code < 5000 && !RESERVED_CLOSE_CODES.includes(code) ? code : INTERNAL_ERROR;
    for (const socket of [adapter, edge]) closeQuietly(socket, sent, closeReason(reason));
    onEnd({ code, reason, by });
  }

  #forward(from: WebSocket, to: WebSocket, by: LinkEnd['by']): void {
    from.addEventListener('message', ({ data }) => {
      if (by === 'adapter') this.#heardAt = this.#options.now();
      if (typeof data !== 'string' || data.length > MAX_FRAME_LENGTH) return this.#refuse(data, by);
      if (data !== PING && data !== PONG) this.#options.onFrame();
      try {
        to.send(data);
      } catch {
        this.close(INTERNAL_ERROR, 'The other side of the link is closed.', by);
      }
    });
    from.addEventListener('close', ({ code, reason }) => this.close(code, reason, by));
    from.addEventListener('error', () => this.close(INTERNAL_ERROR, 'The connection was lost.', by));
  }

  /** Sockets of the platform do not tell what they have not sent yet, so the length of each frame bounds what waits. */
  #refuse(data: unknown, by: LinkEnd['by']): void {
    if (typeof data !== 'string') this.close(closeCode.protocol, 'A frame is not text.', by);
    else this.close(closeCode.tooLarge, `A frame can have at most ${MAX_FRAME_LENGTH} characters.`, by);
  }
}

function closeQuietly(socket: WebSocket, code: number, reason: string): void {
  try {
    socket.close(code, reason);
  } catch {
    // It is closed already.
  }
}
