/**
 * A site on virtual time: clients' commands, the runner, the link, the adapter, the network and OpenSIPS with its phones.
 * Two runners get the same inputs; one of them is thrown away and rebuilt from what it stored, now and then. All that
 * they ask for and tell must be the same.
 * @module
 */
import { expect } from 'vitest';
import type { EviEvent } from '../evi.ts';
import type { Mi, Outcome } from '../link.ts';
import type { Method } from '../methods.ts';
import { Runner } from '../runner.ts';
import type { Command, Told } from '../stored-command.ts';
import { Clock, dice } from './clock.ts';
import { Log } from './log.ts';
import { type Answer, type Manners, OpenSips } from './opensips.ts';

/** What a network does to datagrams: the share of those dropped, doubled, lost or never sent, and its delays in ms. */
export interface Network {
  readonly eventsDropped: number;
  readonly eventsDoubled: number;
  readonly repliesLost: number;
  readonly requestsRefused: number;
  readonly delay: number;
}

/** A time for which the link is down; `fresh`: the adapter was restarted, and comes back with a new stream. */
export interface Outage {
  readonly at: number;
  readonly lasts: number;
  readonly fresh: boolean;
}

/** A time for which no event is heard; at its end the adapter says that something may be missing. */
export interface Gap {
  readonly at: number;
  readonly lasts: number;
}

/** What a client asks for; `target` picks one of the calls or commands that there are by then. */
export interface Wish {
  readonly at: number;
  readonly method: Method;
  readonly byName: boolean;
  readonly target: number;
}

export interface Scenario {
  readonly seed: number;
  readonly manners: readonly Manners[];
  readonly wishes: readonly Wish[];
  readonly network: Network;
  readonly outages: readonly Outage[];
  readonly gaps: readonly Gap[];
  /** The share of turns after which the second runner sleeps. */
  readonly sleeps: number;
  /** An alarm comes so much too late, in ms. */
  readonly alarmLag: number;
}

/** A command as its client saw it. */
export interface Story {
  readonly command: Command;
  readonly begun: number;
  readonly told: Told[];
  ended?: number;
  /** A CallEnd named it. */
  cancelled: boolean;
}

/** A request as it left. */
export interface Sent {
  readonly stream: string;
  readonly connection: number;
  readonly text: string;
}

const EPOCH = 'epoch';
const surroundings = { nextHop: 'sip:10.0.0.1:5060' };
/** Calls that stand before anything is asked for. */
const STANDING = 4;
/** Calls of others, so that the list of dialogs has pages. */
const OTHERS = 11;

