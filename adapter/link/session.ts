/**
 * The protocol of one connection to the edge, without its socket and timers: `hello`, `welcome`, and what is to be sent next.
 * @module
 */
import {
  closeCode,
  EdgeMessage,
  type InDialogMessage,
  type InterestMessage,
  type ListMessage,
  type MiRequest,
  type OpenSipsStatus,
  parseFrame,
  type Role,
} from '../../shared/protocol/link.ts';
import {
  ADAPTER_FEATURES,
  eventsNotTaken,
  highestCommonVersion,
  INTEREST_FEATURE,
  LINK_VERSIONS,
  RELEASE_FEATURE,
  type Software,
  updateAdvice,
} from '../../shared/protocol/link-negotiation.ts';
import { Lateness, withoutLostTime } from './lateness.ts';
import type { Outbox } from './outbox.ts';

/** What a session needs from the adapter. It outlives the connection. */
export interface SessionContext {
  readonly adapterName: string;
  readonly stream: string;
  readonly software: Software;
  readonly outbox: Outbox;
  opensipsStatus(): OpenSipsStatus;
  /** Starts a request. Returns false if too many are open. */
  acceptRequest(request: MiRequest | InDialogMessage | ListMessage): boolean;
  onAcknowledged(seq: number): void;
}

/** Why a connection is to be closed. */
export interface SessionFault {
  readonly code: typeof closeCode.protocol | typeof closeCode.version;
  readonly description: string;
}

/** What the connection does about a session. */
export interface SessionListener {
  onWelcome(): void;
  /** The edge tells the role of this adapter: another one may serve the site. */
  onRole?(role: Role): void;
  /** The edge tells which calls are waited for, from now on. */
  onInterest?(interest: InterestMessage): void;
  /** The edge asks for messages that it has acknowledged: it has lost what it stored. */
  onLostByEdge(applied: number): void;
  /** The edge's clock seems to have been set, so that requests count as late: only a new connection compares the clocks again. */
  onClockSet?(): void;
}

/** Characters per frame. Cloudflare's limit was 1 MiB and is 32 MiB now; small frames let acknowledgements in between. */
export const TARGET_FRAME_LENGTH = 256 * 1024;

export class Session {
  readonly #context: SessionContext;
  readonly #listener: SessionListener;
  readonly #lateness = new Lateness();
  #helloSentAt = 0;
  #isWelcomed = false;
  #role: Role = 'active';
  #takesRelease = false;
  #tellsInterest = false;
  /** The newest sequence number sent on this connection. */
  #lastSentSeq = 0;

  constructor(context: SessionContext, listener: SessionListener) {
    this.#context = context;
    this.#listener = listener;
  }

  /** Returns the first message, which is sent now: see {@link onFrame}. */
  hello(now: number): object {
    this.#helloSentAt = now;
    const { adapterName, stream, outbox, software } = this.#context;
    return {
      type: 'hello',
      version: LINK_VERSIONS.min,
      versions: LINK_VERSIONS,
      features: ADAPTER_FEATURES,
      software,
      adapter: adapterName,
      stream,
      base: outbox.base,
      opensips: this.#context.opensipsStatus(),
    };
  }

  /** Whether the edge has answered `hello`, so that numbered messages can be sent. */
  get isWelcomed(): boolean {
    return this.#isWelcomed;
  }

  /** Whether this adapter serves the site, or waits to take over, as far as the edge has told it. */
  get role(): Role {
    return this.#role;
  }

  /** Whether the edge takes `release`. */
  get takesRelease(): boolean {
    return this.#takesRelease;
  }

  /** Whether the edge tells which calls are waited for. */
  get tellsInterest(): boolean {
    return this.#tellsInterest;
  }

  /** The number of messages that were not sent on this connection yet. */
  get pendingCount(): number {
    return this.#isWelcomed ? this.#context.outbox.lastSeq - this.#lastSentSeq : 0;
  }

