/**
 * The link to the adapters of a site. One serves the site, the others wait to take over. Each message of the serving one is applied once
 * and in order; what a turn requests of it leaves in one frame.
 * @module
 */

import type { EviEvent } from '../../../shared/opensips/evi.ts';
import type { ActiveAdapters as ActiveSetting } from '../../../shared/policy/adapters-setting.ts';
import { closeReason } from '../../../shared/protocol/close-reason.ts';
import type { AdapterMessage, AdapterRole, OpenSipsStatus } from '../../../shared/protocol/link.ts';
import * as protocol from '../../../shared/protocol/link.ts';
import {
  INTEREST_FEATURE,
  LIST_FEATURE,
  type PeerOffer,
  ROLE_FEATURE,
} from '../../../shared/protocol/link-negotiation.ts';
import type { AdapterRequest } from '../../../shared/runner/mi-requests.ts';
import type { Runner } from '../../../shared/runner/runner.ts';
import { type AdapterSocket, attach, attachmentOf, isLive } from '../sockets/attachments.ts';
import type { AppliedPosition } from '../store/command-log.ts';
import { AdapterConnection } from './adapter-connection.ts';
import type { ReconcileRequest } from './dialog-reconciler.ts';
import type { Interest } from './interest-updates.ts';
import { healthOf, type LinkHealth, rolesOf } from './link-health.ts';
import { type DialedLinks, type LinkStatus, LinkStatusStore, NOT_DIALED } from './link-status.ts';
import { checkedWith, negotiate, welcomeWith } from './negotiation.ts';
import { SiteAdapters, type SiteListener } from './site-adapters.ts';
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
export interface LinkListener extends SiteListener, Pick<Runner, 'onReply'> {
  /** @param adapter the adapter that has reported it; undefined where one serves the whole site */
  onEvent(event: EviEvent, at: number, now: number, adapter?: string): void;
}

/** What the link depends on beside its adapters. */
export interface LinkOptions {
  /** For a site whose adapters are dialed: what is no failure is not reported. */
  readonly dialed?: () => DialedLinks;
  /** Returns the setting of a site whose adapters all serve it. Default: one serves it, and the others wait. */
  readonly activeAdapters?: () => ActiveSetting | undefined;
}

/** A message, and the process of the adapter that it is for; without one it is for any adapter. */
type Outgoing = (AdapterRequest | ReconcileRequest) & { readonly stream?: string };

type Hello = Extract<AdapterMessage, { type: 'hello' }>;
/** What an adapter sends after `hello`. */
type LiveMessage = Exclude<AdapterMessage, { type: 'hello' | 'check' }>;
type NumberedMessage = Extract<LiveMessage, { seq: number }>;

export class Link {
  readonly #ctx: DurableObjectState;
  readonly #listener: LinkListener;
  /** Those that are connected, as the setting of the site has them. */
  readonly site: SiteAdapters;
  readonly #status: LinkStatusStore;

  /**
   * Restores the connections after a hibernation, if there are any.
   * @param applied the positions in the log
   */
  constructor(
    ctx: DurableObjectState,
    listener: LinkListener,
    applied: readonly AppliedPosition[],
    { dialed = () => NOT_DIALED, activeAdapters = () => undefined }: LinkOptions = {},
  ) {
    this.#ctx = ctx;
    this.#listener = listener;
    this.#status = new LinkStatusStore(ctx.storage.sql, dialed);
    this.site = new SiteAdapters(ctx, ctx.getWebSockets(TAG), listener, applied, activeAdapters);
  }

  /** Whether a connection was lost while there was no object to notice it. */
  get isLost(): boolean {
    if (this.site.isShared && this.site.set.hasUnstored) return true;
    return !this.isConnected && !this.#status.isReleased && this.#status.reported === 'Up';
  }

  /** The socket of the adapter that serves the site; of several, the newest. */
  get socket(): WebSocket | undefined {
    return this.site.set.serving.at(-1)?.socket;
  }

  /** How far the messages of the adapters that serve the site are applied. */
  get applied(): readonly AppliedPosition[] {
    return this.site.set.applied;
  }

  /** The adapters that are connected, and what they do. */
  get roles(): AdapterRole[] {
    return rolesOf(this.site.set);
  }

  /**
   * Returns the state of OpenSIPS as the adapter that serves the site reports it; undefined if none is connected and alive. A silent one
   * is disconnected, and a standby takes over.
   */
  opensips(now: number): OpenSipsStatus | undefined {
    this.site.set.promote(now);
    return this.site.set.serving[0]?.opensips;
  }

  health(now: number): LinkHealth {
    this.site.set.promote(now);
    return healthOf(this.site.set, now);
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
    this.site.set.drop(socket, now);
    this.site.set.promote(now);
  }

  /** Acknowledges what is stored, and closes the connections, which nobody needs. Call it once a turn is stored. */
  release(now = Date.now()): void {
    for (const connection of this.site.set.all) {
      connection.acknowledge();
      this.site.set.drop(connection.socket, now, true);
      connection.socket.close(1000, 'Nobody needs the link.');
    }
  }

