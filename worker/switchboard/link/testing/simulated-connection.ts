/** A connection between the simulated adapter and the edge: ordered, with delays and faults. @module */
import type { VirtualClock } from '../../../../shared/testing/virtual-clock.ts';
import { FakeSocket } from './fake-socket.ts';

/** What can happen to one frame. Each way, the frames that follow keep their order. */
export type FrameFault = 'lose' | 'duplicate' | 'corrupt';

export type Direction = 'up' | 'down';

/** What a connection needs of its surroundings. Times are in milliseconds. */
export interface NetworkConditions {
  readonly clock: VirtualClock;
  /** Returns how long a frame takes. */
  delayMs(): number;
  /** Removes and returns the fault of the next frame. */
  takeFault(direction: Direction): FrameFault | undefined;
}

/** The adapter's end. */
export interface AdapterEnd {
  onFrame(text: string): void;
  onClosed(code: number, reason: string): void;
}

/** The edge's end. */
export interface EdgeEnd {
  onFrame(socket: FakeSocket, text: string): void;
  onClosed(socket: FakeSocket): void;
}

const ABNORMAL_CLOSURE = 1006;
/** The interval of the adapter's pings. */
const PING_INTERVAL_MS = 10_000;

export class SimulatedConnection extends FakeSocket {
  readonly #network: NetworkConditions;
  readonly #adapter: AdapterEnd;
  readonly #edge: EdgeEnd;
  readonly #openedAt: number;
  readonly #lastArrival: Record<Direction, number> = { up: 0, down: 0 };
  #halfOpenAt: number | undefined;
  #isAdapterEndOpen = true;
  #isEdgeEndOpen = true;

  constructor(network: NetworkConditions, adapter: AdapterEnd, edge: EdgeEnd) {
    super();
    this.#network = network;
    this.#adapter = adapter;
    this.#edge = edge;
    this.#openedAt = network.clock.now;
  }

  /** When the platform answered the last ping. */
  get lastPing(): Date {
    const until = Math.min(this.#network.clock.now, this.#halfOpenAt ?? Number.POSITIVE_INFINITY);
    const pings = Math.floor((until - this.#openedAt) / PING_INTERVAL_MS);
    return new Date(this.#openedAt + pings * PING_INTERVAL_MS);
  }

  /** From now on nothing arrives, and neither end is told. */
  becomeHalfOpen(): void {
    this.#halfOpenAt ??= this.#network.clock.now;
  }

  /** For this long nothing arrives, and then everything does, in order. */
  stall(ms: number): void {
    const until = this.#network.clock.now + Math.floor(ms);
    for (const direction of ['up', 'down'] as const)
      this.#lastArrival[direction] = Math.max(this.#lastArrival[direction], until);
  }

  /** The connection breaks: both ends are told, as far as they hear of it. */
  break(): void {
    this.#closeEdgeEnd();
    this.#closeAdapterEnd(ABNORMAL_CLOSURE, '');
  }

  /** The adapter sends a frame. */
  sendUp(text: string): void {
    if (!this.#isAdapterEndOpen) return;
    this.#transmit('up', text, (received) => {
      if (this.#isEdgeEndOpen) this.#edge.onFrame(this, received);
    });
  }

  /** The edge sends a frame. */
  override send(text: string): void {
    this.#transmit('down', text, (received) => {
      if (this.#isAdapterEndOpen) this.#adapter.onFrame(received);
    });
  }

  /** The edge closes its end. */
  override close(code = 1000, reason = ''): void {
    super.close(code, reason);
    this.#deliver('down', () => this.#closeAdapterEnd(code, reason));
  }

  /** The adapter closes its end. */
  closeUp(code: number, reason: string): void {
    this.#closeAdapterEnd(code, reason);
    this.#deliver('up', () => this.#closeEdgeEnd());
  }

  #transmit(direction: Direction, text: string, receive: (text: string) => void): void {
    const fault = this.#network.takeFault(direction);
    if (fault === 'lose') return;
    // Not valid JSON, and with characters that have several bytes.
    const arriving = fault === 'corrupt' ? `{"type":"${'呼'.repeat(80)}"}` : text;
    this.#deliver(direction, () => receive(arriving));
    if (fault === 'duplicate') this.#deliver(direction, () => receive(arriving));
  }

  /** Keeps the order within a direction. */
  #deliver(direction: Direction, receive: () => void): void {
    const { clock } = this.#network;
    const at = Math.max(this.#lastArrival[direction], clock.now + this.#network.delayMs());
    this.#lastArrival[direction] = at;
    clock.schedule(at - clock.now, () => {
      if (this.#halfOpenAt === undefined) receive();
    });
  }

  #closeAdapterEnd(code: number, reason: string): void {
    if (!this.#isAdapterEndOpen) return;
    this.#isAdapterEndOpen = false;
    this.#adapter.onClosed(code, reason);
  }

  #closeEdgeEnd(): void {
    if (!this.#isEdgeEndOpen) return;
    this.#isEdgeEndOpen = false;
    super.close();
    this.#edge.onClosed(this);
  }
}
