/** The clients that watch calls, and the frames that each receives. @module */
import { MAX_CALL_ID_LENGTH } from '../../../shared/protocol/rpc/field-types.ts';
import { notification as rpcNotification } from '../../../shared/protocol/rpc/jsonrpc.ts';
import { type Attachment, attach, attachmentOf, type ClientSocket, isLive } from '../sockets/attachments.ts';
import type { ClientOutput } from '../sockets/client-output.ts';
import { divideIntoFrames, frameOf } from '../sockets/frames.ts';
import { notificationText } from '../sockets/sessions.ts';
import type { LoggedNotification } from '../store/command-log.ts';
import { MAX_PAGE_BYTES } from '../store/stored-page.ts';
import { type CallChange, RECORDED_AFTER_WATCH_MS } from './change-recorder.ts';

/** What a watcher can receive: changes of calls, and on an HTTP stream also notifications of its subject's commands. */
export type Observable = CallChange | LoggedNotification;

/** Single calls that a socket may watch. */
export const MAX_WATCHED_CALLS = 16;

/**
 * The characters of their Call-IDs together. They are in the attachment of the socket, whose limit is 16 KB; the rest of it has
 * under 2 KB.
 */
export const MAX_WATCHED_CHARACTERS = 2 * MAX_CALL_ID_LENGTH;

export class Watchers {
  readonly #sql: SqlStorage;
  readonly #output: ClientOutput;
  /** By socket, the number after which each receives changes. What came before is in its snapshot. */
  readonly #sockets = new Map<WebSocket, number>();
  /** Sockets that are sent what they have missed: what happens meanwhile follows from the log. */
  readonly #held = new Set<WebSocket>();
  /** Everything up to this number has been sent. */
  #lastSent: number;
  /** Until when every change is logged because of watchers that have left, in Unix milliseconds; null while there are any. */
  #recordUntil: number | null;
  /** The subjects of the HTTP streams among the sockets. */
  #streamSubjects: ReadonlySet<string> = new Set();
  readonly #queue: Observable[] = [];

