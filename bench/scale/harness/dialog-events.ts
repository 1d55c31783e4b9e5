/** Sends the EVI events of external calls to an adapter, over UDP at a constant rate. @module */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { dialogState } from '../../../shared/opensips/evi.ts';

/** The state changes of a call, in order. */
const STATE_CHANGES = [
  [dialogState.unconfirmed, dialogState.ringing],
  [dialogState.ringing, dialogState.answered],
  [dialogState.answered, dialogState.acknowledged],
  [dialogState.acknowledged, dialogState.ended],
] as const;

export const EVENTS_PER_CALL = STATE_CHANGES.length;

/** Interval between two bursts. Node's timers are too coarse below 5 ms, and OpenSIPS sends in bursts as well. */
const BURST_INTERVAL_MS = 5;

export class DialogEvents {
  readonly #socket: Socket;
  readonly #port: number;
  /** Datagrams that the kernel has accepted. */
  sent = 0;

  private constructor(socket: Socket, port: number) {
    this.#socket = socket;
    this.#port = port;
  }

  /**
   * Opens a socket at the address of MI, because adapters accept events from no other.
   *
   * @param port the adapter's event port
   */
  static async open(port: number): Promise<DialogEvents> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new DialogEvents(socket, port);
  }

  /** Sends events at a constant rate. A burst after a late timer is larger. */
  async send(perSecond: number, durationMs: number): Promise<void> {
    const start = performance.now();
    const sentBefore = this.sent;
    while (performance.now() - start < durationMs) {
      const due = sentBefore + Math.floor(((performance.now() - start) / 1000) * perSecond);
      while (this.sent < due) this.#sendEvent(this.sent++);
      await new Promise((resolve) => setTimeout(resolve, BURST_INTERVAL_MS));
    }
  }

  close(): void {
    this.#socket.close();
  }

  #sendEvent(n: number): void {
    const [oldState, newState] = STATE_CHANGES[n % EVENTS_PER_CALL] ?? STATE_CHANGES[0];
    const dialog = Math.floor(n / EVENTS_PER_CALL);
    const params = {
      id: `${(dialog % 4096).toString(16)}.${dialog.toString(16)}`,
      db_id: String(dialog),
      callid: `external-${dialog}@192.0.2.7`,
      from_tag: `f${dialog}`,
      to_tag: `t${dialog}`,
      old_state: oldState,
      new_state: newState,
    };
    const datagram = JSON.stringify({ jsonrpc: '2.0', method: 'E_DLG_STATE_CHANGED', params });
    this.#socket.send(datagram, this.#port, '127.0.0.1');
  }
}
