/** The client sessions: their sockets, and what is sent to each. @module */

import { closeCode } from '../../../shared/protocol/link.ts';
import { isAddedEvent } from '../../../shared/protocol/rpc/command-events.ts';
import { notification as rpcNotification } from '../../../shared/protocol/rpc/jsonrpc.ts';
import { metadataOf } from '../../../shared/runner/stored-command.ts';
import type { LoggedNotification } from '../store/command-log.ts';
import { attach, attachmentOf, type ClientSocket, isLive, wantsOriginal } from './attachments.ts';
import type { ClientOutput } from './client-output.ts';
import { closeWithNotice } from './close.ts';

/** Sockets whose tokens expire within this time of each other are closed together, because that walks all sockets. */
const EXPIRY_BATCH_MS = 500;

/**
 * A subject may have as many sockets that the edge has closed, and whose clients have not ended them, as it may have open
 * ones: a client whose network is gone cannot end its old sockets, and must get in with a new one nevertheless.
 */
const LIMIT_WITH_CLOSING = 2;

export class Sessions {
  readonly #ctx: DurableObjectState;
  readonly #output: ClientOutput;
  /**
   * Sockets that are sent what they have missed: what happens meanwhile follows from the log. What a repeated command is sent again
   * waits, because a client resumes from the highest number that it has received.
   */
  readonly #held = new WeakMap<WebSocket, LoggedNotification[]>();
  /** Sockets by subject, counted as they connect and disconnect, so that no connection has to walk them all. */
  readonly #socketCounts = new Map<string, number>();
  /** No token of a socket expires earlier. It is stored, so that it is known after a hibernation. */
  #earliestExpiry: number;

  constructor(ctx: DurableObjectState, output: ClientOutput) {
    this.#ctx = ctx;
    this.#output = output;
    const { sql } = ctx.storage;
    sql.exec('CREATE TABLE IF NOT EXISTS earliest_expiry (id INTEGER PRIMARY KEY, at INTEGER NOT NULL)');
    this.#earliestExpiry =
      sql.exec<{ at: number }>('SELECT at FROM earliest_expiry').toArray()[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Returns whether a subject has as many sockets as it may have. An open socket of the same session would be replaced. One
   * that the edge has closed counts until its client has ended it, because it takes its place on the machine until then.
   */
  isLimitReached({ subject, session }: SessionKey, limit: number): boolean {
    if ((this.#socketCounts.get(subject) ?? limit) < limit) return false;
    // A lost socket was not counted down, so they are counted before a connection is refused.
    const sockets = this.#ctx.getWebSockets(subjectTag(subject));
    this.#socketCounts.set(subject, sockets.length);
    const live = sockets.filter(isLive);
    const others = live.filter((socket) => {
      const client = attachmentOf(socket);
      return client.kind === 'client' && client.session !== session;
    });
    const closing = sockets.length - live.length;
    return others.length >= limit || others.length + closing >= LIMIT_WITH_CLOSING * limit;
  }

  /** Accepts a socket. It supersedes an open socket of the same session. */
  accept(socket: WebSocket, client: ClientSocket): void {
    for (const older of this.#socketsOf(client)) {
      closeWithNotice(older, closeCode.superseded, 'A newer connection has resumed this session.');
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
    // What the token says is replaced; what the connection has asked for stays.
    const { caller: _, expires: __, ...connection } = before.kind === 'client' ? before : client;
    attach(socket, { ...connection, ...client });
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
    closeWithNotice(
      socket,
      closeCode.unauthorized,
      'The token has expired. Reconnect with a new one, or renew it in time with Authorize.',
    );
  }

  /** Closes all sockets of a subject that goes on sending although its messages are rejected. */
  closeForFlood(subject: string): void {
    for (const socket of this.#ctx.getWebSockets(subjectTag(subject)).filter(isLive))
      closeWithNotice(
        socket,
        closeCode.flood,
        'Too many messages were sent after the rate limit was exceeded. Wait, and send fewer.',
      );
  }

  /** Holds notifications back from the socket of a resuming session, whose missed ones are sent first. */
  hold(socket: WebSocket): void {
    this.#held.set(socket, []);
  }

  /** The socket has been sent everything that is in the log. */
  release(socket: WebSocket): void {
    const waiting = this.#held.get(socket) ?? [];
    this.#held.delete(socket);
    for (const logged of waiting) this.#send(socket, logged);
  }

  /** Sends a resuming session that what it missed is no longer kept. */
  reset(socket: WebSocket, since: number): void {
    if (!wantsOriginal(socket))
      this.#output.send(socket, JSON.stringify(rpcNotification('SessionReset', { since })));
  }

  /** Sends the responses to a message, which are JSON. */
  answer(socket: WebSocket, responses: readonly string[], batch: boolean): void {
    if (responses.length === 0) return;
    this.#output.send(socket, batch ? `[${responses.join()}]` : responses.join());
  }

  /** Sends a notification to the session of its command. A session without a socket can resume: the notification is stored. */
  notify(logged: LoggedNotification & { readonly isResent?: true }): void {
    for (const socket of this.#socketsOf(logged.command)) {
      const waiting = this.#held.get(socket);
      if (!waiting) this.#send(socket, logged);
      else if (logged.isResent) waiting.push(logged);
    }
    if (logged.notification.event !== 'Ended') return;
    const { subject, cmdId } = logged.command;
    for (const socket of this.#ctx.getWebSockets(commandEndTag(subject, cmdId)))
      this.#output.send(socket, notificationText(logged));
  }

  #send(socket: WebSocket, logged: LoggedNotification): void {
    if (isKnownTo(socket, logged)) this.#output.send(socket, notificationText(logged));
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

/** Returns whether the client of a socket knows an event of a command. */
export function isKnownTo(socket: WebSocket, { command, notification }: LoggedNotification): boolean {
  return !(isAddedEvent(command.method, notification.event) && wantsOriginal(socket));
}