  /**
   * Finds the watchers after a hibernation. Whether there are any is stored, so that otherwise no socket is read. If all of their
   * connections broke while there was no object to notice it, they have left now.
   * @param lastSeq the last number of the site: an object hibernates when everything has been sent
   */
  constructor(ctx: DurableObjectState, output: ClientOutput, lastSeq: number) {
    this.#output = output;
    this.#lastSent = lastSeq;
    this.#sql = ctx.storage.sql;
    this.#sql.exec('CREATE TABLE IF NOT EXISTS watching (id INTEGER PRIMARY KEY, record_until INTEGER)');
    const [stored] = this.#sql
      .exec<{ record_until: number | null }>('SELECT record_until FROM watching')
      .toArray();
    this.#recordUntil = stored ? stored.record_until : 0;
    if (this.#recordUntil !== null) return;
    for (const socket of ctx.getWebSockets()) {
      if (isLive(socket) && isWatching(attachmentOf(socket))) this.#sockets.set(socket, 0);
    }
    this.#updateStreamSubjects();
    this.#storeWatched();
  }

  /** Until when every change is logged because of watchers that have left, in Unix milliseconds. */
  get recordUntil(): number {
    return this.#recordUntil ?? 0;
  }

  /** Whether there is something to {@link flush}. */
  get hasQueued(): boolean {
    return this.#queue.length > 0;
  }

  /** Whether any client watches. */
  get any(): boolean {
    return this.#sockets.size > 0;
  }

  /** Returns which limit a client would exceed that watches one more call. */
  exceededLimit({ watches }: ClientSocket, callid: string | undefined): 'calls' | 'characters' | undefined {
    const others = watches?.callids.filter((each) => each !== callid) ?? [];
    if (callid !== undefined && others.length >= MAX_WATCHED_CALLS) return 'calls';
    return others.join('').length + (callid?.length ?? 0) > MAX_WATCHED_CHARACTERS ? 'characters' : undefined;
  }

  /** Makes a client watch one call, or all of them. It receives changes after `afterSeq`. */
  watch(socket: WebSocket, client: ClientSocket, callid: string | undefined, afterSeq: number): void {
    const { all = false, callids = [] } = client.watches ?? {};
    const others = callids.filter((each) => each !== callid);
    const watches = callid === undefined ? { all: true, callids } : { all, callids: [...others, callid] };
    attach(socket, { ...client, watches });
    // Queued changes may be older than `afterSeq`, but new to a watch that this socket has already.
    this.#sockets.set(socket, Math.min(afterSeq, this.#sockets.get(socket) ?? afterSeq));
    if (client.stream) this.#updateStreamSubjects();
    this.#storeWatched();
  }

  /** Stops watching one call, or all of them; calls that are watched one by one stay watched then. */
  unwatch(socket: WebSocket, client: ClientSocket, callid: string | undefined): void {
    const { all = false, callids = [] } = client.watches ?? {};
    const watches =
      callid === undefined
        ? { all: false, callids }
        : { all, callids: callids.filter((each) => each !== callid) };
    attach(socket, { ...client, watches });
    if (!watches.all && watches.callids.length === 0) this.onDisconnected(socket);
  }

  /** Holds changes back from a socket. Returns the number up to which it has received everything that it watched before. */
  hold(socket: WebSocket): number {
    this.#held.add(socket);
    return Math.max(this.#lastSent, this.#sockets.get(socket) ?? 0);
  }

  /** The socket has been sent everything up to a number. */
  release(socket: WebSocket, lastSeq: number): void {
    this.#held.delete(socket);
    if (this.#sockets.has(socket)) this.#sockets.set(socket, lastSeq);
  }

  onDisconnected(socket: WebSocket): void {
    this.#held.delete(socket);
    if (!this.#sockets.delete(socket)) return;
    this.#storeWatched();
    if (this.#streamSubjects.size > 0) this.#updateStreamSubjects();
  }

  /** Queues changes of calls for the next {@link flush}. */
  queueChanges(changes: readonly CallChange[]): void {
    for (const change of changes) this.#queue.push(change);
  }

  /** Queues notifications of commands for the HTTP streams of their subjects. */
  queueNotifications(notifications: readonly (LoggedNotification & { readonly isResent?: true })[]): void {
    if (this.#streamSubjects.size === 0) return;
    for (const logged of notifications)
      if (!logged.isResent && this.#streamSubjects.has(logged.command.subject)) this.#queue.push(logged);
  }

  /** Sends what is queued in the order of its numbers. Who takes it gets several in a frame: each frame has a cost for each watcher. */
  flush(): void {
    const queued = this.#queue
      .splice(0)
      .sort((one, other) => seqOf(one) - seqOf(other))
      .map((item) => ({ item, text: frameText(item) }));
    for (const frame of divideIntoFrames(queued, MAX_PAGE_BYTES)) this.#send(frame);
    const last = queued.at(-1);
    if (last) this.#lastSent = Math.max(this.#lastSent, seqOf(last.item));
  }

  /** The clock was set back by `ms` milliseconds. */
  onClockSetBack(ms: number): void {
    if (this.#recordUntil === null) return;
    this.#recordUntil -= ms;
    this.#sql.exec('INSERT OR REPLACE INTO watching (id, record_until) VALUES (1, ?)', this.#recordUntil);
  }

  #send(items: readonly { readonly item: Observable; readonly text: string }[]): void {
    const whole = frameOf(items);
    for (const [socket, afterSeq] of this.#sockets) {
      const client = attachmentOf(socket);
      if (this.#held.has(socket) || !isLive(socket) || client.kind !== 'client') continue;
      const visible = items.filter(({ item }) => seqOf(item) > afterSeq && isVisibleTo(item, client));
      if (visible.length === 0) continue;
      if (!client.batches) for (const { text } of visible) this.#output.send(socket, text);
      else this.#output.send(socket, visible.length === items.length ? whole : frameOf(visible));
    }
  }

  #updateStreamSubjects(): void {
    const subjects = [...this.#sockets.keys()].map(attachmentOf).flatMap((client) => {
      return client.kind === 'client' && client.stream ? [client.subject] : [];
    });
    this.#streamSubjects = new Set(subjects);
  }

  #storeWatched(): void {
    if (this.any === (this.#recordUntil === null)) return;
    this.#recordUntil = this.any ? null : Date.now() + RECORDED_AFTER_WATCH_MS;
    this.#sql.exec('INSERT OR REPLACE INTO watching (id, record_until) VALUES (1, ?)', this.#recordUntil);
  }
}

/** Returns the number of a change or a notification, which orders all that happens at the site. */
export function seqOf(item: Observable): number {
  return 'notification' in item ? item.notification.seq : item.seq;
}

/** Returns the JSON-RPC notification that watchers receive. */
export function frameText(item: Observable): string {
  if ('notification' in item) return notificationText(item);
  if ('link' in item) {
    const { link, adapters } = item;
    return JSON.stringify(rpcNotification('Link', { event: link, seq: item.seq, adapters }));
  }
  const { event, seq, call, data } = item;
  return JSON.stringify(rpcNotification('Call', { event, seq, call, data }));
}

/** Returns whether a client watches what an item is about, and may see it. A client bound to an address sees its own calls. */
export function isVisibleTo(
  item: Observable,
  { subject, scopes, caller, watches, stream }: ClientSocket,
): boolean {
  if ('notification' in item) return stream !== undefined && item.command.subject === subject;
  if (!watches || !scopes.includes('read')) return false;
  if ('link' in item) return true;
  if (caller !== undefined && item.owner !== subject) return false;
  return watches.all || watches.callids.includes(item.call.callid);
}

function isWatching(attachment: Attachment): boolean {
  if (attachment.kind !== 'client' || !attachment.watches) return false;
  return attachment.watches.all || attachment.watches.callids.length > 0;
}
