/**
 * Simulates the link on virtual time: the real runner and both real ends of the link, with a network, an edge and an adapter that fail,
 * and a model of OpenSIPS. It checks while it runs, and counts the faults that happened.
 * @module
 */
import type { EviEvent } from '../../../../shared/opensips/evi.ts';
import type { EdgeMessage } from '../../../../shared/protocol/link.ts';
import type { Command, NewCommand } from '../../../../shared/runner/stored-command.ts';
import { OpenSipsModel } from '../../../../shared/testing/opensips-model.ts';
import type { PhoneBehavior } from '../../../../shared/testing/phone-behavior.ts';
import { seededRandom, VirtualClock } from '../../../../shared/testing/virtual-clock.ts';
import { type AdapterSurroundings, SimulatedAdapter } from './simulated-adapter.ts';
import {
  type AdapterEnd,
  type Direction,
  type FrameFault,
  SimulatedConnection,
} from './simulated-connection.ts';
import { SimulatedEdge } from './simulated-edge.ts';

/** A fault at a time. A fault of a frame is that of the next one. */
export interface Fault {
  readonly at: number;
  readonly kind: (typeof FAULT_KINDS)[number];
}

export const FAULT_KINDS = [
  'half-open',
  'break',
  'restart-adapter',
  'crash-edge',
  'hibernate-edge',
  'exception',
  'lose-up',
  'lose-down',
  'duplicate-up',
  'duplicate-down',
  'corrupt-up',
  'corrupt-down',
  'delay',
  'stall',
  'hand-over',
] as const;

/** What a client does at a time. `index` selects a call or a command. */
export interface ClientAction {
  readonly at: number;
  readonly method: 'CallStart' | 'CallEnd' | 'CallBlindTransfer' | 'CallHold';
  readonly index: number;
}

export interface History {
  readonly seed: number;
  /** How many adapters the site has. */
  readonly adapters: number;
  readonly actions: readonly ClientAction[];
  readonly faults: readonly Fault[];
  /** The rate of replies of OpenSIPS that are lost, from 0 to 1. */
  readonly replyLoss: number;
}

/** The longest delay of a frame, in milliseconds: usually, and for ten seconds after the fault `delay`. */
const USUAL_DELAY_MS = 40;
const LONG_DELAY_MS = 1_500;
const DELAY_LASTS_MS = 10_000;
/** A connection that says nothing for longer counts as dead. */
const LONGEST_STALL_MS = 24_000;
/** An INVITE may wait 5 s at the edge and then be on its way. */
const LATEST_INVITE_MS = 5_000 + LONG_DELAY_MS + USUAL_DELAY_MS;
const ACTIVE_CALLS = 3;
/** More than the awaits between a reply of OpenSIPS and its message in the outbox. */
const MICROTASKS = 8;

/** The requests that start or change something: they run only for commands that have not ended. */
const STARTING = ['t_uac_dlg', 'refer', 'hold', 'call_transfer', 'call_hold', 'call_unhold'];

const ALL_WELL: PhoneBehavior = {
  ringsAfterMs: 50,
  answersAfterMs: 400,
  finalStatus: '200 OK',
  answersOnCancel: false,
  actsOnReferAfterMs: 5,
  hangsUp: 'never',
  stripsParameters: false,
  sendsNotify: true,
  isDestinationRejected: false,
  calleeRingsAfterMs: 50,
  calleeAnswersAfterMs: 1_000,
  calleeFinalStatus: '200 OK',
  reinviteOutcomes: ['ok', 'ok'],
};
const BEHAVIORS: readonly PhoneBehavior[] = [
  ALL_WELL,
  { ...ALL_WELL, answersAfterMs: 8_000 },
  { ...ALL_WELL, answersAfterMs: null },
  { ...ALL_WELL, ringsAfterMs: 3_000, answersAfterMs: 6_000, answersOnCancel: true },
  { ...ALL_WELL, finalStatus: '486 Busy Here' },
  { ...ALL_WELL, calleeAnswersAfterMs: null },
];

