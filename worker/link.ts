/** The adapter's socket: what it says is applied once and in order, what it is asked goes out in one frame a turn. @module */
import type { FromAdapter, FromEdge, Mi, OpenSips } from '../shared/link.ts';
import * as protocol from '../shared/link.ts';
import type { Runner } from '../shared/runner.ts';
import { type AdapterSocket, attach, attachmentOf, isLive } from './attachments.ts';
import type { Applied } from './store.ts';

const TAG = 'adapter';

/** So many messages are acknowledged at the latest; before that an acknowledgement rides along with requests. */
const ACK_EVERY = 100;

/** So many sockets may be here that have not said hello yet: a key could otherwise take all that a machine holds. */
const MOST_WAITING = 8;

/** What those who watch the site are told of its adapter: it has gone, or come. */
export type LinkEvent = 'Down' | 'Up';

/** How the link stands, for `/healthz`. */
export interface LinkHealth {
  readonly connected: boolean;
  readonly adapter?: string;
  readonly opensips?: OpenSips;
  /** Seconds since the adapter connected. */
  readonly seconds?: number;
}

/** A socket whose adapter has said hello. */
interface Active {
  readonly socket: WebSocket;
  readonly key: string;
  readonly since: number;
  readonly adapter: string;
  readonly stream: string;
  opensips: OpenSips;
}

/** Who is told what the adapter says. */
export type Listener = Pick<Runner, 'reply' | 'event' | 'settle' | 'linkUp' | 'linkStands' | 'linkDown'>;

export class Link {
  readonly #ctx: DurableObjectState;
  readonly #runner: Listener;
  #active: Active | undefined;
  #applied: Applied | null;
  #acknowledged: number;
  #outgoing: FromEdge[] = [];
  /** Stored, so that what happened while the object was away is told as well. */
  #lastNews: LinkEvent;

  /** Takes up the socket that stood before a sleep, if there is one. */
  constructor(ctx: DurableObjectState, runner: Listener, applied: Applied | null) {
    this.#ctx = ctx;
    this.#runner = runner;
    this.#applied = applied;
    const { sql } = ctx.storage;
    sql.exec('CREATE TABLE IF NOT EXISTS link_news (id INTEGER PRIMARY KEY, up INTEGER NOT NULL)');
    const [told] = sql.exec<{ up: number }>('SELECT up FROM link_news').toArray();
    this.#lastNews = told?.up === 1 ? 'Up' : 'Down';
    for (const socket of ctx.getWebSockets(TAG)) this.#takeUp(socket);
    this.#acknowledged = this.#applied?.seq ?? 0;
  }

  /** How far the adapter's messages are applied. */
  get applied(): Applied | null {
    return this.#applied;
  }

  /** What the adapter says of its OpenSIPS, if one is connected and alive. */
  opensips(now: number): OpenSips | undefined {
    const active = this.#active;
    if (!active) return undefined;
    if (now - this.#lastSeen(active) <= protocol.DEAD_AFTER_MS) return active.opensips;
    this.#drop(active, 1001, 'no ping in time');
    return undefined;
  }

  health(now: number): LinkHealth {
    const opensips = this.opensips(now);
    if (!this.#active || !opensips) return { connected: false };
    const { adapter, since } = this.#active;
    return { connected: true, adapter, opensips, seconds: Math.floor((now - since) / 1000) };
  }

  /** A socket came whose key is right. It counts once it has said hello. */
  accept(socket: WebSocket, key: string, now: number): void {
    const waiting = this.#ctx.getWebSockets(TAG).filter((each) => {
      const attachment = attachmentOf(each);
      return attachment.kind === 'adapter' && !attachment.hello && isLive(each);
    });
    for (const each of waiting.length < MOST_WAITING ? [] : waiting)
      each.close(protocol.closeCode.superseded, 'too many sockets came here and did not say hello');
    this.#ctx.acceptWebSocket(socket, [TAG]);
    attach(socket, { kind: 'adapter', key, since: now });
  }

