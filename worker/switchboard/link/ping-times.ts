/** When adapters have pinged. The platform answers pings without waking the object, and records when. @module */
import { PING_TIMEOUT_MS } from '../../../shared/protocol/link.ts';
import type { AdapterConnection } from './adapter-connection.ts';

export class PingTimes {
  readonly #ctx: Pick<DurableObjectState, 'getWebSocketAutoResponseTimestamp'>;
  /** Before the clock was set back: by socket, a time in the future, and what it counts as. */
  readonly #beforeSetBack = new WeakMap<WebSocket, { readonly at: number; readonly countsAs: number }>();

  constructor(ctx: Pick<DurableObjectState, 'getWebSocketAutoResponseTimestamp'>) {
    this.#ctx = ctx;
  }

  /** Returns when the adapter has last pinged or connected, in Unix milliseconds. */
  lastOf({ socket, connectedAt }: AdapterConnection): number {
    const at = Math.max(connectedAt, this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0);
    const setBack = this.#beforeSetBack.get(socket);
    return at === setBack?.at ? setBack.countsAs : at;
  }

  /** Returns whether an adapter has been silent for too long. */
  isSilent(connection: AdapterConnection, now: number): boolean {
    return now - this.lastOf(connection) > PING_TIMEOUT_MS;
  }

  /** The clock was set back, to `now`: the connection is as old as it was, and the last ping counts as one of now. */
  onClockSetBack(connection: AdapterConnection, now: number): void {
    connection.onClockSetBack(now);
    const at = this.lastOf(connection);
    if (at > now) this.#beforeSetBack.set(connection.socket, { at, countsAs: now });
  }
}
