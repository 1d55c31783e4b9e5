/** Connections that have not shown a valid token yet: few, and not for long. @module */
import type { Socket } from 'node:net';
import type { RefusalReason } from './refusal.ts';

export interface PendingLimits {
  /** In total. */
  readonly max: number;
  /** From one address. Behind a proxy all have its address, so that this is the limit of the listener. */
  readonly maxPerSource: number;
  /** From the first byte of TCP to the valid token, in milliseconds. */
  readonly timeoutMs: number;
}

interface Pending {
  readonly socket: Socket;
  readonly source: string;
  readonly timer: NodeJS.Timeout;
}

/**
 * Where there are too many, the oldest one goes: the edge needs a fraction of a second, so that it gets through even while others hold
 * connections open.
 */
export class PendingConnections {
  readonly #limits: PendingLimits;
  readonly #onDropped: (reason: RefusalReason, source: string) => void;
  /** By the address and the port of the client, oldest first: a socket with TLS is another object than the one below it. */
  readonly #pending = new Map<string, Pending>();

  constructor(limits: PendingLimits, onDropped: (reason: RefusalReason, source: string) => void) {
    this.#limits = limits;
    this.#onDropped = onDropped;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** Takes a socket that was just accepted. */
  add(socket: Socket): void {
    const { remoteAddress: source } = socket;
    // It is closed already.
    if (source === undefined) {
      socket.destroy();
      return;
    }
    const id = idOf(socket);
    const timer = setTimeout(() => this.#drop(id, 'too-slow'), this.#limits.timeoutMs);
    this.#pending.set(id, { socket, source, timer });
    socket.on('close', () => this.#remove(id));
    const ofSource = [...this.#pending].filter(([, pending]) => pending.source === source);
    if (ofSource.length > this.#limits.maxPerSource) this.#drop(ofSource[0]?.[0], 'too-many');
    if (this.#pending.size > this.#limits.max) this.#drop(this.#pending.keys().next().value, 'too-many');
  }

  /** The client has shown a valid token. */
  release(socket: Socket): void {
    this.#remove(idOf(socket));
  }

  /** Closes all of them. */
  close(): void {
    for (const { socket, timer } of this.#pending.values()) {
      clearTimeout(timer);
      socket.destroy();
    }
    this.#pending.clear();
  }

  #drop(id: string | undefined, reason: RefusalReason): void {
    const pending = id === undefined ? undefined : this.#pending.get(id);
    if (id === undefined || pending === undefined) return;
    this.#remove(id);
    pending.socket.destroy();
    this.#onDropped(reason, pending.source);
  }

  #remove(id: string): void {
    clearTimeout(this.#pending.get(id)?.timer);
    this.#pending.delete(id);
  }
}

function idOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
