/**
 * The link to the adapters of a site. One serves the site, the others wait to take over. Each message of the serving one is applied once
 * and in order; what a turn requests of it leaves in one frame.
 * @module
 */
import { closeReason } from '../../../shared/protocol/close-reason.ts';
import type {
  AdapterMessage,
  AdapterRole,
  EdgeMessage,
  OpenSipsStatus,
} from '../../../shared/protocol/link.ts';
import * as protocol from '../../../shared/protocol/link.ts';
import {
  INTEREST_FEATURE,
  LIST_FEATURE,
  type PeerOffer,
  ROLE_FEATURE,
} from '../../../shared/protocol/link-negotiation.ts';
import type { Runner } from '../../../shared/runner/runner.ts';
import { type AdapterSocket, attach, attachmentOf, isLive } from '../sockets/attachments.ts';
import type { AppliedPosition } from '../store/command-log.ts';
import { AdapterConnection } from './adapter-connection.ts';
import { Adapters, type ServingListener } from './adapters.ts';
import type { ListSource } from './change-reader.ts';
import type { Interest } from './interest-updates.ts';
import { healthOf, type LinkHealth, rolesOf } from './link-health.ts';
import { type DialedLinks, type LinkStatus, LinkStatusStore, NOT_DIALED } from './link-status.ts';
import { checkedWith, negotiate, welcomeWith } from './negotiation.ts';
import { replacementDue } from './unreachable-opensips.ts';

/** The tag of adapters' sockets. */
export const TAG = 'adapter';

/** RFC 6455 §7.4.1: an unexpected condition. The adapter connects again at once and repeats what is not acknowledged. */
const INTERNAL_ERROR = 1011;

/** Sockets that may be open without a `hello`: a single key could otherwise take all sockets of a machine. */
const MAX_PENDING_HELLOS = 8;

/** Adapters of a site, each with a name of its own. More would only cost sockets. */
const MAX_ADAPTERS = 4;

/** Receives what the adapters send. */
export type LinkListener = ServingListener & Pick<Runner, 'onReply' | 'onEvent'>;

type Hello = Extract<AdapterMessage, { type: 'hello' }>;
/** What an adapter sends after `hello`. */
type LiveMessage = Exclude<AdapterMessage, { type: 'hello' | 'check' }>;
type NumberedMessage = Extract<LiveMessage, { seq: number }>;

export class Link {
  readonly #ctx: DurableObjectState;
  readonly #listener: LinkListener;
  readonly #adapters: Adapters;
  readonly #status: LinkStatusStore;

  /**
   * Restores the connections after a hibernation, if there are any.
   * @param dialed for a site whose adapters are dialed: what is no failure is not reported
   */
  constructor(
    ctx: DurableObjectState,
    listener: LinkListener,
    applied: AppliedPosition | null,
    dialed: () => DialedLinks = () => NOT_DIALED,
  ) {
    this.#ctx = ctx;
    this.#listener = listener;
    this.#status = new LinkStatusStore(ctx.storage.sql, dialed);
    this.#adapters = new Adapters(ctx, ctx.getWebSockets(TAG), listener, applied);
  }

  /** Whether the connection was lost while there was no object to notice it. */
  get isLost(): boolean {
    return !this.isConnected && !this.#status.isReleased && this.#status.reported === 'Up';
  }

  /** The socket of the adapter that serves the site. */
  get socket(): WebSocket | undefined {
    return this.#adapters.active?.socket;
  }

  /** The list of dialogs of the adapter that serves the site. */
  get list(): ListSource | undefined {
    return this.#adapters.active;
  }

  /** How far the messages of the adapter that serves the site are applied. */
  get applied(): AppliedPosition | null {
    const { position } = this.#adapters;
    return position ? { stream: position.stream, seq: position.seq } : null;
  }

