/** A process of the adapter: its real outbox, requests and session, over simulated connections and a simulated OpenSIPS. @module */
import { summarizeDisconnect } from '../../../../adapter/link/disconnect-reason.ts';
import { EdgeRequests } from '../../../../adapter/link/edge-requests.ts';
import { Outbox } from '../../../../adapter/link/outbox.ts';
import { Session } from '../../../../adapter/link/session.ts';
import type { MiResponse } from '../../../../adapter/opensips/mi-message.ts';
import type { RequestTimeouts } from '../../../../adapter/opensips/request-timeouts.ts';
import type { EviEvent } from '../../../../shared/opensips/evi.ts';
import { ALLOWED_MI_COMMANDS } from '../../../../shared/opensips/mi.ts';
import type { VirtualClock } from '../../../../shared/testing/virtual-clock.ts';
import type { AdapterEnd, SimulatedConnection } from './simulated-connection.ts';

/** What a process needs of the simulation. */
export interface AdapterSurroundings {
  /** The name of the adapter. */
  readonly name: string;
  readonly clock: VirtualClock;
  readonly random: () => number;
  connect(end: AdapterEnd): SimulatedConnection;
  /** Runs a request at OpenSIPS. */
  run(id: string, method: string, params: object, respond: (response: MiResponse) => void): void;
  /** The edge has acknowledged the messages with these numbers. */
  onAcknowledged(stream: string, seqs: readonly number[]): void;
}

export const OPENSIPS_STATUS = {
  version: 'OpenSIPS (3.6.8)',
  next_hop: 'sip:10.0.0.1:5060',
  reachable: true,
  in_dialog: { refer: true, hold: true, timeout_ms: 30_000 },
};

const LIMITS = { maxMessages: 10_000, maxBytes: 64 * 1024 * 1024 };
/** As in `adapter/timing.ts`. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
const DEAD_AFTER_MS = 25_000;
const REFUSED_RETRY_DELAY_MS = 30_000;
const MIN_RECONNECT_DELAY_MS = 500;
/** How long requests may take once another adapter has taken over, and until their replies are sent. */
const RELEASE_MS = 1_000;
const GOODBYE_MS = 5;
/** The clocks of the two ends do not agree. */
const CLOCK_DIFFERENCE_MS = 1_234_567;

export class SimulatedAdapter {
  readonly stream: string;
  readonly #surroundings: AdapterSurroundings;
  readonly #outbox: Outbox;
  readonly #requests: EdgeRequests;
  #session: Session | undefined;
  #connection: SimulatedConnection | undefined;
  #isStopped = false;
  #isSendScheduled = false;
  /** The numbers of replies that are not acknowledged, and of events that the edge must apply. */
  #unacknowledged: number[] = [];
  readonly #mustApplyEvents: boolean;
  /** Gives up the requests that OpenSIPS has not answered. */
  readonly #abandon = new Set<() => void>();

