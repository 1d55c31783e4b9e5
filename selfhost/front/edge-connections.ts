/** The connections of the front to workerd: as many as it has places for, fairly, and with patience while it starts again. @module */
import { EdgeSocket } from './edge-socket.ts';
import { Slots } from './slots.ts';

/**
 * How long a connection is tried while workerd does not accept it, in milliseconds: its restart takes 0.1 to 2 s
 * (restart-delay.ts) and its start half a second.
 */
export const CONNECT_TIMEOUT_MS = 3_000;
/** How often it is tried meanwhile: once for all that wait. */
const RETRY_INTERVAL_MS = 50;
/** As soon as one is accepted, this many of those that wait are tried. Its queue of connections may still be too short for all. */
const RETRIES_PER_CONNECTION = 2;
/**
 * How long a connection counts after the front has ended it before its answer was complete, in milliseconds: workerd closes
 * its own end some turns of its event loop later, which nothing tells the front.
 */
const CLOSE_MS = 250;

/**
 * Requests that workerd has to begin with at a time. It works on one after the other, a millisecond each (measured on two cores), and on
 * all that it was given before it looks at a WebSocket again.
 */
const MAX_TURNS = 16;
/** After this time the next one begins although there is no answer, in milliseconds: a request may wait for the end of a call. */
const TURN_MS = 100;

/** A connection to workerd for one request. */
export interface EdgeConnection {
  readonly socket: EdgeSocket;
  /** The answer has begun. */
  onAnswer(): void;
  /** The answer is complete, so that the connection counts no longer than it is open. */
  onComplete(): void;
}

/** A connection that is wanted. */
interface Attempt {
  readonly deadline: number;
  readonly onOpen: (connection: EdgeConnection) => void;
  readonly onFailure: () => void;
  endTurn?: () => void;
  giveUpSlot?: () => void;
  socket?: EdgeSocket;
  isComplete: boolean;
  isCanceled: boolean;
}

export class EdgeConnections {
  readonly #path: string;
  readonly #slots: Slots;
  readonly #turns = new Slots(MAX_TURNS);
  /** Those that workerd has not accepted, in the order of their next attempts. They keep their slots. */
  readonly #retries = new Set<Attempt>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param path the Unix socket of workerd
   * @param max how many can be open
   */
  constructor(path: string, max: number) {
    this.#path = path;
    this.#slots = new Slots(max);
  }

  /** How many requests wait for others to end. */
  get waitingCount(): number {
    return this.#slots.waitingCount;
  }

  /**
   * Opens a connection, now or when it is the sender's turn. An attempt that fails is repeated until {@link CONNECT_TIMEOUT_MS} have
   * passed: nothing has been sent yet, so nothing is executed twice.
   * @param onFailure called instead of `onOpen` if workerd has accepted none in time
   * @return a function that closes the connection, or gives up waiting for it
   */
  open(sender: string, onOpen: (connection: EdgeConnection) => void, onFailure: () => void): () => void {
    const deadline = Date.now() + CONNECT_TIMEOUT_MS;
    const attempt: Attempt = { deadline, onOpen, onFailure, isComplete: false, isCanceled: false };
    const giveUpTurn = this.#turns.take(sender, () => {
      attempt.endTurn = this.#beginTurn();
      attempt.giveUpSlot = this.#slots.take(sender, () => this.#connect(attempt));
    });
    return () => {
      attempt.isCanceled = true;
      giveUpTurn();
      attempt.giveUpSlot?.();
      if (this.#retries.delete(attempt)) this.#slots.release();
      attempt.socket?.destroy();
      attempt.endTurn?.();
    };
  }

  /** Returns a function that ends the turn, unless its time is over before. */
  #beginTurn(): () => void {
    let isOver = false;
    const end = () => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      this.#turns.release();
    };
    const timer = setTimeout(end, TURN_MS);
    return end;
  }

  #connect(attempt: Attempt): void {
    const socket = new EdgeSocket();
    attempt.socket = socket;
    let isOpen = false;
    socket.once('connect', () => {
      isOpen = true;
      attempt.onOpen({
        socket,
        onAnswer: () => attempt.endTurn?.(),
        onComplete: () => {
          attempt.isComplete = true;
        },
      });
      this.#retry(RETRIES_PER_CONNECTION);
    });
    // 'close' follows.
    socket.on('error', () => {});
    socket.once('close', () => {
      attempt.endTurn?.();
      if (isOpen && !attempt.isComplete) setTimeout(() => this.#slots.release(), CLOSE_MS).unref();
      else if (isOpen || attempt.isCanceled) this.#slots.release();
      else this.#retryLater(attempt);
    });
    socket.connect(this.#path);
  }

  #retryLater(attempt: Attempt): void {
    this.#retries.add(attempt);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#endExpired();
      this.#retry(1);
    }, RETRY_INTERVAL_MS);
  }

  #endExpired(): void {
    const now = Date.now();
    for (const attempt of this.#retries)
      if (now >= attempt.deadline) {
        this.#retries.delete(attempt);
        this.#slots.release();
        attempt.onFailure();
      }
  }

  #retry(count: number): void {
    let left = count;
    for (const attempt of this.#retries) {
      if (left-- === 0) return;
      this.#retries.delete(attempt);
      this.#connect(attempt);
    }
  }
}
