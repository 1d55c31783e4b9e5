/** The client sessions: their sockets, and what is sent to each. @module */

import { closeCode } from '../../../shared/protocol/link.ts';
import { isAddedEvent } from '../../../shared/protocol/rpc/command-events.ts';
import { type RpcResponse, notification as rpcNotification } from '../../../shared/protocol/rpc/jsonrpc.ts';
import { metadataOf } from '../../../shared/runner/stored-command.ts';
import type { LoggedNotification } from '../store/command-log.ts';
import { attach, attachmentOf, type ClientSocket, isLive } from './attachments.ts';

/** Sockets whose tokens expire within this time of each other are closed together, because that walks all sockets. */
const EXPIRY_BATCH_MS = 1_000;

export class Sessions {
  readonly #ctx: DurableObjectState;
  /** Sockets by subject, counted as they connect and disconnect, so that no connection has to walk them all. */
  readonly #socketCounts = new Map<string, number>();
  /** No token of a socket expires earlier. It is stored, so that it is known after a hibernation. */
  #earliestExpiry: number;

  constructor(ctx: DurableObjectState) {
    this.#ctx = ctx;
    const { sql } = ctx.storage;
    sql.exec('CREATE TABLE IF NOT EXISTS earliest_expiry (id INTEGER PRIMARY KEY, at INTEGER NOT NULL)');
    this.#earliestExpiry =
      sql.exec<{ at: number }>('SELECT at FROM earliest_expiry').toArray()[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Returns whether a subject has as many sockets as it may have. A socket of the same session would be replaced. */
  isLimitReached({ subject, session }: SessionKey, limit: number): boolean {
    if ((this.#socketCounts.get(subject) ?? limit) < limit) return false;
    // A lost socket was not counted down, so they are counted before a connection is refused.
    const live = this.#ctx.getWebSockets(subjectTag(subject)).filter(isLive);
    this.#socketCounts.set(subject, live.length);
    const others = live.filter((socket) => {
      const client = attachmentOf(socket);
      return client.kind === 'client' && client.session !== session;
    });
    return others.length >= limit;
  }

  /** Accepts a socket. It supersedes an open socket of the same session. */
  accept(socket: WebSocket, client: ClientSocket): void {
    for (const older of this.#socketsOf(client)) {
      older.close(closeCode.superseded, 'A newer connection has resumed this session.');
    }
    const { subject, stream } = client;
    const endTags = stream?.kind === 'command' ? [commandEndTag(subject, stream.cmdId)] : [];
    this.#ctx.acceptWebSocket(socket, [sessionTag(client), subjectTag(subject), ...endTags]);
    attach(socket, client);
    this.#noteExpiry(client);
    const count = this.#socketCounts.get(client.subject);
    if (count !== undefined) this.#socketCounts.set(client.subject, count + 1);
  }

  onDisconnected({ subject }: ClientSocket): void {
    const count = this.#socketCounts.get(subject);
    if (count === undefined) return;
    if (count > 1) this.#socketCounts.set(subject, count - 1);
    else this.#socketCounts.delete(subject);
  }

  /** Applies a renewed token to an open socket. */
  renewToken(socket: WebSocket, client: ClientSocket): void {
    const before = attachmentOf(socket);
    const { watches, events } = before.kind === 'client' ? before : {};
    attach(socket, { ...client, ...(watches ? { watches } : {}), ...(events ? { events } : {}) });
    this.#noteExpiry(client);
  }

  /** When {@link closeExpiredSessions} is due, in Unix milliseconds; infinity for never. */
  get due(): number {
    return this.#earliestExpiry;
  }

  /** Closes the sockets whose tokens have expired. */
  closeExpiredSessions(now: number): void {
    if (now < this.#earliestExpiry) return;
    let next = Number.POSITIVE_INFINITY;
    for (const socket of this.#ctx.getWebSockets()) {
      const client = attachmentOf(socket);
      if (client.kind !== 'client' || client.expires === undefined || !isLive(socket)) continue;
      if (client.expires > now) next = Math.min(next, client.expires);
      else this.closeExpired(socket);
    }
    this.#setEarliestExpiry(Math.max(next, now + EXPIRY_BATCH_MS));
  }

  /** The clock was set back by `ms` milliseconds: the tokens of open sockets expire when they would have. */
  onClockSetBack(ms: number): void {
    for (const socket of this.#ctx.getWebSockets()) {
      const client = attachmentOf(socket);
      if (client.kind === 'client' && client.expires !== undefined)
        attach(socket, { ...client, expires: client.expires - ms });
    }
    this.#setEarliestExpiry(this.#earliestExpiry - ms);
  }

  /** Closes a socket whose token has expired. */
  closeExpired(socket: WebSocket): void {
    socket.close(
      closeCode.unauthorized,
      'The token has expired. Reconnect with a new one, or renew it in time with Authorize.',
    );
  }

  /** Closes a socket that goes on sending although its messages are rejected. */
  closeForFlood(socket: WebSocket): void {
    socket.close(
      closeCode.flood,
      'Too many messages were sent after the rate limit was exceeded. Wait, and send fewer.',
    );
  }

  /** Sends a resuming session what it missed, or that it is no longer kept. */
  resume(socket: WebSocket, since: number, missed: readonly LoggedNotification[] | undefined): void {
    if (missed) for (const logged of missed) sendNotification(socket, logged);
    else if (!wantsOriginal(socket)) send(socket, JSON.stringify(rpcNotification('SessionReset', { since })));
  }

  /** Sends the responses to a message. */
  answer(socket: WebSocket, responses: readonly RpcResponse[], batch: boolean): void {
    if (responses.length === 0) return;
    send(socket, JSON.stringify(batch ? responses : responses[0]));
  }

  /** Sends a notification to the session of its command. A session without a socket can resume: the notification is stored. */
  notify(logged: LoggedNotification): void {
    for (const socket of this.#socketsOf(logged.command)) sendNotification(socket, logged);
    if (logged.notification.event !== 'Ended') return;
    const { subject, cmdId } = logged.command;
    for (const socket of this.#ctx.getWebSockets(commandEndTag(subject, cmdId)))
      send(socket, notificationText(logged));
  }

  /** Sends the frames that follow a response. */
  sendFollowUps(socket: WebSocket, texts: readonly string[]): void {
    for (const text of texts) send(socket, text);
  }

  #noteExpiry({ expires }: ClientSocket): void {
    if (expires !== undefined && expires < this.#earliestExpiry) this.#setEarliestExpiry(expires);
  }

  #setEarliestExpiry(at: number): void {
    this.#earliestExpiry = at;
    const { sql } = this.#ctx.storage;
    if (at === Number.POSITIVE_INFINITY) sql.exec('DELETE FROM earliest_expiry');
    else sql.exec('INSERT OR REPLACE INTO earliest_expiry (id, at) VALUES (1, ?)', at);
  }

  #socketsOf(key: SessionKey): WebSocket[] {
    return this.#ctx.getWebSockets(sessionTag(key)).filter(isLive);
  }
}

/** A session belongs to a subject: sessions of two subjects may have the same name. */
type SessionKey = Pick<ClientSocket, 'subject' | 'session'>;

function sessionTag({ subject, session }: SessionKey): string {
  return `session:${session}:${subject}`;
}

/** A second tag, by which the sockets of a subject are counted. */
function subjectTag(subject: string): string {
  return `subject:${subject}`;
}

/** A third tag, of a socket that waits for the end of a command. */
function commandEndTag(subject: string, cmdId: string): string {
  return `command-end:${cmdId}:${subject}`;
}

/** Returns the JSON-RPC notification that the client receives. */
export function notificationText({
  command,
  notification: { seq, event, data, error },
}: LoggedNotification): string {
  const metadata = metadataOf(command);
  const params = { cmd_id: command.cmdId, event, data, error, metadata, seq };
  return JSON.stringify(rpcNotification(command.method, params));
}

/** Sends a notification of a command, unless the client of this socket does not know its event. */
function sendNotification(socket: WebSocket, logged: LoggedNotification): void {
  const { command, notification } = logged;
  if (isAddedEvent(command.method, notification.event) && wantsOriginal(socket)) return;
  send(socket, notificationText(logged));
}

function wantsOriginal(socket: WebSocket): boolean {
  const client = attachmentOf(socket);
  return client.kind === 'client' && client.events === 'original';
}

/** A socket may close at any time, which is no error: its client can resume. */
function send(socket: WebSocket, message: string): void {
  if (isLive(socket)) socket.send(message);
}
