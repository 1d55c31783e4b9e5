/** Sends everything that clients receive, and closes the socket of one that does not read. @module */
import type { Limits } from '../../../shared/policy/policy.ts';
import { byteLength } from '../../../shared/protocol/byte-length.ts';
import { closeCode } from '../../../shared/protocol/link.ts';
import { notification } from '../../../shared/protocol/rpc/jsonrpc.ts';
import { attachmentOf, isLive } from './attachments.ts';
import { closeWithNotice } from './close.ts';
import { ASSUMED_READ_RATE, type UnreadBudget, type UnreadShare, unreadBudget } from './unread-budget.ts';
import { UnreadBytes } from './unread-bytes.ts';

/** A client is sent a token after this many bytes, or after a quarter of its limit if that is less. */
const TOKEN_INTERVAL_BYTES = 262_144;

/** A replay leaves this part of a client's limit to responses and live notifications. */
const REPLAY_SHARE = 0.5;

/**
 * A client that has not returned a token for this long, in milliseconds, has stopped reading. It is not closed for that alone, but no
 * replay waits for it any longer.
 */
export const ACKNOWLEDGE_TIMEOUT_MS = 30_000;

type UnreadLimits = Pick<Limits, 'unread_bytes' | 'stream_unread_bytes'>;

interface Client {
  readonly unread: UnreadBytes;
  readonly share: UnreadShare;
}

export class ClientOutput {
  readonly #limits: () => UnreadLimits;
  readonly #budget: UnreadBudget;
  /** In memory only: an object hibernates when nothing has been sent for a while, and what was sent before counts as read then. */
  readonly #clients = new WeakMap<WebSocket, Client>();

  /** @param limits returns the limits in force */
  constructor(limits: () => UnreadLimits, budget = unreadBudget) {
    this.#limits = limits;
    this.#budget = budget;
  }

  /** Sends a frame. A socket may close at any time, which is no error: its client can resume. */
  send(socket: WebSocket, text: string, now = Date.now()): void {
    if (!isLive(socket)) return;
    const { unread, share } = this.#clientOf(socket, now);
    if (share.isCondemned || unread.at(now) > this.#limitOf(socket)) {
      this.closeUnread(socket);
      return;
    }
    socket.send(text);
    this.#count(socket, byteLength(text), now);
    if (!acknowledges(socket) || unread.uncoveredAt(now) < this.#tokenInterval(socket)) return;
    const token = crypto.randomUUID();
    const request = JSON.stringify(notification('Acknowledge', { token }));
    unread.addToken(token, now);
    socket.send(request);
    this.#count(socket, request.length, now);
  }

  /** Returns whether a replay may send so many bytes more. One frame is always sent to a client that has read everything. */
  hasRoomFor(socket: WebSocket, bytes: number, now: number): boolean {
    const unread = this.#clientOf(socket, now).unread.at(now);
    return unread === 0 || unread + bytes <= this.#limitOf(socket) * REPLAY_SHARE;
  }

  /** Returns for how many seconds a client must not ask for lists, because it has not read enough of what it was sent; 0 if it may. */
  secondsBehind(socket: WebSocket, now: number): number {
    const bytes = this.#clientOf(socket, now).unread.at(now) - this.#limitOf(socket) * REPLAY_SHARE;
    return Math.max(0, Math.ceil(bytes / ASSUMED_READ_RATE));
  }

  /** Returns whether the client has been sent a token for too long without returning it. */
  hasStoppedReading(socket: WebSocket, now: number): boolean {
    const { oldestToken = now } = this.#clientOf(socket, now).unread;
    return now - oldestToken > ACKNOWLEDGE_TIMEOUT_MS;
  }

  /** The client has returned a token. Returns whether it was one that it had been sent. */
  acknowledge(socket: WebSocket, token: string, now: number): boolean {
    const { unread, share } = this.#clientOf(socket, now);
    const bytes = unread.prove(token, now);
    if (bytes === undefined) return false;
    this.#budget.change(share, -bytes, now);
    return true;
  }

  /** Closes the socket of a client that does not read. It may resume. */
  closeUnread(socket: WebSocket): void {
    closeWithNotice(
      socket,
      closeCode.notReading,
      'The client does not read what it is sent. Reconnect and resume.',
    );
  }

  #count(socket: WebSocket, bytes: number, now: number): void {
    const { unread, share } = this.#clientOf(socket, now);
    unread.add(bytes, now);
    this.#budget.change(share, bytes, now);
  }

  #clientOf(socket: WebSocket, now: number): Client {
    const known = this.#clients.get(socket);
    if (known) return known;
    const client = { unread: new UnreadBytes(), share: { bytes: 0, countedAt: now, isCondemned: false } };
    this.#clients.set(socket, client);
    return client;
  }

  #limitOf(socket: WebSocket): number {
    const { unread_bytes, stream_unread_bytes } = this.#limits();
    return isStream(socket) ? stream_unread_bytes : unread_bytes;
  }

  #tokenInterval(socket: WebSocket): number {
    return Math.min(TOKEN_INTERVAL_BYTES, this.#limitOf(socket) / 4);
  }
}

function isStream(socket: WebSocket): boolean {
  const client = attachmentOf(socket);
  return client.kind === 'client' && client.stream !== undefined;
}

function acknowledges(socket: WebSocket): boolean {
  const client = attachmentOf(socket);
  return client.kind === 'client' && client.acknowledges === true;
}