  /** Whether there is something to send beside requests: a `welcome`, an acknowledgement, or a status change for watchers. */
  get hasOutput(): boolean {
    if (this.site.set.hasUnstored || this.#status.hasChange(this.roles)) return true;
    return this.site.set.all.some((each) => each.hasOutput);
  }

  /**
   * Returns the status once after each change of it, or of the adapters' roles, that lasts longer than a turn. Stores that it was
   * reported, and which adapter serves the site.
   */
  takeStatusChange(): LinkStatus | undefined {
    this.site.set.storeServing();
    return this.#status.take(this.roles);
  }

  /**
   * When {@link checkLiveness} is due, in Unix milliseconds; infinity for never. Only watchers need an alarm for that, commands for which
   * another adapter can take over, and calls of a lost one: all others notice a dead adapter, or one without OpenSIPS, with their next
   * request.
   */
  due(isWatched: boolean, hasCommands = false): number {
    const { serving, standbys, all, pings, due } = this.site.set;
    const [active] = serving;
    if (!active || !(isWatched || (hasCommands && all.length > 1))) return due;
    const silentAt = serving.map((each) => pings.lastOf(each) + protocol.PING_TIMEOUT_MS + 1);
    return Math.min(due, ...silentAt, this.site.isShared ? due : replacementDue(active, standbys.all));
  }

  /** Whether an adapter is connected, as far as it is known without a check. */
  get isConnected(): boolean {
    return this.site.set.serving.length > 0;
  }

  /** Disconnects an adapter that no longer pings, and has a standby replace one whose OpenSIPS does not answer. */
  checkLiveness(now: number): void {
    this.site.set.promote(now);
  }

  /** Tells the adapters which calls are waited for, with what {@link flush} sends. */
  tellInterest(interest: Interest): void {
    for (const each of this.site.set.all) each.tellInterest(interest);
  }

  /**
   * Sends the requests of a turn to the adapters that they are for. Call it once the turn is stored, because an acknowledgement
   * promises that.
   * @param isLogged whether the turn was written to the log, which then contains {@link applied}
   */
  flush(requests: readonly Outgoing[], isLogged: boolean): void {
    const { serving, standbys } = this.site.set;
    for (const standby of standbys.all) standby.flush([], isLogged && this.site.isShared);
    for (const [index, each] of serving.entries()) {
      const own = requests.filter(({ stream }) =>
        stream === undefined ? index === 0 : stream === each.position.stream,
      );
      each.flush(own.map(withoutStream), isLogged);
    }
    this.site.set.onStored(isLogged);
  }

  /** The clock was set back, to `now`: the connections are as old as they were, and the last ping counts as one of now. */
  onClockSetBack(now: number): void {
    for (const each of this.site.set.all) this.site.set.pings.onClockSetBack(each, now);
  }

  #onHello(socket: WebSocket, attachment: AdapterSocket, hello: Hello, now: number): void {
    const version = this.#negotiate(socket, hello, now);
    if (version === undefined) return;
    const adapters = this.site.set;
    adapters.promote(now);
    // Dropped first, so that no standby takes over from an adapter that has only connected again.
    const sameName = adapters.named(hello.adapter);
    if (sameName) adapters.drop(sameName.socket, now);
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
    const role = !this.site.isShared && adapters.serving.length > 0 ? 'standby' : 'active';
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
    const connection = this.site.set.all.find((each) => each.socket === socket);
    if (!connection) return;
    switch (message.type) {
      case 'status':
        connection.onStatus(message.opensips, now);
        return;
      case 'goodbye':
        this.#close(socket, 1000, 'The adapter has disconnected.', now);
        return;
      case 'release':
        this.site.set.onRelease(connection, now);
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
    this.#apply(connection, message, now);
    position.seq = message.seq;
    if (message.type === 'reply' && this.site.isServing(connection.name))
      this.site.set.onReply(message.id, connection);
  }

  /**
   * Applies a numbered message. The events of a standby are discarded, because the adapter that serves the site reports the same ones,
   * and so are those that it had raised before it knew that it serves the site: the state of the dialogs is read after them. Its replies
   * may be to requests of the time when it served the site.
   */
  #apply(connection: AdapterConnection, message: NumberedMessage, now: number): void {
    const adapter = this.site.nameOf(connection);
    if (message.type === 'reply') this.#listener.onReply(message, now);
    else if (!this.site.set.takesEvent(connection, message)) return;
    else if (message.type === 'event') this.#listener.onEvent(message, message.at, now, adapter);
    else this.#listener.resync(now, adapter);
  }

  /** Closes a socket. The link is down at once if it was the active one, so that requests wait for the next. */
  #close(socket: WebSocket, code: number, reason: string, now: number): void {
    this.onClosed(socket, now);
    socket.close(code, closeReason(reason));
  }
}

function withoutStream({ stream: _, ...message }: Outgoing): AdapterRequest | ReconcileRequest {
  return message;
}
