/** The clients' sockets: who is there, and what each is told. @module */
import { notification, type RpcResponse } from '../shared/jsonrpc.ts';
import { closeCode } from '../shared/link.ts';
import type { Turnout } from '../shared/runner.ts';
import { attach, type ClientSocket } from './attachments.ts';

export class Sessions {
  readonly #ctx: DurableObjectState;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  /** Takes a socket in. One of the same session that is still there is superseded. */
  accept(socket: WebSocket, client: ClientSocket): void {
    for (const older of this.#of(client.session)) {
      older.close(closeCode.superseded, 'a newer socket has taken this session up');
    }
    this.#ctx.acceptWebSocket(socket, [tag(client.session)]);
    attach(socket, client);
  }

  /** Answers requests. */
  answer(socket: WebSocket, responses: readonly RpcResponse[], batch: boolean): void {
    if (responses.length === 0) return;
    send(socket, JSON.stringify(batch ? responses : responses[0]));
  }

  /** Tells each session of its commands, in order; who is not there misses nothing that is not stored. */
  tell(all: Turnout['told']): void {
    for (const { command, told } of all) {
      const { seq, event, data, error } = told;
      const params = { cmd_id: command.cmdId, event, data, error, seq };
      const text = JSON.stringify(notification(command.method, params));
      for (const socket of this.#of(command.session)) send(socket, text);
    }
  }

  #of(session: string): WebSocket[] {
    return this.#ctx.getWebSockets(tag(session)).filter(({ readyState }) => readyState === WebSocket.OPEN);
  }
}

function tag(session: string): string {
  return `session:${session}`;
}

/** A socket that dies under our hands is no error: its client comes back or not. */
function send(socket: WebSocket, text: string): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(text);
}