  /** @param mustApplyEvents whether the edge must apply all events: those of a standby are discarded */
  constructor(stream: string, surroundings: AdapterSurroundings, mustApplyEvents: boolean) {
    this.stream = stream;
    this.#mustApplyEvents = mustApplyEvents;
    this.#surroundings = surroundings;
    this.#outbox = new Outbox(LIMITS, () => this.#scheduleSend());
    const run = (method: string, params: object, timeouts: RequestTimeouts, id: string) =>
      this.#run(method, params, timeouts, id);
    const log = { warn: () => {}, debug: () => {} };
    this.#requests = new EdgeRequests(
      {
        mi: { request: run },
        inDialog: run,
        // The edge reads the pages of the list then.
        listDialogs: () => Promise.resolve({ outcome: 'refused' }),
      },
      new Set(ALLOWED_MI_COMMANDS),
      (id, response) => this.#note(this.#outbox.addReply({ id, ...response })),
      log,
    );
    this.#connect();
  }

  /** The process is killed. */
  stop(): void {
    this.#isStopped = true;
    const connection = this.#connection;
    this.#connection = undefined;
    this.#session = undefined;
    connection?.break();
  }

  onEvent(event: EviEvent): void {
    if (this.#isStopped) return;
    this.#outbox.addEvent(event, this.#surroundings.clock.now);
    if (this.#mustApplyEvents) this.#note(this.#outbox.lastSeq);
  }

  /** The process is stopped as `adapter.ts` does it, and tells when it has ended. */
  handOver(onEnded: () => void): void {
    const { clock } = this.#surroundings;
    if (this.#session?.takesRelease) this.#connection?.sendUp(JSON.stringify({ type: 'release' }));
    clock.schedule(RELEASE_MS, () => {
      for (const abandon of this.#abandon) abandon();
      clock.schedule(GOODBYE_MS, () => {
        this.#connection?.sendUp(JSON.stringify({ type: 'goodbye' }));
        this.#isStopped = true;
        this.#connection?.closeUp(1000, '');
        onEnded();
      });
    });
  }

  breakConnection(): boolean {
    const connection = this.#connection;
    connection?.break();
    return connection !== undefined;
  }

  /** The connection goes silent. The process notices it when no pong has come for 25 s. */
  makeHalfOpen(): boolean {
    const connection = this.#connection;
    if (!connection) return false;
    connection.becomeHalfOpen();
    const { clock, random } = this.#surroundings;
    clock.schedule(Math.floor(DEAD_AFTER_MS * (0.6 + 0.4 * random())), () => {
      if (this.#connection === connection) connection.closeUp(1006, '');
    });
    return true;
  }

  /** The network holds everything back for this long, and then delivers it. */
  stallConnection(ms: number): boolean {
    this.#connection?.stall(ms);
    return this.#connection !== undefined;
  }

  #note(seq: number): number {
    this.#unacknowledged.push(seq);
    return seq;
  }

  #connect(): void {
    if (this.#isStopped) return;
    const { clock, onAcknowledged } = this.#surroundings;
    const connection = this.#surroundings.connect({
      onFrame: (text) => this.#onFrame(connection, text),
      onClosed: (code, reason) => this.#onClosed(connection, code, reason),
    });
    const session = new Session(
      {
        adapterName: this.#surroundings.name,
        stream: this.stream,
        software: { version: '0.0.0' },
        outbox: this.#outbox,
        opensipsStatus: () => OPENSIPS_STATUS,
        acceptRequest: (request) => this.#requests.accept(request),
        onAcknowledged: (seq) => {
          const acknowledged = this.#unacknowledged.filter((each) => each <= seq);
          this.#unacknowledged = this.#unacknowledged.filter((each) => each > seq);
          onAcknowledged(this.stream, acknowledged);
          this.#requests.onAcknowledged(seq);
        },
      },
      { onWelcome: () => this.#scheduleSend(), onLostByEdge: () => {} },
    );
    this.#connection = connection;
    this.#session = session;
    connection.sendUp(JSON.stringify(session.hello(clock.now + CLOCK_DIFFERENCE_MS)));
    clock.schedule(HANDSHAKE_TIMEOUT_MS, () => {
      if (this.#connection === connection && !session.isWelcomed) connection.closeUp(1006, '');
    });
  }

  #onFrame(connection: SimulatedConnection, text: string): void {
    if (this.#connection !== connection) return;
    const fault = this.#session?.onFrame(text, this.#surroundings.clock.now + CLOCK_DIFFERENCE_MS);
    if (fault !== undefined) connection.closeUp(fault.code, fault.description);
  }

  #onClosed(connection: SimulatedConnection, code: number, reason: string): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    this.#session = undefined;
    const { clock, random } = this.#surroundings;
    const { needsOperator } = summarizeDisconnect({ by: 'close', code, reason });
    const delayMs = needsOperator ? REFUSED_RETRY_DELAY_MS : MIN_RECONNECT_DELAY_MS * (1 + 3 * random());
    clock.schedule(Math.floor(delayMs), () => this.#connect());
  }

  #scheduleSend(): void {
    if (this.#isSendScheduled) return;
    this.#isSendScheduled = true;
    this.#surroundings.clock.schedule(0, () => {
      this.#isSendScheduled = false;
      for (let frame = this.#session?.takeFrame(); frame !== undefined; frame = this.#session?.takeFrame())
        this.#connection?.sendUp(frame);
    });
  }

  #run(
    method: string,
    params: object,
    { timeoutMs, ttlMs }: RequestTimeouts,
    id: string,
  ): Promise<MiResponse> {
    const { clock, run } = this.#surroundings;
    return new Promise((resolve) => {
      const finish = (response: MiResponse) => {
        this.#abandon.delete(abandon);
        resolve(response);
      };
      const abandon = () => finish({ outcome: 'timeout' });
      this.#abandon.add(abandon);
      clock.schedule(Math.min(timeoutMs, ttlMs), abandon);
      run(id, method, params, (response) => clock.schedule(1, () => finish(response)));
    });
  }
}