export class World {
  readonly stories: Story[] = [];
  readonly seqs: number[] = [];
  readonly sent = new Map<string, Sent[]>();
  /** Which command asked for the end of a call. */
  readonly endedBy = new Map<string, Set<number>>();
  readonly opensips: OpenSips;
  readonly #scenario: Scenario;
  readonly #clock = new Clock();
  readonly #random: () => number;
  readonly #log = new Log();
  readonly #steady = new Runner(EPOCH, 1, []);
  #sleeper = new Runner(EPOCH, 1, []);
  #up = true;
  #stream = 'stream-0';
  #connection = 0;
  /** What the adapter could not deliver yet. */
  #outbox: (() => void)[] = [];
  /** Ids that the adapter's process has run, or is running. */
  #seen = new Set<string>();
  #lastEvent = 0;
  /** How many gaps there are just now. */
  #deaf = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#random = dice(scenario.seed);
    this.opensips = new OpenSips(
      this.#clock,
      (uri) => this.#mannersOf(uri),
      (event) => this.#raised(event),
    );
    for (let at = 0; at < STANDING + OTHERS; at++) {
      const { held } = this.opensips.standing(`call-${at}`, `sip:a${at}@10.0.0.5`, `sip:b${at}@10.0.0.6`);
      if (at === 1) held.fill(true);
      if (at === 2) held[0] = true;
    }
    this.#both((runner) => runner.linkUp(this.#stream, 0));
    for (const wish of scenario.wishes) this.#clock.in(wish.at, () => this.#ask(wish));
    for (const outage of scenario.outages) this.#clock.in(outage.at, () => this.#break(outage));
    for (const gap of scenario.gaps) this.#clock.in(gap.at, () => this.#miss(gap));
  }

  /** How many commands still run. */
  get running(): number {
    return this.#steady.size;
  }

  /** Lets time pass until nothing is left to happen. */
  run(): void {
    for (let turn = 0; turn < 100_000; turn++) {
      const alarm = Math.min(this.#steady.due, this.#sleeper.due) + this.#scenario.alarmLag;
      const next = Math.min(this.#clock.due, alarm);
      if (next === Number.POSITIVE_INFINITY) return;
      this.#clock.advance(Math.max(next, this.#clock.now));
      if (alarm <= this.#clock.now) this.#both((runner) => runner.tick(this.#clock.now));
    }
    throw new Error('it never ends');
  }

  #ask({ method, byName, target }: Wish): void {
    if (!this.#up) return;
    const cmdId = `command-${this.stories.length}`;
    const params = this.#paramsOf(method, byName, target);
    const what = { cmdId, method, params, subject: 'tester', session: 'one' };
    const context = { ...surroundings, callid: `first-${cmdId}` };
    const named = this.stories.find(({ command }) => command.cmdId === params['callid']);
    if (named) named.cancelled = true;
    this.#sleeper.start(what, context, this.#clock.now);
    const command = this.#steady.start(what, context, this.#clock.now);
    this.stories.push({ command, begun: this.#clock.now, told: [], cancelled: false });
    this.#commit();
  }

  #paramsOf(method: Method, byName: boolean, target: number): Record<string, string> {
    const pick = (from: readonly string[], at: number) => from[at % Math.max(from.length, 1)] ?? 'call-0';
    const starts = this.stories.filter(({ command }) => command.method === 'CallStart');
    const calls = [...Array(STANDING).keys()]
      .map((at) => `call-${at}`)
      .concat(starts.flatMap(({ command: { cmdId } }) => [`first-${cmdId}`, `new-of-first-${cmdId}`]));
    const callid = pick(calls, target);
    switch (method) {
      case 'CallStart':
        return { caller: this.#callerOf(target), callee: `sip:d${target}@10.0.0.8` };
      case 'CallEnd':
        return {
          callid: byName
            ? pick(
                starts.map(({ command }) => command.cmdId),
                target,
              )
            : callid,
        };
      case 'CallBlindTransfer':
        return { callid, leg: 'callee', destination: `sip:e${target}@10.0.0.9` };
      case 'CallAttendedTransfer':
        return { callidA: callid, legA: 'callee', callidB: pick(calls, target + 1), legB: 'callee' };
      default:
        return { callid };
    }
  }

  #mannersOf(uri: string): Manners {
    const { manners } = this.#scenario;
    const found = manners[Number(/\d+/.exec(uri)?.[0] ?? 0) % manners.length];
    if (!found) throw new Error('a scenario needs manners');
    return found;
  }

  /** Nobody can tell the bare calls of one phone apart, so such a phone makes one only. */
  #callerOf(target: number): string {
    const caller = `sip:c${target}@10.0.0.7`;
    return this.#mannersOf(caller).bare ? `sip:c${target}-${this.stories.length}@10.0.0.7` : caller;
  }

  #both(act: (runner: Runner) => void): void {
    act(this.#steady);
    act(this.#sleeper);
    this.#commit();
  }

  #commit(): void {
    const turnout = this.#steady.take();
    const same = this.#sleeper.take();
    expect(same.requests, 'a runner that slept asks for the same').toEqual(turnout.requests);
    expect(same.told.map(inShort), 'a runner that slept tells the same').toEqual(turnout.told.map(inShort));
    this.#log.append(same, this.#sleeper);
    for (const { command, told } of turnout.told) {
      this.seqs.push(told.seq);
      const story = this.stories.find((each) => each.command === command);
      if (!story) throw new Error(`nobody asked for ${command.cmdId}`);
      story.told.push(told);
      if (told.event === 'Ended') story.ended ??= this.#clock.now;
    }
    for (const mi of turnout.requests) this.#send(mi);
    if (this.#random() < this.#scenario.sleeps) this.#sleep();
  }

  #sleep(): void {
    this.#sleeper = this.#log.awake(EPOCH);
    if (this.#up) this.#sleeper.linkStands(this.#stream);
  }

  #send(mi: Mi): void {
    const { id, method, params } = mi;
    const before = this.sent.get(id) ?? [];
    const text = JSON.stringify([method, params]);
    this.sent.set(id, [...before, { stream: this.#stream, connection: this.#connection, text }]);
    const connection = this.#connection;
    this.#clock.in(this.#delay(), () => {
      // What was under way when the link broke may have come through or not.
      if (connection !== this.#connection && this.#random() < 0.5) return;
      if (this.#stream === this.sent.get(id)?.at(-1)?.stream) this.#run(mi);
    });
  }

  /** The adapter: runs each request once, and always says what became of it. */
  #run({ id, method, params, timeout_ms }: Mi): void {
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    const stream = this.#stream;
    let open = true;
    const report = (reply: Answer | { outcome: Outcome }) => {
      if (!open || stream !== this.#stream) return;
      open = false;
      this.#deliver(() => this.#both((runner) => runner.reply({ id, ...reply }, this.#clock.now)));
    };
    if (this.#random() < this.#scenario.network.requestsRefused) {
      report({ outcome: this.#random() < 0.5 ? 'refused' : 'expired' });
      return;
    }
    if (method === 'dlg_end_dlg') {
      const callid = String(params['dialog_id']);
      this.endedBy.set(callid, (this.endedBy.get(callid) ?? new Set()).add(Number(id.split('.')[1])));
    }
    this.#clock.in(timeout_ms, () => report({ outcome: 'timeout' }));
    this.opensips.run(method, params, (answer) => {
      if (this.#random() < this.#scenario.network.repliesLost) return;
      this.#clock.in(this.#delay(), () => report(answer));
    });
  }

  /** Events keep their order among one another; replies come on sockets of their own. */
  #raised(event: EviEvent): void {
    const { eventsDropped, eventsDoubled } = this.#scenario.network;
    if (this.#deaf > 0 || this.#random() < eventsDropped) return;
    this.#lastEvent = Math.max(this.#lastEvent, this.#clock.now + this.#delay());
    const copies = this.#random() < eventsDoubled ? 2 : 1;
    const stream = this.#stream;
    for (let copy = 0; copy < copies; copy++) {
      this.#clock.in(this.#lastEvent - this.#clock.now, () => {
        if (stream !== this.#stream) return;
        this.#deliver(() => this.#both((runner) => runner.event(event, this.#clock.now, this.#clock.now)));
      });
    }
  }

  #deliver(message: () => void): void {
    if (this.#up) message();
    else this.#outbox.push(message);
  }

  #break({ lasts, fresh }: Outage): void {
    if (!this.#up) return;
    this.#up = false;
    this.#connection++;
    this.#both((runner) => runner.linkDown());
    if (fresh) this.#restart();
    this.#clock.in(lasts, () => {
      this.#up = true;
      this.#both((runner) => runner.linkUp(this.#stream, this.#clock.now));
      if (fresh) this.#settle();
      for (const message of this.#outbox.splice(0)) message();
    });
  }

  #restart(): void {
    this.#stream = `stream-${this.#connection}`;
    this.#seen = new Set();
    this.#outbox = [];
  }

  #miss({ lasts }: Gap): void {
    this.#deaf++;
    this.#clock.in(lasts, () => {
      this.#deaf--;
      this.#deliver(() => this.#settle());
    });
  }

  #settle(): void {
    this.#both((runner) => runner.settle(this.#clock.now));
  }

  #delay(): number {
    return Math.floor(this.#random() * this.#scenario.network.delay);
  }
}

function inShort({ command, told }: { command: Command; told: Told }): unknown {
  return { cmdId: command.cmdId, ...told };
}