export class LinkSimulation {
  /** How many faults of each kind happened, and how many requests ran. */
  readonly counts: Record<string, number> = {};
  /** What must not have happened. */
  readonly violations: string[] = [];
  readonly opensips: OpenSipsModel;
  readonly edge: SimulatedEdge;
  readonly #history: History;
  readonly #clock = new VirtualClock();
  readonly #random: () => number;
  readonly #adapters: SimulatedAdapter[] = [];
  #processes = 0;
  readonly #frameFaults: Record<Direction, FrameFault[]> = { up: [], down: [] };
  #isDelayedUntil = 0;
  #throwsNext = false;
  readonly #started: Command[] = [];
  readonly #startedAt = new Map<number, number>();
  readonly #endedAt = new Map<number, number>();
  /** When a request was last sent with a time to live, by its id. */
  readonly #sentAt = new Map<string, number>();
  readonly #ran = new Set<string>();

  constructor(history: History) {
    this.#history = history;
    this.#random = seededRandom(history.seed);
    const clock = this.#clock;
    this.opensips = new OpenSipsModel(
      clock,
      (uri) => BEHAVIORS[Number(/\d+/.exec(uri)?.[0] ?? 0) % BEHAVIORS.length] ?? ALL_WELL,
      (event) => this.#onEvent(event),
    );
    for (let n = 0; n < ACTIVE_CALLS; n++)
      this.opensips.addActiveCall(`call-${n}`, `sip:a${n}@10.0.0.5`, `sip:b${n}@10.0.0.6`);
    this.edge = new SimulatedEdge(clock, {
      onSent: (message) => this.#onSent(message),
      onNotified: ({ id }, event) => event === 'Ended' && this.#endedAt.set(id, clock.now),
      beforeApplied: () => this.#beforeApplied(),
      onDisorder: (name, at, lastAt) =>
        this.violations.push(`${name} of ${at} was applied after an event of ${lastAt}`),
    });
    for (let index = 0; index < history.adapters; index++) this.#startAdapter(index);
    for (const fault of history.faults) clock.schedule(fault.at, () => this.#inject(fault.kind));
    for (const action of history.actions) clock.schedule(action.at, () => this.#act(action));
  }

  /** Runs until nothing is left to happen, and checks the end. */
  async run(): Promise<void> {
    for (let turn = 0; turn < 50_000; turn++) {
      const next = Math.min(this.#clock.nextDueAt, this.edge.nextDue);
      if (next === Number.POSITIVE_INFINITY) {
        this.#checkEnd();
        return;
      }
      this.#clock.advanceTo(Math.max(next, this.#clock.now));
      if (this.edge.nextDue <= this.#clock.now) this.edge.fireDueTimers();
      for (let task = 0; task < MICROTASKS; task++) await Promise.resolve();
    }
    this.violations.push('the simulation does not end');
  }

  #checkEnd(): void {
    if (this.edge.runningCount > 0) this.violations.push(`${this.edge.runningCount} commands never end`);
    for (const { id, cmdId } of this.#started) {
      if (!this.#endedAt.has(id)) this.violations.push(`${cmdId} has not ended for its client`);
      const state = this.opensips.calls.get(`first-${cmdId}`)?.state ?? 5;
      if (state !== 5) this.violations.push(`the first leg of ${cmdId} is left in state ${state}`);
    }
  }

  #count(what: string): void {
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  /** Starts the process of an adapter, in place of the one before. */
  #startAdapter(index: number): void {
    const clock = this.#clock;
    const network = {
      clock,
      delayMs: () => {
        const longest = clock.now < this.#isDelayedUntil ? LONG_DELAY_MS : USUAL_DELAY_MS;
        return Math.floor(this.#random() * longest);
      },
      takeFault: (direction: Direction) => {
        const fault = this.#frameFaults[direction].shift();
        if (fault) this.#count(`${fault}-${direction}`);
        return fault;
      },
    };
    const surroundings: AdapterSurroundings = {
      name: `adapter-${index}`,
      clock,
      random: this.#random,
      connect: (end: AdapterEnd) => {
        const connection = new SimulatedConnection(network, end, this.edge);
        this.edge.accept(connection);
        return connection;
      },
      run: (id, method, params, respond) => {
        this.#onRun(id, method);
        this.opensips.run(method, params as Record<string, string>, (response) => {
          if (this.#random() < this.#history.replyLoss) this.#count('lost-reply');
          else respond(response);
        });
      },
      onAcknowledged: (stream, seqs) => {
        for (const seq of seqs)
          if (!this.edge.hasStored(stream, seq))
            this.violations.push(`message ${seq} was acknowledged and is lost`);
      },
    };
    const mustApplyEvents = this.#history.adapters === 1;
    this.#adapters[index] = new SimulatedAdapter(
      `stream-${++this.#processes}`,
      surroundings,
      mustApplyEvents,
    );
  }

  #onEvent(event: EviEvent): void {
    for (const adapter of this.#adapters) adapter.onEvent(event);
  }

  #onSent(message: EdgeMessage): void {
    if ('ttl_ms' in message && message.ttl_ms > 0) this.#sentAt.set(message.id, this.#clock.now);
    else if ('ttl_ms' in message) this.#count('withdrawn');
  }

  #onRun(id: string, method: string): void {
    this.#count('requests');
    if (this.#ran.has(id)) this.violations.push(`${method} ${id} ran twice`);
    this.#ran.add(id);
    if (!STARTING.includes(method)) return;
    const commandId = Number(id.split('.')[1]);
    const endedAt = this.#endedAt.get(commandId) ?? Number.POSITIVE_INFINITY;
    const { now } = this.#clock;
    if ((this.#sentAt.get(id) ?? 0) > endedAt)
      this.violations.push(`${method} ${id} was sent after its command`);
    if (method !== 't_uac_dlg') return;
    this.#count('INVITEs');
    // What the network has held back is younger than its time to live, and the request that ends the call is right behind it.
    const mayBeHeldBack = this.#history.faults.some(({ kind }) => kind === 'stall');
    if (now > endedAt && !mayBeHeldBack)
      this.violations.push(`INVITE ${id} ran ${now - endedAt} ms after its command`);
    const age = now - (this.#startedAt.get(commandId) ?? now);
    if (age > LATEST_INVITE_MS) this.violations.push(`INVITE ${id} ran ${age} ms after its click`);
  }

  #beforeApplied(): void {
    if (!this.#throwsNext) return;
    this.#throwsNext = false;
    this.#count('exception');
    throw new Error('test');
  }

  #act({ method, index }: ClientAction): void {
    const cmdId = `${method}-${this.#started.length}`;
    const starts = this.#started.filter((command) => command.method === 'CallStart');
    const call = `call-${index % ACTIVE_CALLS}`;
    const newest = starts[starts.length - 1 - (index % Math.max(starts.length, 1))];
    const params = {
      CallStart: { caller: `sip:c${index}@10.0.0.7`, callee: `sip:d${index}@10.0.0.8` },
      CallEnd: { callid: newest?.cmdId ?? call },
      CallBlindTransfer: { callid: call, leg: 'callee', destination: `sip:e${index}@10.0.0.9` },
      CallHold: { callid: call },
    }[method];
    const command: NewCommand = { cmdId, method, params, subject: 'tester', session: 'one' };
    const started = this.edge.start(command, `first-${cmdId}`, (each) => this.opensips.isAcknowledged(each));
    if (!started) return;
    this.#count(newest && method === 'CallEnd' ? 'cancel' : method);
    this.#started.push(started);
    this.#startedAt.set(started.id, this.#clock.now);
  }

  #inject(kind: Fault['kind']): void {
    const [fault, direction] = kind.split('-');
    if (direction === 'up' || direction === 'down') {
      this.#frameFaults[direction].push(fault as FrameFault);
      return;
    }
    if (this.#injectAtOnce(kind)) this.#count(kind);
  }

  /** Returns whether the fault has happened. */
  #injectAtOnce(kind: Fault['kind']): boolean {
    const index = Math.floor(this.#random() * this.#adapters.length);
    const adapter = this.#adapters[index];
    if (!adapter) return false;
    switch (kind) {
      case 'half-open':
        return adapter.makeHalfOpen();
      case 'break':
        return adapter.breakConnection();
      case 'restart-adapter':
        adapter.stop();
        this.#startAdapter(index);
        return true;
      case 'hand-over':
        adapter.handOver(() => {
          if (this.#adapters[index] === adapter) this.#startAdapter(index);
        });
        return true;
      case 'crash-edge':
        this.edge.crash();
        return true;
      case 'hibernate-edge':
        return this.edge.hibernate();
      case 'stall':
        return adapter.stallConnection(this.#random() * LONGEST_STALL_MS);
      case 'delay':
        this.#isDelayedUntil = this.#clock.now + DELAY_LASTS_MS;
        return true;
      default:
        this.#throwsNext = true;
        return false;
    }
  }
}