  /** Applies a frame. What a superseded socket still says is passed over: it is said again on the new one. */
  receive(socket: WebSocket, attachment: AdapterSocket, text: string, now: number): void {
    if (text.length > protocol.MAX_FRAME_LENGTH) {
      socket.close(
        protocol.closeCode.tooLarge,
        `a frame has at most ${protocol.MAX_FRAME_LENGTH} characters`,
      );
      return;
    }
    const frame = protocol.parseFrame(protocol.FromAdapter, text);
    if ('error' in frame) {
      socket.close(protocol.closeCode.protocol, frame.error.slice(0, 120));
      return;
    }
    for (const message of frame.messages) {
      if (message.type === 'hello') this.#hello(socket, attachment, message, now);
      else if (this.#active?.socket === socket) this.#apply(this.#active, message, now);
    }
  }

  /** The socket is gone. */
  closed(socket: WebSocket): void {
    if (this.#active?.socket !== socket) return;
    this.#active = undefined;
    this.#runner.linkDown();
  }

  /** There is more to say than what the runner asks for: a welcome, thanks for many messages, or news. */
  get speaks(): boolean {
    if (this.#outgoing.length > 0 || this.#news !== this.#lastNews) return true;
    return (this.#applied?.seq ?? 0) - this.#acknowledged >= ACK_EVERY;
  }

  /**
   * What watchers are to be told, if there is something: once for each change that lasts longer than a turn. That it
   * was taken is stored with the turn.
   */
  takeNews(): LinkEvent | undefined {
    const news = this.#news;
    if (news === this.#lastNews) return undefined;
    this.#lastNews = news;
    const up = news === 'Up' ? 1 : 0;
    this.#ctx.storage.sql.exec('INSERT OR REPLACE INTO link_news (id, up) VALUES (1, ?)', up);
    return news;
  }

  /**
   * When to look whether the adapter still pings, in Unix milliseconds; infinity for never. Nobody but a watcher needs
   * to be woken for that: everyone else finds out when they ask for something.
   */
  due(isWatched: boolean): number {
    if (!isWatched || !this.#active) return Number.POSITIVE_INFINITY;
    return this.#lastSeen(this.#active) + protocol.DEAD_AFTER_MS + 1;
  }

  /** An adapter's socket stands, as far as anybody has noticed. */
  get connected(): boolean {
    return this.#active !== undefined;
  }

  /** Looks whether the adapter still pings: one that does not has gone. */
  look(now: number): void {
    this.opensips(now);
  }

  get #news(): LinkEvent {
    return this.#active ? 'Up' : 'Down';
  }

  /** Sends what a turn asks for. Call it when the turn is stored: an acknowledgement promises that. */
  flush(requests: readonly Mi[], stored: boolean): void {
    const active = this.#active;
    if (!active) return;
    const seq = this.#applied?.seq ?? 0;
    if (!stored && this.#applied) attach(active.socket, { ...attachmentFor(active), seq });
    const messages = [...this.#outgoing.splice(0), ...requests];
    const due = seq - this.#acknowledged;
    if (due > 0 && (messages.length > 0 || due >= ACK_EVERY)) {
      messages.push({ type: 'ack', seq });
      this.#acknowledged = seq;
    }
    if (messages.length === 0 || !isLive(active.socket)) return;
    active.socket.send(JSON.stringify(messages.length === 1 ? messages[0] : messages));
  }

  #takeUp(socket: WebSocket): void {
    const attachment = attachmentOf(socket);
    if (attachment.kind !== 'adapter' || !attachment.hello || !isLive(socket)) return;
    const { hello, key, since, seq = 0 } = attachment;
    this.#active = { socket, key, since, ...hello };
    const { stream } = hello;
    if (this.#applied?.stream !== stream) this.#applied = { stream, seq };
    else if (seq > this.#applied.seq) this.#applied = { stream, seq };
    this.#runner.linkStands(stream);
  }

  #hello(
    socket: WebSocket,
    attachment: AdapterSocket,
    hello: Extract<FromAdapter, { type: 'hello' }>,
    now: number,
  ): void {
    if (hello.version !== protocol.LINK_VERSION) {
      socket.close(
        protocol.closeCode.version,
        `this edge speaks version ${protocol.LINK_VERSION} of the link`,
      );
      return;
    }
    const { adapter, stream, base, opensips } = hello;
    if (this.opensips(now) && this.#active && this.#active.socket !== socket) {
      if (this.#active.adapter !== adapter) {
        socket.close(protocol.closeCode.occupied, `the adapter ${this.#active.adapter} serves this site`);
        return;
      }
      this.#drop(
        this.#active,
        protocol.closeCode.superseded,
        'a newer socket of this adapter has taken over',
      );
    }
    const missed = this.#applied !== null && this.#applied.stream !== stream;
    if (this.#applied?.stream !== stream) this.#applied = { stream, seq: base - 1 };
    this.#acknowledged = this.#applied.seq;
    const { key, since } = attachment;
    this.#active = { socket, key, since, adapter, stream, opensips };
    attach(socket, { ...attachmentFor(this.#active), seq: this.#applied.seq });
    this.#outgoing.push({
      type: 'welcome',
      version: protocol.LINK_VERSION,
      stream,
      applied: this.#applied.seq,
    });
    this.#runner.linkUp(stream, now);
    // What OpenSIPS raised between two processes of the adapter, nobody heard.
    if (missed) this.#runner.settle(now);
  }

  #apply(active: Active, message: Exclude<FromAdapter, { type: 'hello' }>, now: number): void {
    switch (message.type) {
      case 'status':
        active.opensips = message.opensips;
        attach(active.socket, { ...attachmentFor(active), seq: this.#applied?.seq ?? 0 });
        return;
      case 'goodbye':
        this.#drop(active, 1000, 'goodbye');
        return;
      default:
    }
    if (message.seq <= (this.#applied?.seq ?? 0)) return;
    this.#applied = { stream: active.stream, seq: message.seq };
    if (message.type === 'reply') this.#runner.reply(message, now);
    if (message.type === 'event') this.#runner.event(message, message.at, now);
    if (message.type === 'gap') this.#runner.settle(now);
  }

  #drop(active: Active, code: number, reason: string): void {
    this.closed(active.socket);
    active.socket.close(code, reason);
  }

  /** The platform answers the adapter's pings without waking us, and notes when. */
  #lastSeen({ socket, since }: Active): number {
    return Math.max(since, this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0);
  }
}

function attachmentFor({ key, since, adapter, stream, opensips }: Active): AdapterSocket {
  return { kind: 'adapter', key, since, hello: { adapter, stream, opensips } };
}
