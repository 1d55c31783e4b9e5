/** Who watches which calls, and what each is told. @module */
import { MAX_BATCH, notification } from '../../shared/jsonrpc.ts';
import { attach, attachmentOf, type ClientSocket, isLive } from '../attachments.ts';
import type { News } from '../calls.ts';
import { textOf as textOfCommand } from '../sessions.ts';
import type { Logged } from '../store.ts';

/** Something that is told: to whoever watches calls, or, of a command, to streams of its subject. */
export type Item = News | Logged;

/** Single calls that a socket may watch: what it watches must fit into what the platform keeps with a socket. */
export const WATCHED_MOST = 16;

export class Watchers {
  readonly #sql: SqlStorage;
  /** By their sockets, with the number from which on each is told: what came before it has got otherwise. */
  readonly #sockets = new Map<WebSocket, number>();
  #stored: boolean;
  /** Subjects of the streams among them. */
  #streamed: ReadonlySet<string> = new Set();
  readonly #waiting: Item[] = [];

  /** Finds those that watched before a sleep. That some did is stored, so that without any no socket is looked at. */
  constructor(ctx: DurableObjectState) {
    this.#sql = ctx.storage.sql;
    this.#sql.exec('CREATE TABLE IF NOT EXISTS watch (id INTEGER PRIMARY KEY)');
    this.#stored = this.#sql.exec('SELECT 1 FROM watch').toArray().length > 0;
    if (!this.#stored) return;
    for (const socket of ctx.getWebSockets()) {
      if (isLive(socket) && watches(attachmentOf(socket))) this.#sockets.set(socket, 0);
    }
    this.#noteStreams();
  }

  /** There is something to {@link flush}. */
  get waiting(): boolean {
    return this.#waiting.length > 0;
  }

  /** Does anybody watch? */
  get any(): boolean {
    return this.#sockets.size > 0;
  }

  /** A client watches all calls, or one; it is told what comes after that number. False where it watches too many. */
  watch(socket: WebSocket, client: ClientSocket, callid: string | undefined, from: number): boolean {
    const { all = false, callids = [] } = client.watches ?? {};
    const others = callids.filter((each) => each !== callid);
    if (callid !== undefined && others.length >= WATCHED_MOST) return false;
    const watched = callid === undefined ? { all: true, callids } : { all, callids: [...others, callid] };
    attach(socket, { ...client, watches: watched });
    // What waits to be told may be before `from`, and news to a watch that this socket has already.
    this.#sockets.set(socket, Math.min(from, this.#sockets.get(socket) ?? from));
    if (client.stream) this.#noteStreams();
    this.#store();
    return true;
  }

  /** A client watches all calls no more, or one. */
  unwatch(socket: WebSocket, client: ClientSocket, callid: string | undefined): void {
    const { all = false, callids = [] } = client.watches ?? {};
    const left =
      callid === undefined
        ? { all: false, callids }
        : { all, callids: callids.filter((each) => each !== callid) };
    attach(socket, { ...client, watches: left });
    if (!left.all && left.callids.length === 0) this.left(socket);
  }

  /** A socket is gone. */
  left(socket: WebSocket): void {
    if (!this.#sockets.delete(socket)) return;
    this.#store();
    if (this.#streamed.size > 0) this.#noteStreams();
  }

  /** Is to be told with the next {@link flush}. */
  tell(news: readonly News[]): void {
    for (const each of news) this.#waiting.push(each);
  }

  /** The same for what was told of commands, as far as any stream is of their subjects. */
  tellOfCommands(told: readonly (Logged & { readonly again?: true })[]): void {
    if (this.#streamed.size === 0) return;
    for (const each of told)
      if (!each.again && this.#streamed.has(each.command.subject)) this.#waiting.push(each);
  }

  /** Tells what has come together, in the order of its numbers: several in one frame as an array, because each frame costs for each who watches. */
  flush(): void {
    const waiting = this.#waiting.splice(0).sort((one, other) => seqOf(one) - seqOf(other));
    for (let at = 0; at < waiting.length; at += MAX_BATCH) this.#send(waiting.slice(at, at + MAX_BATCH));
  }

  #send(some: readonly Item[]): void {
    const texts = some.map(textOf);
    const whole = frameOf(texts);
    for (const [socket, from] of this.#sockets) {
      const client = attachmentOf(socket);
      if (!isLive(socket) || client.kind !== 'client') continue;
      const wanted = texts.filter((_, at) => {
        const item = some[at];
        return item !== undefined && seqOf(item) > from && concerns(item, client);
      });
      if (wanted.length > 0) socket.send(wanted.length === texts.length ? whole : frameOf(wanted));
    }
  }

  #noteStreams(): void {
    const subjects = [...this.#sockets.keys()].map(attachmentOf).flatMap((client) => {
      return client.kind === 'client' && client.stream ? [client.subject] : [];
    });
    this.#streamed = new Set(subjects);
  }

  #store(): void {
    if (this.#stored === this.any) return;
    this.#stored = this.any;
    this.#sql.exec(this.any ? 'INSERT OR IGNORE INTO watch (id) VALUES (1)' : 'DELETE FROM watch');
  }
}

function frameOf(texts: readonly string[]): string {
  return texts.length === 1 ? texts.join() : `[${texts.join()}]`;
}

/** Its place among all that happens at the site. */
export function seqOf(item: Item): number {
  return 'told' in item ? item.told.seq : item.seq;
}

/** As watchers are told it. */
export function textOf(news: Item): string {
  if ('told' in news) return textOfCommand(news);
  if ('link' in news) return JSON.stringify(notification('Link', { event: news.link, seq: news.seq }));
  const { event, seq, call, data } = news;
  return JSON.stringify(notification('Call', { event, seq, call, data }));
}

/** May, and does, this client watch what it is about? One that is bound to an address has its own calls only. */
export function concerns(
  news: Item,
  { subject, scopes, caller, watches: watched, stream }: ClientSocket,
): boolean {
  if ('told' in news) return stream !== undefined && news.command.subject === subject;
  if (!watched || !scopes.includes('read')) return false;
  if ('link' in news) return true;
  if (caller !== undefined && news.owner !== subject) return false;
  return watched.all || watched.callids.includes(news.call.callid);
}

function watches(attachment: ReturnType<typeof attachmentOf>): boolean {
  if (attachment.kind !== 'client' || !attachment.watches) return false;
  return attachment.watches.all || attachment.watches.callids.length > 0;
}
