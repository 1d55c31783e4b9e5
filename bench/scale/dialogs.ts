/** Dialogs of an OpenSIPS that are none of ours: their events at a steady rate, on UDP. @module */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { dialogState } from '../../shared/evi.ts';

/** The changes that a dialog goes through, in order. */
const COURSE = [
  [dialogState.unconfirmed, dialogState.ringing],
  [dialogState.ringing, dialogState.answered],
  [dialogState.answered, dialogState.acknowledged],
  [dialogState.acknowledged, dialogState.ended],
] as const;

/** Milliseconds between two bursts: below 5 a timer of Node is too coarse, and OpenSIPS sends in bursts as well. */
const TICK_MS = 5;

export class Dialogs {
  readonly #socket: Socket;
  readonly #port: number;
  /** Datagrams that the kernel took. */
  sent = 0;

  private constructor(socket: Socket, port: number) {
    this.#socket = socket;
    this.#port = port;
  }

  /** Sends from the address that MI has: adapters take events from nowhere else. `port` is where they listen. */
  static async open(port: number): Promise<Dialogs> {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new Dialogs(socket, port);
  }

  /** Raises so many events a second for so many milliseconds; what a late tick missed is made up for. */
  async raise(perSecond: number, ms: number): Promise<void> {
    const begun = performance.now();
    const before = this.sent;
    while (performance.now() - begun < ms) {
      const due = before + Math.floor(((performance.now() - begun) / 1000) * perSecond);
      while (this.sent < due) this.#send(this.sent++);
      await new Promise((resume) => setTimeout(resume, TICK_MS));
    }
  }

  close(): void {
    this.#socket.close();
  }

  #send(n: number): void {
    const [from, to] = COURSE[n % COURSE.length] ?? COURSE[0];
    const dialog = Math.floor(n / COURSE.length);
    const params = {
      id: `${(dialog % 4096).toString(16)}.${dialog.toString(16)}`,
      db_id: String(dialog),
      callid: `stranger-${dialog}@192.0.2.7`,
      from_tag: `f${dialog}`,
      to_tag: `t${dialog}`,
      old_state: from,
      new_state: to,
    };
    const datagram = JSON.stringify({ jsonrpc: '2.0', method: 'E_DLG_STATE_CHANGED', params });
    this.#socket.send(datagram, this.#port, '127.0.0.1');
  }
}
