/** The adapters of a site that wait to take over. Pure. @module */
import type { AdapterConnection } from './adapter-connection.ts';

export class Standbys {
  readonly #bySocket = new Map<WebSocket, AdapterConnection>();

  /** All, the oldest connection first. */
  get all(): readonly AdapterConnection[] {
    return [...this.#bySocket.values()].sort((one, other) => one.connectedAt - other.connectedAt);
  }

  get size(): number {
    return this.#bySocket.size;
  }

  add(connection: AdapterConnection): void {
    this.#bySocket.set(connection.socket, connection);
  }

  get(socket: WebSocket): AdapterConnection | undefined {
    return this.#bySocket.get(socket);
  }

  delete(socket: WebSocket): void {
    this.#bySocket.delete(socket);
  }

  /** Returns which one takes over: one whose OpenSIPS is reachable before the others, then the oldest connection. */
  get next(): AdapterConnection | undefined {
    const { all } = this;
    return all.find(({ opensips }) => opensips.reachable) ?? all[0];
  }
}
