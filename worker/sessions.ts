/** The clients' sockets: who is there, and what each is told. @module */
import { notification, type RpcResponse } from '../shared/jsonrpc.ts';
import { closeCode } from '../shared/link.ts';
import { metadataOf } from '../shared/stored-command.ts';
import { attach, attachmentOf, type ClientSocket, isLive } from './attachments.ts';
import type { Logged } from './store.ts';

/** Sockets whose tokens expire within so many milliseconds of each other are closed together: one walks them all. */
const TOGETHER_MS = 1_000;

export class Sessions {
  readonly #ctx: DurableObjectState;
  /** Sockets of each subject, as far as they were counted: by coming and leaving, so that not each walks them. */
  readonly #counts = new Map<string, number>();
  /** No token of a socket expires earlier. Stored, so that it is known after a sleep without asking each socket. */
  #earliest: number;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    const { sql } = ctx.storage;
    sql.exec('CREATE TABLE IF NOT EXISTS expiry (id INTEGER PRIMARY KEY, at INTEGER NOT NULL)');
    this.#earliest =
      sql.exec<{ at: number }>('SELECT at FROM expiry').toArray()[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Has this subject so many sockets open that there is no room for one more? One of its own session makes room. */
  isFull({ subject, session }: Whose, most: number): boolean {
    if ((this.#counts.get(subject) ?? most) < most) return false;
    // Of a socket that was lost nobody heard, so it is counted anew before anyone is refused.
    const live = this.#ctx.getWebSockets(subjectTag(subject)).filter(isLive);
    this.#counts.set(subject, live.length);
    const others = live.filter((socket) => {
      const client = attachmentOf(socket);
      return client.kind === 'client' && client.session !== session;
    });
    return others.length >= most;
  }

  /** Takes a socket in. One of the same session that is still there is superseded. */
  accept(socket: WebSocket, client: ClientSocket): void {
    for (const older of this.#of(client)) {
      older.close(closeCode.superseded, 'a newer socket has taken this session up');
    }
    const { subject, stream } = client;
    const waits = stream?.of === 'command' ? [waitTag(subject, stream.cmdId)] : [];
    this.#ctx.acceptWebSocket(socket, [tag(client), subjectTag(subject), ...waits]);
    attach(socket, client);
    this.#noteExpiry(client);
    const count = this.#counts.get(client.subject);
    if (count !== undefined) this.#counts.set(client.subject, count + 1);
  }

  /** A socket is gone. */
  left({ subject }: ClientSocket): void {
    const count = this.#counts.get(subject);
    if (count === undefined) return;
    if (count > 1) this.#counts.set(subject, count - 1);
    else this.#counts.delete(subject);
  }

  /** A fresh token was given on a live socket: what it says holds from now on. */
  renew(socket: WebSocket, client: ClientSocket): void {
    const before = attachmentOf(socket);
    const watches = before.kind === 'client' && before.watches ? { watches: before.watches } : {};
    attach(socket, { ...client, ...watches });
    this.#noteExpiry(client);
  }

  /** When {@link expire} is due, in Unix milliseconds; infinity for never. */
  get due(): number {
    return this.#earliest;
  }

  /** Closes the sockets whose tokens have expired. */
  expire(now: number): void {
    if (now < this.#earliest) return;
    let next = Number.POSITIVE_INFINITY;
    for (const socket of this.#ctx.getWebSockets()) {
      const client = attachmentOf(socket);
      if (client.kind !== 'client' || client.expires === undefined || !isLive(socket)) continue;
      if (client.expires > now) next = Math.min(next, client.expires);
      else this.closeExpired(socket);
    }
    this.#setEarliest(Math.max(next, now + TOGETHER_MS));
  }

  /** Closes a socket whose token has expired. */
  closeExpired(socket: WebSocket): void {
    socket.close(
      closeCode.unauthorized,
      'the token has expired; connect with a fresh one, or give it in time with Authorize',
    );
  }

  /** Closes a socket that goes on sending whatever it is answered. */
  closeFlooding(socket: WebSocket): void {
    socket.close(closeCode.flood, 'far too many messages; wait, and send fewer');
  }

  /** Gives a session that comes back what it missed; or says that it is no longer kept. */
  resume(socket: WebSocket, since: number, missed: readonly Logged[] | undefined): void {
    if (missed) for (const logged of missed) send(socket, textOf(logged));
    else send(socket, JSON.stringify(notification('SessionReset', { since })));
  }

  /** Answers requests. */
  answer(socket: WebSocket, responses: readonly RpcResponse[], batch: boolean): void {
    if (responses.length === 0) return;
    send(socket, JSON.stringify(batch ? responses : responses[0]));
  }

  /** Tells a session of its command; who is not there misses nothing that is not stored. */
  tell(logged: Logged): void {
    for (const socket of this.#of(logged.command)) send(socket, textOf(logged));
    if (logged.told.event !== 'Ended') return;
    const { subject, cmdId } = logged.command;
    for (const socket of this.#ctx.getWebSockets(waitTag(subject, cmdId))) send(socket, textOf(logged));
  }

  /** Tells what comes behind an answer. */
  follow(socket: WebSocket, texts: readonly string[]): void {
    for (const each of texts) send(socket, each);
  }

  #noteExpiry({ expires }: ClientSocket): void {
    if (expires !== undefined && expires < this.#earliest) this.#setEarliest(expires);
  }

  #setEarliest(at: number): void {
    this.#earliest = at;
    const { sql } = this.#ctx.storage;
    if (at === Number.POSITIVE_INFINITY) sql.exec('DELETE FROM expiry');
    else sql.exec('INSERT OR REPLACE INTO expiry (id, at) VALUES (1, ?)', at);
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

/** Beside the session's one: sockets are counted by it. */
function subjectTag(subject: string): string {
  return `subject:${subject}`;
}

/** Beside the session's one, of a socket that waits for the end of a command. */
function waitTag(subject: string, cmdId: string): string {
  return `waits:${cmdId}:${subject}`;
}

/** As its client is told it. */
export function textOf({ command, told: { seq, event, data, error } }: Logged): string {
  const metadata = metadataOf(command);
  const params = { cmd_id: command.cmdId, event, data, error, metadata, seq };
  return JSON.stringify(notification(command.method, params));
}

/** A socket that dies under our hands is no error: its client comes back or not. */
function send(socket: WebSocket, message: string): void {
  if (isLive(socket)) socket.send(message);
}
