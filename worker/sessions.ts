/** The clients' sockets: who is there, and what each is told. @module */
import { notification, type RpcResponse } from '../shared/jsonrpc.ts';
import { closeCode } from '../shared/link.ts';
import { attach, type ClientSocket } from './attachments.ts';
import type { Logged } from './store.ts';

export class Sessions {
  readonly #ctx: DurableObjectState;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
  }

  /** Takes a socket in. One of the same session that is still there is superseded. */
  accept(socket: WebSocket, client: ClientSocket): void {
    for (const older of this.#of(client)) {
      older.close(closeCode.superseded, 'a newer socket has taken this session up');
    }
    this.#ctx.acceptWebSocket(socket, [tag(client)]);
    attach(socket, client);
  }

  /** Gives a session that comes back what it missed; or says that it is no longer kept. */
  resume(socket: WebSocket, since: number, missed: readonly Logged[] | undefined): void {
    if (missed) for (const logged of missed) send(socket, text(logged));
    else send(socket, JSON.stringify(notification('SessionReset', { since })));
  }

  /** Answers requests. */
  answer(socket: WebSocket, responses: readonly RpcResponse[], batch: boolean): void {
    if (responses.length === 0) return;
    send(socket, JSON.stringify(batch ? responses : responses[0]));
  }

  /** Tells each session of its commands, in order; who is not there misses nothing that is not stored. */
  tell(all: readonly Logged[]): void {
    for (const logged of all) for (const socket of this.#of(logged.command)) send(socket, text(logged));
  }

  #of(whose: Whose): WebSocket[] {
    return this.#ctx.getWebSockets(tag(whose)).filter(isLive);
  }
}

/** A session belongs to a subject: another's of the same name is another. */
type Whose = Pick<ClientSocket, 'subject' | 'session'>;

function tag({ subject, session }: Whose): string {
  return `session:${session}:${subject}`;
}

function text({ command, told: { seq, event, data, error } }: Logged): string {
  return JSON.stringify(notification(command.method, { cmd_id: command.cmdId, event, data, error, seq }));
}

/** One that was just accepted is still connecting, and takes what is sent all the same. */
function isLive({ readyState }: WebSocket): boolean {
  return readyState === WebSocket.CONNECTING || readyState === WebSocket.OPEN;
}

/** A socket that dies under our hands is no error: its client comes back or not. */
function send(socket: WebSocket, message: string): void {
  if (isLive(socket)) socket.send(message);
}
