/** The connection of an adapter that has sent `hello`: how far its messages are handled, and what it is sent. @module */
import type { EdgeMessage, OpenSipsStatus, Role } from '../../../shared/protocol/link.ts';
import type { Software } from '../../../shared/protocol/link-negotiation.ts';
import { type AdapterSocket, attach, isLive } from '../sockets/attachments.ts';
import { type Interest, InterestUpdates } from './interest-updates.ts';

/** Messages after which an acknowledgement is sent by itself. Before that it goes along with requests. */
const MAX_UNACKNOWLEDGED = 100;

/** How far the messages of a stream are handled. It outlives the connection. */
export interface StreamPosition {
  readonly stream: string;
  /** The last one. It moves only after a message was handled, so that one that could not be is sent again. */
  seq: number;
  /** The last one whose turn is stored. Attachments are stored at once, so they must not be ahead of the turn. */
  stored: number;
}

/** What `hello` says about an adapter. */
export interface AdapterDescription {
  readonly adapter: string;
  readonly stream: string;
  /** Absent from an adapter of 0.2.0. */
  readonly software?: Software | undefined;
  /** Whether it takes messages about its role. */
  readonly takesRole?: boolean | undefined;
  /** Whether it takes which calls are waited for. */
  readonly takesInterest?: boolean | undefined;
  readonly opensips: OpenSipsStatus;
}

export class AdapterConnection {
  readonly socket: WebSocket;
  readonly key: string;
  connectedAt: number;
  readonly description: AdapterDescription;
  readonly position: StreamPosition;
  opensips: OpenSipsStatus;
  #acknowledged: number;
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
    this.position = position;
    this.#acknowledged = position.seq;
    this.#interest = description.takesInterest ? new InterestUpdates() : undefined;
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
    return this.#outgoing.length > 0 || this.position.seq - this.#acknowledged >= MAX_UNACKNOWLEDGED;
  }

  /** The OpenSIPS of the adapter has changed. */
  onStatus(opensips: OpenSipsStatus): void {
    this.opensips = opensips;
    this.attach();
  }

  /** Has the socket carry what a hibernation must not lose. */
  attach(): void {
    const { socket, key, connectedAt, opensips, position } = this;
    const { adapter, stream, software, takesRole, takesInterest } = this.description;
    const hello = {
      adapter,
      stream,
      opensips,
      ...(software === undefined ? {} : { software }),
      ...(takesRole ? { takesRole } : {}),
      ...(takesInterest ? { takesInterest } : {}),
    };
    attach(socket, { kind: 'adapter', key, connectedAt, hello, seq: position.stored });
  }

  /**
   * Sends what is to be sent, and an acknowledgement. Call it once the turn is stored, because an acknowledgement promises that.
   * @param isLogged whether the log has the position
   */
  flush(requests: readonly EdgeMessage[], isLogged: boolean): void {
    const { position, socket } = this;
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
