/**
 * The link to the adapter. Each of its messages is applied once and in order; what a turn requests of it leaves in one frame.
 * @module
 */
import { closeReason } from '../../../shared/protocol/close-reason.ts';
import type { AdapterMessage, EdgeMessage, OpenSipsStatus } from '../../../shared/protocol/link.ts';
import * as protocol from '../../../shared/protocol/link.ts';
import type { PeerOffer } from '../../../shared/protocol/link-negotiation.ts';
import type { Runner } from '../../../shared/runner/runner.ts';
import { quote } from '../../../shared/settings/quote.ts';
import { type AdapterSocket, attach, attachmentOf, isLive } from '../sockets/attachments.ts';
import type { AppliedPosition } from '../store/command-log.ts';
import { type ActiveConnection, attachmentFor, healthOf, type LinkHealth } from './active-connection.ts';
import { type LinkStatus, LinkStore } from './link-store.ts';
import { checkedWith, negotiate, welcomeWith } from './negotiation.ts';

/** The tag of adapters' sockets. */
export const TAG = 'adapter';

/** RFC 6455 §7.4.1: an unexpected condition. The adapter connects again at once and repeats what is not acknowledged. */
const INTERNAL_ERROR = 1011;

/** Messages after which an acknowledgement is sent by itself. Before that it goes along with requests. */
const MAX_UNACKNOWLEDGED = 100;

/** Sockets that may be open without a `hello`: a single key could otherwise take all sockets of a machine. */
const MAX_PENDING_HELLOS = 8;

/** Receives what the adapter sends. */
export type LinkListener = Pick<
  Runner,
  'onReply' | 'onEvent' | 'resync' | 'onLinkUp' | 'onLinkRestored' | 'onLinkDown'
>;

export class Link {
  readonly #ctx: DurableObjectState;
  readonly #listener: LinkListener;
  #active: ActiveConnection | undefined;
  /** Moves only after a message was applied, so that one that could not be is sent again. */
  #applied: AppliedPosition | null;
  /** How far {@link applied} is stored. Attachments are stored at once, so they must not be ahead of the turn. */
  #stored: AppliedPosition | null;
  /** The last ping before the clock was set back: its time is in the future. */
  #pingBeforeSetBack: { readonly at: number; readonly countsAs: number } | undefined;
  #acknowledged: number;
  #outgoing: EdgeMessage[] = [];
  readonly #store: LinkStore;
  readonly #isReleased: () => boolean;

  /**
   * Restores the connection after a hibernation, if there is one.
   * @param isReleased returns whether nobody needs a connection: then its absence is not reported
   */
  constructor(
    ctx: DurableObjectState,
    listener: LinkListener,
    applied: AppliedPosition | null,
    isReleased: () => boolean = () => false,
  ) {
    this.#ctx = ctx;
    this.#listener = listener;
    this.#isReleased = isReleased;
    this.#store = new LinkStore(ctx.storage.sql, applied);
    this.#applied = this.#store.position;
    for (const socket of ctx.getWebSockets(TAG)) this.#restore(socket);
    this.#acknowledged = this.#applied?.seq ?? 0;
    this.#stored = this.#applied;
  }

  /** Whether the connection was lost while there was no object to notice it. */
  get isLost(): boolean {
    return this.#status === 'Down' && this.#store.reportedStatus === 'Up';
  }

  /** The socket of the connected adapter. */
  get socket(): WebSocket | undefined {
    return this.#active?.socket;
  }

  /** How far the adapter's messages are applied. */
  get applied(): AppliedPosition | null {
    return this.#applied;
  }

