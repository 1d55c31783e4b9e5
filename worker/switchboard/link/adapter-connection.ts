/** The connection of an adapter that has sent `hello`: how far its messages are handled, and what it is sent. @module */

import type { ListPosition } from '../../../shared/protocol/dialog-list.ts';
import type { EdgeMessage, OpenSipsStatus, Role } from '../../../shared/protocol/link.ts';
import type { Software } from '../../../shared/protocol/link-negotiation.ts';
import { type AdapterSocket, attach, isLive } from '../sockets/attachments.ts';
import { type Interest, InterestUpdates } from './interest-updates.ts';

/** Messages after which an acknowledgement is sent by itself. Before that it goes along with requests. */
const MAX_UNACKNOWLEDGED = 100;

/**
 * Characters of Call-IDs in a {@link ListPosition} that the attachment carries, whose size the platform limits. Without it the whole list
 * is read after a hibernation.
 */
const MAX_CARRIED_CHARACTERS = 1_000;

/** How far the messages of a stream are handled. It outlives the connection. */
export interface StreamPosition {
  readonly stream: string;
  /** The last one. It moves only after a message was handled, so that one that could not be is sent again. */
  seq: number;
  /** The last one whose turn is stored. Attachments are stored at once, so they must not be ahead of the turn. */
  stored: number;
  /** How far the changes of its list of dialogs are applied; undefined if they must be read from the first one on. */
  list?: ListPosition | undefined;
}

/** What `hello` says about an adapter. */
export interface AdapterDescription {
  readonly adapter: string;
  readonly stream: string;
  /** Absent from an adapter of 0.2.0. */
  readonly software?: Software | undefined;
  /** Whether it takes messages about its role. */
  readonly takesRole?: boolean | undefined;
  /** Whether it takes requests for changes of its list of dialogs. */
  readonly takesLists?: boolean | undefined;
  /** Whether it takes which calls are waited for. */
  readonly takesInterest?: boolean | undefined;
  readonly opensips: OpenSipsStatus;
  /** Since when its OpenSIPS is reachable or not, in Unix milliseconds; absent: since it has connected. */
  readonly reachableSince?: number | undefined;
}

export class AdapterConnection {
  readonly socket: WebSocket;
  readonly key: string;
  connectedAt: number;
  readonly description: AdapterDescription;
  readonly position: StreamPosition;
  opensips: OpenSipsStatus;
  /** Since when its OpenSIPS is reachable or not, as far as the edge knows, in Unix milliseconds. */
  reachableSince: number;
  #acknowledged: number;
  #hasNewStatus = false;
  readonly #outgoing: EdgeMessage[] = [];
  readonly #interest: InterestUpdates | undefined;

  constructor(
    socket: WebSocket,
    { key, connectedAt }: Pick<AdapterSocket, 'key' | 'connectedAt'>,
    description: AdapterDescription,
    position: StreamPosition,
  ) {
    this.socket = socket;
    this.key = key;
    this.connectedAt = connectedAt;
    this.description = description;
    this.opensips = description.opensips;
    this.reachableSince = description.reachableSince ?? connectedAt;
    this.position = position;
    this.#acknowledged = position.seq;
    this.#interest = description.takesInterest ? new InterestUpdates() : undefined;
  }

  /** Whether it takes requests for changes of its list of dialogs. */
  get takesLists(): boolean {
    return this.description.takesLists === true;
  }

  /** How far the changes of its list are applied; undefined: not at all, or another process of the adapter has numbered them. */
  get listPosition(): ListPosition | undefined {
    return this.position.list;
  }

  /** Has a hibernation carry it as well, which costs no row. */
  set listPosition(position: ListPosition | undefined) {
    if (position === this.position.list) return;
    this.position.list = position;
    if (isLive(this.socket)) this.attach();
  }

  /** The name of the adapter. */
  get name(): string {
    return this.description.adapter;
  }

  /** Sends a message with the next {@link flush}. */
  enqueue(message: EdgeMessage): void {
    this.#outgoing.push(message);
  }

  /** Tells the adapter its role, if it takes that. */
  sendRole(role: Role): void {
    if (this.description.takesRole) this.enqueue({ type: 'role', role });
  }

  /** Tells the adapter which calls are waited for, with the next frame, if it takes that. */
  tellInterest(interest: Interest): void {
    this.#interest?.apply(interest);
  }

  /** Acknowledges what is stored. */
  acknowledge(): void {
    const { seq } = this.position;
    if (seq > this.#acknowledged) this.socket.send(JSON.stringify({ type: 'ack', seq }));
    this.#acknowledged = seq;
  }

  /** Whether there is something to send beside requests. */
  get hasOutput(): boolean {
    if (this.#hasNewStatus || this.#outgoing.length > 0) return true;
    return this.position.seq - this.#acknowledged >= MAX_UNACKNOWLEDGED;
  }

  /** The OpenSIPS of the adapter has changed. The end of the turn arms the alarm for what follows from it. */
  onStatus(opensips: OpenSipsStatus, now: number): void {
    if (opensips.reachable !== this.opensips.reachable) this.reachableSince = now;
    this.opensips = opensips;
    this.#hasNewStatus = true;
    this.attach();
  }

  /** The clock was set back, to `now`: nothing is younger than now. */
  onClockSetBack(now: number): void {
    this.connectedAt = now;
    this.reachableSince = Math.min(this.reachableSince, now);
    this.attach();
  }

  /** Has the socket carry what a hibernation must not lose. */
  attach(): void {
    const { socket, key, connectedAt, opensips, reachableSince, position } = this;
    const { adapter, stream, software, takesRole, takesLists, takesInterest } = this.description;
    const hello = {
      adapter,
      stream,
      opensips,
      ...(reachableSince === connectedAt ? {} : { reachableSince }),
      ...(software === undefined ? {} : { software }),
      ...(takesRole ? { takesRole } : {}),
      ...(takesLists ? { takesLists } : {}),
      ...(takesInterest ? { takesInterest } : {}),
    };
    const { list } = position;
    const carried = list && JSON.stringify(list.unlisted).length <= MAX_CARRIED_CHARACTERS ? { list } : {};
    attach(socket, { kind: 'adapter', key, connectedAt, hello, seq: position.stored, ...carried });
  }

  /**
   * Sends what is to be sent, and an acknowledgement. Call it once the turn is stored, because an acknowledgement promises that.
   * @param isLogged whether the log has the position
   */
  flush(requests: readonly EdgeMessage[], isLogged: boolean): void {
    const { position, socket } = this;
    this.#hasNewStatus = false;
    const hasMoved = position.stored !== position.seq;
    position.stored = position.seq;
    if (hasMoved && !isLogged) this.attach();
    const hasOthers = this.#outgoing.length + requests.length > 0 || this.#interest?.isUrgent === true;
    const interest = hasOthers ? this.#interest?.take() : undefined;
    const messages = [...this.#outgoing.splice(0), ...(interest ? [interest] : []), ...requests];
    const unacknowledged = position.seq - this.#acknowledged;
    if (unacknowledged > 0 && (messages.length > 0 || unacknowledged >= MAX_UNACKNOWLEDGED)) {
      messages.push({ type: 'ack', seq: position.seq });
      this.#acknowledged = position.seq;
    }
    if (messages.length === 0 || !isLive(socket)) return;
    socket.send(JSON.stringify(messages.length === 1 ? messages[0] : messages));
  }
}
