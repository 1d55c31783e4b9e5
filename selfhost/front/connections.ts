/** The connections of the front: which of them are open, and which one goes when there are too many. @module */

/** The part of a TCP socket that is used here. */
export interface ConnectionSocket {
  /** Bytes given to the socket, including those that still wait. */
  readonly bytesWritten: number;
  /** Bytes that wait because the other end does not take them. */
  readonly writableLength: number;
  destroy(): unknown;
}

/** What a connection does. */
export type Phase =
  /** The edge has ended it; the client has not. */
  | 'closing'
  /** It has no request. */
  | 'idle'
  /** A request is being received. */
  | 'receiving'
  /** A request is being answered. */
  | 'answering'
  /** It is a WebSocket. */
  | 'websocket';

/** When there are too many connections, those of these phases are closed, in this order: none has anything to lose. */
const EVICTED_PHASES: readonly Phase[] = ['closing', 'idle', 'receiving'];
/** The phases among them that may have a connection to workerd. */
const EVICTED_PHASES_AT_EDGE: readonly Phase[] = ['closing', 'receiving'];

/** A client that has taken nothing for this time, although bytes wait for it, is disconnected, in milliseconds. */
export const STALLED_AFTER_MS = 30_000;

interface Connection {
  phase: Phase;
  /** Bytes that the client has taken when they last changed, and when that was. */
  taken: number;
  takenAt: number;
}

export class Connections<Socket extends ConnectionSocket> {
  readonly #max: number;
  readonly #connections = new Map<Socket, Connection>();
  /** The sockets of each phase, those that entered it first in front. */
  readonly #phases: Readonly<Record<Phase, Set<Socket>>> = {
    closing: new Set(),
    idle: new Set(),
    receiving: new Set(),
    answering: new Set(),
    websocket: new Set(),
  };

  /** @param max how many connections can be open */
  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#connections.size;
  }

  /**
   * Adds a new connection. When there are too many, it takes the place of the one that can be missed most: one that is
   * closing, then one without a request, then one whose request is incomplete, then one that does not take its answer;
   * of these the oldest. If there is none, the new one is closed.
   */
  add(socket: Socket, now: number): void {
    if (this.#connections.size >= this.#max) this.#evict(EVICTED_PHASES);
    if (this.#connections.size >= this.#max) {
      socket.destroy();
      return;
    }
    this.#connections.set(socket, { phase: 'idle', taken: 0, takenAt: now });
    this.#phases.idle.add(socket);
  }

  /** Moves a connection to another phase, unless it has gone. */
  enter(socket: Socket, phase: Phase): void {
    const connection = this.#connections.get(socket);
    if (!connection) return;
    this.#phases[connection.phase].delete(socket);
    connection.phase = phase;
    this.#phases[phase].add(socket);
  }

  /** Removes a connection that has closed. */
  delete(socket: Socket): void {
    const connection = this.#connections.get(socket);
    if (!connection) return;
    this.#connections.delete(socket);
    this.#phases[connection.phase].delete(socket);
  }

  /** Disconnects the clients that have taken nothing for {@link STALLED_AFTER_MS} although bytes wait for them. */
  closeStalled(now: number): void {
    for (const [socket, connection] of this.#connections) {
      const taken = socket.bytesWritten - socket.writableLength;
      if (socket.writableLength === 0 || taken !== connection.taken) {
        connection.taken = taken;
        connection.takenAt = now;
      } else if (now - connection.takenAt >= STALLED_AFTER_MS) this.#close(socket);
    }
  }

  /** Closes all connections. */
  closeAll(): void {
    for (const socket of [...this.#connections.keys()]) this.#close(socket);
  }

  /**
   * Closes connections that take places at workerd without need, because others wait for a place.
   * @param count how many wait
   */
  makeRoomAtEdge(count: number): void {
    for (let n = 0; n < count; n++) this.#evict(EVICTED_PHASES_AT_EDGE);
  }

  #evict(phases: readonly Phase[]): void {
    for (const phase of phases)
      for (const socket of this.#phases[phase]) {
        this.#close(socket);
        return;
      }
    for (const socket of this.#phases.answering)
      if (socket.writableLength > 0) {
        this.#close(socket);
        return;
      }
  }

  #close(socket: Socket): void {
    this.delete(socket);
    socket.destroy();
  }
}