  /** Returns the state of OpenSIPS as the adapter reports it; undefined if no adapter is connected and alive. */
  opensips(now: number): OpenSipsStatus | undefined {
    const active = this.#active;
    if (!active) return undefined;
    if (now - this.#lastPingAt(active) <= protocol.PING_TIMEOUT_MS) return active.opensips;
    this.#close(active.socket, 1001, 'No ping arrived in time.');
    return undefined;
  }

  health(now: number): LinkHealth {
    return this.opensips(now) && this.#active ? healthOf(this.#active, now) : { connected: false };
  }

  /** Accepts the socket of an authenticated adapter. It becomes active with its `hello`. */
  accept(socket: WebSocket, key: string, now: number): void {
    const pending = this.#ctx.getWebSockets(TAG).filter((each) => {
      const attachment = attachmentOf(each);
      return attachment.kind === 'adapter' && !attachment.hello && isLive(each);
    });
    for (const each of pending.length < MAX_PENDING_HELLOS ? [] : pending)
      each.close(protocol.closeCode.superseded, 'Too many connections have not sent hello.');
    this.#ctx.acceptWebSocket(socket, [TAG]);
    attach(socket, { kind: 'adapter', key, connectedAt: now });
  }

  /**
   * Applies a frame. Messages on a superseded socket are ignored: they are sent again on the new one. A frame with an invalid message is
   * not applied at all. A message that is missing or cannot be applied closes the socket, and is sent again with all that follow it.
   */
  onMessage(socket: WebSocket, attachment: AdapterSocket, text: string, now: number): void {
    if (text.length > protocol.MAX_FRAME_LENGTH) {
      this.#close(
        socket,
        protocol.closeCode.tooLarge,
        `A frame can have at most ${protocol.MAX_FRAME_LENGTH} characters.`,
      );
      return;
    }
    const frame = protocol.parseFrame(protocol.AdapterMessage, text);
    if ('error' in frame) {
      this.#close(socket, protocol.closeCode.protocol, frame.error);
      return;
    }
    for (const message of frame.messages) {
      if (!isLive(socket)) return;
      try {
        if (message.type === 'hello') this.#onHello(socket, attachment, message, now);
        else if (message.type === 'check') this.#onCheck(socket, message, now);
        else if (this.#active?.socket === socket) this.#apply(this.#active, message, now);
      } catch (error) {
        const which = 'seq' in message ? `message ${message.seq}` : message.type;
        console.error(
          `The adapter's ${which} could not be applied. The link is closed, so that it is sent again.`,
          error,
        );
        this.#close(socket, INTERNAL_ERROR, `The edge could not apply ${which}. Send it again.`);
      }
    }
  }

  onClosed(socket: WebSocket): void {
    if (this.#active?.socket !== socket) return;
    this.#active = undefined;
    if (this.#stored) this.#store.storePosition(this.#stored);
    this.#listener.onLinkDown();
  }

  /** Acknowledges what is stored, and closes the connection, which nobody needs. Call it once a turn is stored. */
  release(): void {
    const active = this.#active;
    if (!active) return;
    const seq = this.#applied?.seq ?? 0;
    if (seq > this.#acknowledged) active.socket.send(JSON.stringify({ type: 'ack', seq }));
    this.#acknowledged = seq;
    this.#close(active.socket, 1000, 'Nobody needs the link.');
  }

  /** Whether there is something to send beside requests: a `welcome`, an acknowledgement, or a status change for watchers. */
  get hasOutput(): boolean {
    if (this.#outgoing.length > 0 || this.#status !== this.#store.reportedStatus) return true;
    return (this.#applied?.seq ?? 0) - this.#acknowledged >= MAX_UNACKNOWLEDGED;
  }

  /** Returns the status once after each change that lasts longer than a turn, and stores that it was reported. */
  takeStatusChange(): LinkStatus | undefined {
    const status = this.#status;
    if (status === this.#store.reportedStatus) return undefined;
    this.#store.setReportedStatus(status);
    return status;
  }

  /**
   * When {@link checkLiveness} is due, in Unix milliseconds; infinity for never. Only watchers need an alarm for that: all others
   * notice a dead adapter with their next request.
   */
  due(isWatched: boolean): number {
    if (!isWatched || !this.#active) return Number.POSITIVE_INFINITY;
    return this.#lastPingAt(this.#active) + protocol.PING_TIMEOUT_MS + 1;
  }

  /** Whether an adapter is connected, as far as it is known without a check. */
  get isConnected(): boolean {
    return this.#active !== undefined;
  }

  /** Disconnects an adapter that no longer pings. */
  checkLiveness(now: number): void {
    this.opensips(now);
  }

  get #status(): LinkStatus {
    return this.#active || this.#isReleased() ? 'Up' : 'Down';
  }

  /**
   * Sends the requests of a turn. Call it once the turn is stored, because an acknowledgement promises that.
   * @param isLogged whether the turn was written to the log, which then contains {@link applied}
   */
  flush(requests: readonly EdgeMessage[], isLogged: boolean): void {
    this.#stored = this.#applied;
    if (isLogged && this.#applied) this.#store.onLogged(this.#applied);
    const active = this.#active;
    if (!active) return;
    const seq = this.#applied?.seq ?? 0;
    if (!isLogged && this.#applied) attach(active.socket, { ...attachmentFor(active), seq });
    const messages = [...this.#outgoing.splice(0), ...requests];
    const unacknowledged = seq - this.#acknowledged;
    if (unacknowledged > 0 && (messages.length > 0 || unacknowledged >= MAX_UNACKNOWLEDGED)) {
      messages.push({ type: 'ack', seq });
      this.#acknowledged = seq;
    }
    if (messages.length === 0 || !isLive(active.socket)) return;
    active.socket.send(JSON.stringify(messages.length === 1 ? messages[0] : messages));
  }

  #restore(socket: WebSocket): void {
    const attachment = attachmentOf(socket);
    if (attachment.kind !== 'adapter' || !attachment.hello || !isLive(socket)) return;
    const { hello, key, connectedAt, seq = 0 } = attachment;
    this.#active = { socket, key, connectedAt, ...hello };
    const { stream } = hello;
    if (this.#applied?.stream !== stream) this.#applied = { stream, seq };
    else if (seq > this.#applied.seq) this.#applied = { stream, seq };
    this.#listener.onLinkRestored(stream);
  }

  #onHello(
    socket: WebSocket,
    attachment: AdapterSocket,
    hello: Extract<AdapterMessage, { type: 'hello' }>,
    now: number,
  ): void {
    const version = this.#negotiate(socket, hello);
    if (version === undefined) return;
    const { adapter, stream, base, opensips, software } = hello;
    if (this.opensips(now) && this.#active && this.#active.socket !== socket) {
      if (this.#active.adapter !== adapter) {
        this.#close(
          socket,
          protocol.closeCode.occupied,
          `This site is served by the adapter ${quote(this.#active.adapter)}.`,
        );
        return;
      }
      this.#close(
        this.#active.socket,
        protocol.closeCode.superseded,
        'A newer connection of this adapter has replaced this one.',
      );
    }
    const previous = this.#applied;
    const applied = previous?.stream === stream ? previous.seq : base - 1;
    const { key, connectedAt } = attachment;
    this.#active = { socket, key, connectedAt, adapter, stream, software, opensips };
    attach(socket, { ...attachmentFor(this.#active), seq: this.#storedSeqOf(stream) ?? base - 1 });
    this.#outgoing = [welcomeWith(version, { stream, applied, sent_at: now })];
    this.#listener.onLinkUp(stream, now);
    // The events that OpenSIPS raised between two processes of the adapter are lost.
    if (previous !== null && previous.stream !== stream) this.#listener.resync(now);
    // If a crash has lost what was acknowledged, the adapter no longer has it. It begins at its base, and reports a gap.
    this.#applied = { stream, seq: Math.max(applied, base - 1) };
    this.#acknowledged = this.#applied.seq;
  }

  /** Answers, and changes nothing. The socket closes in its own message event, so TCP ends at once. */
  #onCheck(socket: WebSocket, check: PeerOffer, now: number): void {
    const version = this.#negotiate(socket, check);
    if (version === undefined) return;
    socket.send(JSON.stringify(checkedWith(version, this.health(now).adapter)));
    this.#close(socket, 1000, 'Checked.');
  }

  /** Returns the version to use, or closes the socket. */
  #negotiate(socket: WebSocket, offer: PeerOffer): number | undefined {
    const negotiated = negotiate(offer);
    if ('version' in negotiated) return negotiated.version;
    this.#close(socket, protocol.closeCode.version, negotiated.rejected);
    return undefined;
  }

  #storedSeqOf(stream: string): number | undefined {
    return this.#stored?.stream === stream ? this.#stored.seq : undefined;
  }

  #apply(
    active: ActiveConnection,
    message: Exclude<AdapterMessage, { type: 'hello' | 'check' }>,
    now: number,
  ): void {
    switch (message.type) {
      case 'status':
        active.opensips = message.opensips;
        attach(active.socket, { ...attachmentFor(active), seq: this.#storedSeqOf(active.stream) ?? 0 });
        return;
      case 'goodbye':
        this.#close(active.socket, 1000, 'The adapter has disconnected.');
        return;
      default:
    }
    const expected = (this.#applied?.seq ?? 0) + 1;
    if (message.seq < expected) return;
    if (message.seq > expected) {
      const reason = `Message ${expected} is missing: ${message.seq} came instead. Send everything again.`;
      this.#close(active.socket, INTERNAL_ERROR, reason);
      return;
    }
    if (message.type === 'reply') this.#listener.onReply(message, now);
    if (message.type === 'event') this.#listener.onEvent(message, message.at, now);
    if (message.type === 'gap') this.#listener.resync(now);
    this.#applied = { stream: active.stream, seq: message.seq };
  }

  /** Closes a socket. The link is down at once if it was the active one, so that requests wait for the next. */
  #close(socket: WebSocket, code: number, reason: string): void {
    this.onClosed(socket);
    socket.close(code, closeReason(reason));
  }

  /** The platform answers the adapter's pings without waking the object, and records when. */
  /** The clock was set back, to `now`: the connection is as old as it was, and the last ping counts as one of now. */
  onClockSetBack(now: number): void {
    if (!this.#active) return;
    this.#active = { ...this.#active, connectedAt: now };
    attach(this.#active.socket, attachmentFor(this.#active));
    const at = this.#lastPingAt(this.#active);
    if (at > now) this.#pingBeforeSetBack = { at, countsAs: now };
  }

  #lastPingAt({ socket, connectedAt }: ActiveConnection): number {
    const at = Math.max(connectedAt, this.#ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? 0);
    return at === this.#pingBeforeSetBack?.at ? this.#pingBeforeSetBack.countsAs : at;
  }
}
