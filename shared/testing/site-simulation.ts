/**
 * Simulates a site on virtual time: commands of clients, the runner, the link, the adapter, the network, and OpenSIPS with its phones.
 * Two runners get the same inputs. One of them is repeatedly discarded and restored from its log. Both must have the same output.
 * @module
 */
import { expect } from 'vitest';
import { LONGEST_TIMER_MS } from '../commands/deadlines.ts';
import type { EviEvent } from '../opensips/evi.ts';
import { featuresOf } from '../opensips/features.ts';
import type { ReplyOutcome } from '../protocol/link.ts';
import type { CallCommand } from '../protocol/rpc/commands.ts';
import type { AdapterRequest } from '../runner/mi-requests.ts';
import { Runner } from '../runner/runner.ts';
import type { Command, Notification } from '../runner/stored-command.ts';
import type { CommandNotification } from '../runner/turn-output.ts';
import { MemoryLog } from './memory-log.ts';
import { FR_TIMEOUT_MS, type MiResponse, OpenSipsModel } from './opensips-model.ts';
import type { PhoneBehavior } from './phone-behavior.ts';
import { seededRandom, VirtualClock } from './virtual-clock.ts';

/** The behavior of the network between OpenSIPS and the adapter. The rates are from 0 to 1. */
export interface Network {
  readonly eventLoss: number;
  readonly eventDuplication: number;
  readonly replyLoss: number;
  /** The rate of requests that the adapter does not run. */
  readonly requestRejection: number;
  readonly maxDelayMs: number;
}

/** A time during which the link is down. */
export interface Outage {
  readonly at: number;
  readonly durationMs: number;
  /** The adapter restarts during the outage, so it connects with a new stream. */
  readonly restartsAdapter: boolean;
}

/** A time during which no event arrives. At its end the adapter reports a gap. */
export interface Gap {
  readonly at: number;
  readonly durationMs: number;
}

/** A command that a client sends. */
export interface ClientCommand {
  readonly at: number;
  readonly method: CallCommand;
  /** A CallEnd names its CallStart by `cmd_id` instead of Call-ID. */
  readonly byCmdId: boolean;
  /** Selects one of the calls or commands that exist at that time. */
  readonly targetIndex: number;
}

export interface Scenario {
  readonly seed: number;
  /** Whether the adapter sends requests within a dialog; otherwise transfers and holds use callops. */
  readonly hasInDialog: boolean;
  readonly behaviors: readonly PhoneBehavior[];
  readonly commands: readonly ClientCommand[];
  readonly network: Network;
  readonly outages: readonly Outage[];
  readonly gaps: readonly Gap[];
  /** The rate of turns after which the second runner is discarded and restored. */
  readonly hibernationRate: number;
  /** How much too late alarms are. */
  readonly alarmDelayMs: number;
}

/** A command as its client has seen it. */
export interface CommandRecord {
  readonly command: Command;
  readonly startedAt: number;
  readonly notifications: Notification[];
  endedAt?: number;
  /** A CallEnd has named it. */
  isCanceled: boolean;
}

/** An MI request that the runner has sent. */
export type SentRequest = { readonly stream: string; readonly connection: number; readonly text: string };

const IN_DIALOG = { refer: true, hold: true, timeout_ms: FR_TIMEOUT_MS };
const EPOCH = 'epoch';
const NEXT_HOP = 'sip:10.0.0.1:5060';
/** Active calls that commands can act on from the start. */
const ACTIVE_CALLS = 4;
/** Other active calls, so that the list of dialogs has several pages. */
const OTHER_CALLS = 11;