  /** The adapters that are connected, and what they do. */
  get roles(): AdapterRole[] {
    return rolesOf(this.#adapters.active, this.#adapters.standbys.all);
  }

  /**
   * Returns the state of OpenSIPS as the adapter that serves the site reports it; undefined if none is connected and alive. A silent one
   * is disconnected, and a standby takes over.
   */
  opensips(now: number): OpenSipsStatus | undefined {
    this.#adapters.promote(now);
    return this.#adapters.active?.opensips;
  }

  health(now: number): LinkHealth {
    this.#adapters.promote(now);
    const { active, standbys } = this.#adapters;
    return active ? healthOf(active, standbys.all, now) : { connected: false };
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
        now,
      );
      return;
    }
    const frame = protocol.parseFrame(protocol.AdapterMessage, text);
    if ('error' in frame) {
      this.#close(socket, protocol.closeCode.protocol, frame.error, now);
      return;
    }
    for (const message of frame.messages) {
      if (!isLive(socket)) return;
      try {
        if (message.type === 'hello') this.#onHello(socket, attachment, message, now);
        else if (message.type === 'check') this.#onCheck(socket, message, now);
        else this.#onLiveMessage(socket, message, now);
      } catch (error) {
        const which = 'seq' in message ? `message ${message.seq}` : message.type;
        console.error(
          `The adapter's ${which} could not be applied. The link is closed, so that it is sent again.`,
          error,
        );
        this.#close(socket, INTERNAL_ERROR, `The edge could not apply ${which}. Send it again.`, now);
      }
    }
  }

  /** A socket has closed. If it was that of the adapter that serves the site, a standby takes over. */
  onClosed(socket: WebSocket, now = Date.now()): void {
    this.#adapters.drop(socket);
    this.#adapters.promote(now);
  }

  /** Acknowledges what is stored, and closes the connections, which nobody needs. Call it once a turn is stored. */
  release(): void {
    for (const connection of this.#adapters.all) {
      connection.acknowledge();
      this.#adapters.drop(connection.socket);
      connection.socket.close(1000, 'Nobody needs the link.');
    }
  }

  /** Whether there is something to send beside requests: a `welcome`, an acknowledgement, or a status change for watchers. */
  get hasOutput(): boolean {
    if (this.#adapters.hasUnstored || this.#status.hasChange(this.roles)) return true;
    return this.#adapters.all.some((each) => each.hasOutput);
  }

  /**
   * Returns the status once after each change of it, or of the adapters' roles, that lasts longer than a turn. Stores that it was
   * reported, and which adapter serves the site.
   */
  takeStatusChange(): LinkStatus | undefined {
    this.#adapters.storeServing();
    return this.#status.take(this.roles);
  }

  /**
   * When {@link checkLiveness} is due, in Unix milliseconds; infinity for never. Only watchers need an alarm for that, and commands for
   * which a standby can take over: all others notice a dead adapter, or one without OpenSIPS, with their next request.
   */
  due(isWatched: boolean, hasCommands = false): number {
    const { active, standbys, pings } = this.#adapters;
    const isNeeded = isWatched || (hasCommands && standbys.size > 0);
    if (!isNeeded || !active) return Number.POSITIVE_INFINITY;
    return Math.min(
      pings.lastOf(active) + protocol.PING_TIMEOUT_MS + 1,
      replacementDue(active, standbys.all),
    );
  }

  /** Whether an adapter is connected, as far as it is known without a check. */
  get isConnected(): boolean {
    return this.#adapters.active !== undefined;
  }

  /** Disconnects an adapter that no longer pings, and has a standby replace one whose OpenSIPS does not answer. */
  checkLiveness(now: number): void {
    this.#adapters.promote(now);
  }

  /** Tells the adapters which calls are waited for, with what {@link flush} sends. */
  tellInterest(interest: Interest): void {
    for (const each of this.#adapters.all) each.tellInterest(interest);
  }

  /**
   * Sends the requests of a turn to the adapter that serves the site. Call it once the turn is stored, because an acknowledgement
   * promises that.
   * @param isLogged whether the turn was written to the log, which then contains {@link applied}
   */
  flush(requests: readonly EdgeMessage[], isLogged: boolean): void {
    const { active, standbys, position } = this.#adapters;
    for (const standby of standbys.all) standby.flush([], false);
    if (active) active.flush(requests, isLogged);
    else if (position) position.stored = position.seq;
    if (isLogged) this.#adapters.onLogged();
  }

  /** The clock was set back, to `now`: the connections are as old as they were, and the last ping counts as one of now. */
  onClockSetBack(now: number): void {
    for (const each of this.#adapters.all) this.#adapters.pings.onClockSetBack(each, now);
  }

  #onHello(socket: WebSocket, attachment: AdapterSocket, hello: Hello, now: number): void {
    const version = this.#negotiate(socket, hello, now);
    if (version === undefined) return;
    const adapters = this.#adapters;
    adapters.promote(now);
    // Dropped first, so that no standby takes over from an adapter that has only connected again.
    const sameName = adapters.named(hello.adapter);
    if (sameName) adapters.drop(sameName.socket);
    if (sameName && sameName.socket !== socket) {
      const reason = 'A newer connection of this adapter has replaced this one.';
      sameName.socket.close(protocol.closeCode.superseded, closeReason(reason));
    }
    adapters.dropSilentStandbys(now);
    if (adapters.all.length >= MAX_ADAPTERS) {
      const reason = `This site has ${MAX_ADAPTERS} adapters already. Stop one of them.`;
      this.#close(socket, protocol.closeCode.occupied, reason, now);
      return;
    }
    const { stream, base, features } = hello;
    const position = adapters.positionOf(stream) ?? { stream, seq: base - 1, stored: base - 1 };
    const role = adapters.active ? 'standby' : 'active';
    const welcome = welcomeWith(version, { stream, applied: position.seq, role, sent_at: now });
    // If a crash has lost what was acknowledged, the adapter no longer has it. It begins at its base, and reports a gap.
    position.seq = Math.max(position.seq, base - 1);
    const takesRole = features?.includes(ROLE_FEATURE) === true;
    const takesLists = features?.includes(LIST_FEATURE) === true;
    const takesInterest = features?.includes(INTEREST_FEATURE) === true;
    const description = { ...hello, takesRole, takesLists, takesInterest };
    const connection = new AdapterConnection(socket, attachment, description, position);
    connection.attach();
    connection.enqueue(welcome);
    adapters.add(connection, now);
  }

  /** Answers, and changes nothing. The socket closes in its own message event, so TCP ends at once. */
  #onCheck(socket: WebSocket, check: PeerOffer, now: number): void {
    const version = this.#negotiate(socket, check, now);
    if (version === undefined) return;
    socket.send(JSON.stringify(checkedWith(version, this.health(now).adapter)));
    this.#close(socket, 1000, 'Checked.', now);
  }

  /** Returns the version to use, or closes the socket. */
  #negotiate(socket: WebSocket, offer: PeerOffer, now: number): number | undefined {
    const negotiated = negotiate(offer);
    if ('version' in negotiated) return negotiated.version;
    this.#close(socket, protocol.closeCode.version, negotiated.rejected, now);
    return undefined;
  }

  #onLiveMessage(socket: WebSocket, message: LiveMessage, now: number): void {
    const connection = this.#adapters.all.find((each) => each.socket === socket);
    if (!connection) return;
    switch (message.type) {
      case 'status':
        connection.onStatus(message.opensips, now);
        return;
      case 'goodbye':
        this.#close(socket, 1000, 'The adapter has disconnected.', now);
        return;
      case 'release':
        this.#adapters.onRelease(connection, now);
        return;
      default:
        this.#onNumberedMessage(connection, message, now);
    }
  }

  #onNumberedMessage(connection: AdapterConnection, message: NumberedMessage, now: number): void {
    const { position, socket } = connection;
    const expected = position.seq + 1;
    if (message.seq < expected) return;
    if (message.seq > expected) {
      const reason = `Message ${expected} is missing: ${message.seq} came instead. Send everything again.`;
      this.#close(socket, INTERNAL_ERROR, reason, now);
      return;
    }
    const isActive = this.#adapters.active === connection;
    this.#apply(message, isActive && this.#adapters.takesEvents, now);
    position.seq = message.seq;
    if (isActive && message.type === 'reply') this.#adapters.onReply(message.id, position);
  }

  /**
   * Applies a numbered message. The events of a standby are discarded, because the adapter that serves the site reports the same ones,
   * and so are those that it had raised before it knew that it serves the site: the state of the dialogs is read after them. Its replies
   * may be to requests of the time when it served the site.
   */
  #apply(message: NumberedMessage, takesEvents: boolean, now: number): void {
    if (message.type === 'reply') this.#listener.onReply(message, now);
    else if (!takesEvents) return;
    else if (message.type === 'event') this.#listener.onEvent(message, message.at, now);
    else this.#listener.resync(now);
  }

  /** Closes a socket. The link is down at once if it was the active one, so that requests wait for the next. */
  #close(socket: WebSocket, code: number, reason: string, now: number): void {
    this.onClosed(socket, now);
    socket.close(code, closeReason(reason));
  }
}