  /** Removes and returns the next frame of numbered messages; undefined if there is none. */
  takeFrame(): string | undefined {
    if (!this.#isWelcomed) return undefined;
    const frame = this.#context.outbox.frameAfter(this.#lastSentSeq, TARGET_FRAME_LENGTH);
    if (frame !== undefined) this.#lastSentSeq = frame.lastSeq;
    return frame?.text;
  }

  /**
   * Processes a frame. Returns the fault if it violates the protocol: the connection is to be closed then.
   * @param text undefined for a binary frame
   * @param arrivedAt in milliseconds of a clock that only rises
   */
  onFrame(text: string | undefined, arrivedAt: number): SessionFault | undefined {
    const frame = text === undefined ? { error: 'the frame is binary' } : parseFrame(EdgeMessage, text);
    if ('error' in frame) return violation(frame.error);
    for (const message of frame.messages) {
      const fault = versionFault(message, this.#context.software) ?? this.#onMessage(message, arrivedAt);
      if (fault !== undefined) return typeof fault === 'string' ? violation(fault) : fault;
    }
    return undefined;
  }

  #onMessage(message: EdgeMessage, arrivedAt: number): string | undefined {
    // Only the welcome compares the two clocks: without it, a request that is late could not be told from one that is not.
    if (!this.#isWelcomed && message.type !== 'welcome') return `${message.type} came before welcome`;
    switch (message.type) {
      case 'welcome':
        this.#lateness.onWelcome(this.#helloSentAt, message.sent_at, arrivedAt);
        return this.#onWelcome(message);
      case 'ack':
        return this.#acknowledge(message.seq)
          ? undefined
          : `ack of message ${message.seq}, which was never sent`;
      case 'role':
        this.#role = message.role;
        this.#listener.onRole?.(message.role);
        return undefined;
      case 'interest':
        this.#listener.onInterest?.(message);
        return undefined;
      case 'mi':
      case 'in-dialog':
      case 'list':
        return this.#accept(message, arrivedAt)
          ? undefined
          : 'too many MI requests without an acknowledged reply';
    }
  }

  #onWelcome({
    stream,
    applied,
    features,
    role,
  }: Extract<EdgeMessage, { type: 'welcome' }>): string | undefined {
    const { outbox } = this.#context;
    if (stream !== this.#context.stream) return 'welcome names another stream';
    if (applied < outbox.base - 1) {
      // The outbox no longer has those messages: replay starts at its base, and a gap message reports the loss.
      this.#listener.onLostByEdge(applied);
      outbox.addGap('the edge asked for messages that it had acknowledged');
    } else if (!this.#acknowledge(applied)) {
      return `welcome acknowledges message ${applied}, which was never sent`;
    }
    this.#role = role ?? 'active';
    this.#takesRelease = features?.includes(RELEASE_FEATURE) === true;
    this.#tellsInterest = features?.includes(INTEREST_FEATURE) === true;
    outbox.rejectEvents(eventsNotTaken(features));
    this.#lastSentSeq = outbox.base - 1;
    this.#isWelcomed = true;
    this.#listener.onWelcome();
    return undefined;
  }

  #accept(request: MiRequest | InDialogMessage | ListMessage, arrivedAt: number): boolean {
    const lateMs = this.#lateness.of(request.sent_at, arrivedAt);
    if (this.#lateness.isClockSet) this.#listener.onClockSet?.();
    return this.#context.acceptRequest(withoutLostTime(request, lateMs));
  }

  #acknowledge(seq: number): boolean {
    const wasSent = this.#context.outbox.acknowledge(seq);
    if (wasSent) this.#context.onAcknowledged(seq);
    return wasSent;
  }
}

function violation(description: string): SessionFault {
  return { code: closeCode.protocol, description };
}

/** Returns the fault of a `welcome` with a version that this adapter does not speak. */
function versionFault(message: EdgeMessage, software: Software): SessionFault | undefined {
  if (message.type !== 'welcome') return undefined;
  const chosen = { min: message.version, max: message.version };
  if (highestCommonVersion(LINK_VERSIONS, chosen) !== undefined) return undefined;
  const adapter = { version: LINK_VERSIONS.min, versions: LINK_VERSIONS, software };
  return {
    code: closeCode.version,
    description: updateAdvice(adapter, { ...message, versions: chosen }),
  };
}