export class SiteSimulation {
  readonly records: CommandRecord[] = [];
  readonly seqs: number[] = [];
  /** MI requests by id. */
  readonly sentRequests = new Map<string, SentRequest[]>();
  /** The ids of the commands that have requested the end of a call, by its Call-ID. */
  readonly endRequests = new Map<string, Set<number>>();
  readonly opensips: OpenSipsModel;
  readonly #scenario: Scenario;
  readonly #clock = new VirtualClock();
  readonly #random: () => number;
  readonly #log = new MemoryLog();
  readonly #runner = new Runner(EPOCH, 1, []);
  #hibernatingRunner = new Runner(EPOCH, 1, []);
  #isLinkUp = true;
  #stream = 'stream-0';
  #connection = 0;
  /** Messages that the adapter could not deliver yet. */
  #outbox: (() => void)[] = [];
  /** The ids of requests that the adapter's process has received. */
  #receivedIds = new Set<string>();
  #lastEventAt = 0;
  #openGaps = 0;
  #turnAt = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#random = seededRandom(scenario.seed);
    this.opensips = new OpenSipsModel(
      this.#clock,
      (uri) => this.#behaviorOf(uri),
      (event) => this.#onEvent(event),
    );
    for (let n = 0; n < ACTIVE_CALLS + OTHER_CALLS; n++) {
      const { onHold } = this.opensips.addActiveCall(`call-${n}`, `sip:a${n}@10.0.0.5`, `sip:b${n}@10.0.0.6`);
      if (n === 1) onHold.fill(true);
      if (n === 2) onHold[0] = true;
    }
    this.#withBothRunners((runner) => runner.onLinkUp(this.#stream, 0));
    for (const command of scenario.commands)
      this.#clock.schedule(command.at, () => this.#startCommand(command));
    for (const outage of scenario.outages) this.#clock.schedule(outage.at, () => this.#startOutage(outage));
    for (const gap of scenario.gaps) this.#clock.schedule(gap.at, () => this.#startGap(gap));
  }

  /** The number of running commands. */
  get runningCount(): number {
    return this.#runner.size;
  }

  /** Runs until nothing is left to happen. */
  run(): void {
    for (let turn = 0; turn < 100_000; turn++) {
      const nextDue = Math.min(this.#runner.nextDue, this.#hibernatingRunner.nextDue);
      // A short wait ends by a timer, the others by the alarm.
      const isLate = nextDue > this.#turnAt + LONGEST_TIMER_MS;
      const alarmAt = nextDue + (isLate ? this.#scenario.alarmDelayMs : 0);
      const next = Math.min(this.#clock.nextDueAt, alarmAt);
      if (next === Number.POSITIVE_INFINITY) return;
      this.#clock.advanceTo(Math.max(next, this.#clock.now));
      if (alarmAt <= this.#clock.now)
        this.#withBothRunners((runner) => runner.fireDueTimers(this.#clock.now));
    }
    throw new Error('the simulation does not end');
  }

  #startCommand({ method, byCmdId, targetIndex }: ClientCommand): void {
    if (!this.#isLinkUp) return;
    const cmdId = `command-${this.records.length}`;
    const params = this.#paramsOf(method, byCmdId, targetIndex);
    const newCommand = { cmdId, method, params, subject: 'tester', session: 'one' };
    const options = {
      nextHop: NEXT_HOP,
      callid: `first-${cmdId}`,
      isAnswered: (callid: string) => this.opensips.isAcknowledged(callid),
      isKnown: (callid: string) => this.opensips.calls.has(callid),
      heldLegs: (callid: string) => this.opensips.heldLegs(callid),
      features: featuresOf(this.#scenario.hasInDialog ? { in_dialog: IN_DIALOG } : {}),
    };
    const target = this.records.find(({ command }) => command.cmdId === params['callid']);
    if (target) target.isCanceled = true;
    this.#hibernatingRunner.start(newCommand, options, this.#clock.now);
    const command = this.#runner.start(newCommand, options, this.#clock.now);
    this.records.push({ command, startedAt: this.#clock.now, notifications: [], isCanceled: false });
    this.#commit();
  }

  #paramsOf(method: CallCommand, byCmdId: boolean, targetIndex: number): Record<string, string> {
    const pick = (ids: readonly string[], index: number) => ids[index % Math.max(ids.length, 1)] ?? 'call-0';
    const startIds = this.records
      .filter(({ command }) => command.method === 'CallStart')
      .map(({ command }) => command.cmdId);
    const callids = [...Array(ACTIVE_CALLS).keys()]
      .map((n) => `call-${n}`)
      .concat(startIds.flatMap((cmdId) => [`first-${cmdId}`, `new-of-first-${cmdId}`]));
    const callid = pick(callids, targetIndex);
    switch (method) {
      case 'CallStart':
        return { caller: this.#callerOf(targetIndex), callee: `sip:d${targetIndex}@10.0.0.8` };
      case 'CallEnd':
        return { callid: byCmdId ? pick(startIds, targetIndex) : callid };
      case 'CallBlindTransfer':
        return { callid, leg: 'callee', destination: `sip:e${targetIndex}@10.0.0.9` };
      case 'CallAttendedTransfer':
        return { callidA: callid, legA: 'callee', callidB: pick(callids, targetIndex + 1), legB: 'callee' };
      default:
        return { callid };
    }
  }

  #behaviorOf(uri: string): PhoneBehavior {
    const { behaviors } = this.#scenario;
    const behavior = behaviors[Number(/\d+/.exec(uri)?.[0] ?? 0) % behaviors.length];
    if (!behavior) throw new Error('a scenario needs a behavior');
    return behavior;
  }

  /** The calls of a phone that strips parameters cannot be told apart, so each such phone makes only one. */
  #callerOf(targetIndex: number): string {
    const caller = `sip:c${targetIndex}@10.0.0.7`;
    if (!this.#behaviorOf(caller).stripsParameters) return caller;
    return `sip:c${targetIndex}-${this.records.length}@10.0.0.7`;
  }

  #withBothRunners(act: (runner: Runner) => void): void {
    act(this.#runner);
    act(this.#hibernatingRunner);
    this.#commit();
  }

  #commit(): void {
    this.#turnAt = this.#clock.now;
    const output = this.#runner.takeOutput();
    const restoredOutput = this.#hibernatingRunner.takeOutput();
    expect(restoredOutput.requests, 'the restored runner sends the same requests').toEqual(output.requests);
    expect(
      restoredOutput.notifications.map(withCmdId),
      'the restored runner sends the same notifications',
    ).toEqual(output.notifications.map(withCmdId));
    this.#log.append(restoredOutput, this.#hibernatingRunner);
    for (const { command, notification } of output.notifications) {
      this.seqs.push(notification.seq);
      const record = this.records.find((candidate) => candidate.command === command);
      if (!record) throw new Error(`no client has sent ${command.cmdId}`);
      record.notifications.push(notification);
      if (notification.event === 'Ended') record.endedAt ??= this.#clock.now;
    }
    for (const request of output.requests) this.#send(request);
    if (this.#random() < this.#scenario.hibernationRate) this.#hibernate();
  }

  #hibernate(): void {
    this.#hibernatingRunner = this.#log.restoreRunner(EPOCH);
    if (this.#isLinkUp) this.#hibernatingRunner.onLinkRestored(this.#stream);
  }

  #send(request: AdapterRequest): void {
    const { id, method, params } = request;
    const earlier = this.sentRequests.get(id) ?? [];
    const text = JSON.stringify([method, params]);
    this.sentRequests.set(id, [...earlier, { stream: this.#stream, connection: this.#connection, text }]);
    const connection = this.#connection;
    this.#clock.schedule(this.#randomDelay(), () => {
      // What was in transit when the link went down may have arrived or not.
      if (connection !== this.#connection && this.#random() < 0.5) return;
      if (this.#stream === this.sentRequests.get(id)?.at(-1)?.stream) this.#runRequest(request);
    });
  }

  /** The adapter runs each request once, and always reports its outcome. */
  #runRequest({ id, method, params, timeout_ms }: AdapterRequest): void {
    if (this.#receivedIds.has(id)) return;
    this.#receivedIds.add(id);
    const stream = this.#stream;
    let isPending = true;
    const report = (reply: MiResponse | { outcome: ReplyOutcome }) => {
      if (!isPending || stream !== this.#stream) return;
      isPending = false;
      this.#deliver(() =>
        this.#withBothRunners((runner) => runner.onReply({ id, ...reply }, this.#clock.now)),
      );
    };
    if (this.#random() < this.#scenario.network.requestRejection) {
      report({ outcome: this.#random() < 0.5 ? 'refused' : 'expired' });
      return;
    }
    if (method === 'dlg_end_dlg') {
      const callid = String(params['dialog_id']);
      const commandId = Number(id.split('.')[1]);
      this.endRequests.set(callid, (this.endRequests.get(callid) ?? new Set()).add(commandId));
    }
    this.#clock.schedule(timeout_ms, () => report({ outcome: 'timeout' }));
    this.opensips.run(method, params, (response) => {
      if (this.#random() < this.#scenario.network.replyLoss) return;
      this.#clock.schedule(this.#randomDelay(), () => report(response));
    });
  }

  /** Events keep their order. Replies arrive on other sockets, so they can overtake events. */
  #onEvent(event: EviEvent): void {
    const { eventLoss, eventDuplication } = this.#scenario.network;
    if (this.#openGaps > 0 || this.#random() < eventLoss) return;
    this.#lastEventAt = Math.max(this.#lastEventAt, this.#clock.now + this.#randomDelay());
    const copies = this.#random() < eventDuplication ? 2 : 1;
    const stream = this.#stream;
    for (let copy = 0; copy < copies; copy++) {
      this.#clock.schedule(this.#lastEventAt - this.#clock.now, () => {
        if (stream !== this.#stream) return;
        this.#deliver(() =>
          this.#withBothRunners((runner) =>
            runner.onEvent(event, this.#clock.now, this.#clock.now, (callid) => callid.startsWith('first-')),
          ),
        );
      });
    }
  }

  #deliver(message: () => void): void {
    if (this.#isLinkUp) message();
    else this.#outbox.push(message);
  }

  #startOutage({ durationMs, restartsAdapter }: Outage): void {
    if (!this.#isLinkUp) return;
    this.#isLinkUp = false;
    this.#connection++;
    this.#withBothRunners((runner) => runner.onLinkDown());
    if (restartsAdapter) this.#restartAdapter();
    this.#clock.schedule(durationMs, () => {
      this.#isLinkUp = true;
      this.#withBothRunners((runner) => runner.onLinkUp(this.#stream, this.#clock.now));
      if (restartsAdapter) this.#resync();
      for (const message of this.#outbox.splice(0)) message();
    });
  }

  #restartAdapter(): void {
    this.#stream = `stream-${this.#connection}`;
    this.#receivedIds = new Set();
    this.#outbox = [];
  }

  #startGap({ durationMs }: Gap): void {
    this.#openGaps++;
    this.#clock.schedule(durationMs, () => {
      this.#openGaps--;
      this.#deliver(() => this.#resync());
    });
  }

  #resync(): void {
    this.#withBothRunners((runner) => runner.resync(this.#clock.now));
  }

  #randomDelay = () => Math.floor(this.#random() * this.#scenario.network.maxDelayMs);
}

const withCmdId = ({ command: { cmdId }, notification }: CommandNotification) => ({ cmdId, ...notification });
