/**
 * Feeds running commands with what happens and gathers what they ask for. It is pure: storage, clock, alarms and
 * sockets belong to whoever runs it, the Switchboard with SQL or the command line with memory.
 * @module
 */
import type { Metadata } from './calls.ts';
import type { Action, CommandError, Context, Input, State } from './command.ts';
import { machineOf } from './commands/index.ts';
import { Copies } from './copies.ts';
import { Due } from './due.ts';
import type { EviEvent } from './evi.ts';
import type { Mi, Outcome, Reply } from './link.ts';
import type { Method } from './methods.ts';
import type { MiCommand } from './mi.ts';

/** One notification of a command, numbered within the site. */
export interface Told {
  readonly seq: number;
  readonly event: string;
  readonly data?: unknown;
  readonly error?: CommandError;
}

/** An MI request that is not answered yet. */
interface Pending {
  readonly n: number;
  readonly command: MiCommand;
  /** When it must have been answered, in Unix milliseconds. */
  readonly deadline: number;
  /** The adapter's process that it was given to; none while the link is down. */
  stream?: string;
}

/** A command as it is stored. Plain JSON. */
export interface Command {
  /** Unique within the site, rising. */
  readonly id: number;
  readonly cmdId: string;
  readonly method: Method;
  readonly params: unknown;
  /** Whose it is: `cmd_id` is unique for each subject. */
  readonly subject: string;
  /** Whose a call is that it makes; absent: its own subject's. */
  readonly owner?: string;
  /** Call-IDs of the calls that it acts on; of a CallStart, its first leg's. */
  readonly calls?: readonly string[];
  /** What its client, or an earlier command's, has given the call that it acts on; its own stands in its params. */
  readonly metadata?: Metadata;
  /** The client session that is told. */
  session: string;
  /** `null` once it is over. */
  state: State | null;
  /** MI requests asked so far. */
  asked: number;
  readonly pending: Record<string, Pending>;
  /** Due times in Unix milliseconds. */
  readonly timers: Record<string, number>;
  readonly told: Told[];
  /** Commands that want to know when this one has ended. */
  readonly cancelledBy: number[];
  /** Where its newest stored copy stands. */
  position: number;
}

/** What one turn brought. */
export interface Turnout {
  /** Commands as they stand now, each lot to be stored at its position. */
  readonly rows: readonly { readonly position: number; readonly commands: readonly Command[] }[];
  readonly requests: readonly Mi[];
  readonly told: readonly Telling[];
}

/** What a session is to be told of its command. */
export interface Telling {
  readonly command: Command;
  readonly told: Told;
  /** It was told before, to another session. */
  readonly again?: true;
}

/** What a new command is made of. */
export interface NewCommand {
  readonly cmdId: string;
  readonly method: Method;
  readonly params: unknown;
  readonly subject: string;
  readonly session: string;
  readonly owner?: string;
  readonly calls?: readonly string[];
  readonly metadata?: Metadata;
}

/** What a command may know that the runner does not. */
export interface Surroundings extends Pick<Context, 'callid' | 'nextHop'> {
  /** What it works with in place of its params: those are what it is known by when it is asked for again. */
  readonly instead?: unknown;
  /** A command of the same subject that has ended, where such are kept. */
  readonly ended?: (cmdId: string) => Command | undefined;
  /** Whether the dialog of that Call-ID is known to stand answered; where nothing is said, none is. */
  readonly isAnswered?: Context['isAnswered'];
}

/** An answer may be this much under way after the adapter's own deadline, in milliseconds. */
const LINK_GRACE_MS = 1_000;
/**
 * Commands to a row: mostly they have 2 to 6 KB each, a CallStart with headers, metadata and URIs as long as they may be
 * 20 KB. So they stay well under the 2 MB that a row may have.
 */
const ROW_COMMANDS = 50;
/**
 * A copy that lies further back is stored anew, so that waking up reads little: so many positions, and so many more
 * for each command that runs, so that a turn does not carry the more the more run.
 */
const REACH = 2_000;
const REACH_EACH = 8;

export class Runner {
  readonly #epoch: string;
  /** The next number: of a command, a notification or a stored turn. */
  #position: number;
  /** By id. */
  readonly #running = new Map<number, Command>();
  readonly #byName = new Map<string, Command>();
  readonly #byCallid = new Map<string, Set<Command>>();
  /** How many commands of each session run, and how many CallStarts in all: no message counts them. */
  readonly #inFlight = new Map<string, number>();
  #starts = 0;
  readonly #hear: (command: Command, told: Told) => void;
  #stream: string | null = null;
  /** By their next timer or deadline; one that was stopped since may leave a time too early, never too late. */
  readonly #due = new Due<Command>();
  readonly #copies = new Copies<Command>();
  /** MI requests that are not answered yet, but for INVITEs, which wait for a person. */
  #awaited = 0;

  #now = 0;
  #inputs: [command: Command, input: Input][] = [];
  #changed = new Set<Command>();
  #requests: Mi[] = [];
  #told: Telling[] = [];

  /**
   * @param epoch random for each storage, so that ids of MI requests are never used twice
   * @param position the first number that is free
   * @param commands those that were running, by where their newest copies stand
   * @param hear is told what a command tells its client, in order and before the turn is over
   */
  constructor(
    epoch: string,
    position: number,
    commands: readonly Command[],
    hear: (command: Command, told: Told) => void = () => {},
  ) {
    this.#epoch = epoch;
    this.#position = position;
    this.#hear = hear;
    for (const command of [...commands].sort(byId)) {
      this.#running.set(command.id, command);
      this.#count(command, 1);
      this.#byName.set(key(command.subject, command.cmdId), command);
      for (const callid of command.state?.follows ?? []) this.#follow(callid, command);
      this.#awaited += brisk(command);
      this.#noteDue(command);
    }
    for (const command of commands) this.#copies.stored(command.position, [command]);
  }

  /** How many commands run. */
  get size(): number {
    return this.#running.size;
  }

  /** Takes the next number of the site: for what is told to clients and is no command's. */
  number(): number {
    return this.#position++;
  }

  /** The last number that was given. */
  get last(): number {
    return this.#position - 1;
  }

  /** The commands that run. */
  get running(): Iterable<Command> {
    return this.#running.values();
  }

  /** How many CallStarts run. */
  get starts(): number {
    return this.#starts;
  }

  /** How many commands of a session run. */
  inFlight(subject: string, session: string): number {
    return this.#inFlight.get(key(subject, session)) ?? 0;
  }

  /** The commands that follow a Call-ID. */
  following(callid: string): Iterable<Command> {
    return this.#byCallid.get(callid) ?? [];
  }

  /** When {@link tick} is due next, in Unix milliseconds; infinity for never. */
  get due(): number {
    return this.#due.first;
  }

  /** MI requests under way that OpenSIPS answers at once: how busy the site is, however many phones ring. */
  get awaited(): number {
    return this.#awaited;
  }

  /** There is something to store. */
  get changed(): boolean {
    return this.#changed.size > 0;
  }

  /** There is something to send, once it is stored. */
  get speaks(): boolean {
    return this.#requests.length > 0 || this.#told.length > 0;
  }

  /** The command of that name that runs, or has ended since the last {@link take}. */
  find(subject: string, cmdId: string): Command | undefined {
    return this.#byName.get(key(subject, cmdId));
  }

  /** Starts a command whose params have been checked. */
  start(what: NewCommand, surroundings: Surroundings, now: number): Command {
    this.#now = now;
    const command: Command = {
      ...what,
      id: this.#position++,
      state: null,
      asked: 0,
      pending: {},
      timers: {},
      told: [],
      cancelledBy: [],
      position: 0,
    };
    this.#running.set(command.id, command);
    this.#count(command, 1);
    this.#byName.set(key(command.subject, command.cmdId), command);
    this.#changed.add(command);
    const { instead = what.params, ended, isAnswered = () => false, ...context } = surroundings;
    const call = (cmdId: string) => callNamed(this.find(command.subject, cmdId) ?? ended?.(cmdId));
    const { state, actions } = machineOf(what.method).start(instead, { ...context, call, isAnswered });
    this.#apply(command, state, actions);
    this.#work();
    return command;
  }

  /** Tells again, to a session that has taken a command up, all that was told; what comes is told there too. */
  retell(command: Command, session: string): void {
    if (this.#running.get(command.id) === command && command.session !== session) {
      this.#count(command, -1);
      command.session = session;
      this.#count(command, 1);
      this.#changed.add(command);
    }
    for (const told of command.told) this.#told.push({ command: { ...command, session }, told, again: true });
  }

  /** An adapter's answer to an MI request; one that nobody waits for any more is passed over. */
  reply(reply: Omit<Reply, 'type' | 'seq'>, now: number): void {
    this.#now = now;
    const [epoch, id, n] = reply.id.split('.');
    const command = this.#running.get(Number(id));
    if (!command || epoch !== this.#epoch) return;
    const as = Object.keys(command.pending).find((name) => command.pending[name]?.n === Number(n));
    if (as === undefined) return;
    this.#settled(command, as);
    if (reply.error) this.#give(command, { type: 'refusal', to: as, error: reply.error });
    else if (reply.outcome) this.#give(command, { type: 'no-answer', to: as, ...fates[reply.outcome] });
    else this.#give(command, { type: 'reply', to: as, result: reply.result });
    this.#work();
  }

  /** An EVI event; `at` in milliseconds of the adapter's clock. Those of unknown Call-IDs cost nothing. */
  event(event: EviEvent, at: number, now: number): void {
    this.#now = now;
    const followers = [...(this.#byCallid.get(event.params.callid) ?? [])];
    // Oldest first, whether we slept in between or not.
    for (const command of followers.sort(byId)) {
      this.#give(command, { type: 'event', event, at });
    }
    this.#work();
  }

  /** Events may have been missed: each command asks OpenSIPS how its dialogs stand. */
  settle(now: number): void {
    this.#now = now;
    for (const command of this.#running.values()) this.#give(command, { type: 'settle' });
    this.#work();
  }

  /** Time has passed: fires the timers that are due, in the order of their due times. */
  tick(now: number): void {
    this.#now = now;
    const commands: Command[] = [];
    for (let next = this.#due.take(now); next; next = this.#due.take(now)) commands.push(next);
    const due: { at: number; fire: () => void }[] = [];
    // Oldest first where two are due at once, whether we slept in between or not.
    for (const command of commands.sort(byId)) {
      for (const [timer, at] of Object.entries(command.timers)) {
        if (at <= now) due.push({ at, fire: () => this.#fire(command, timer, at) });
      }
      for (const [as, { deadline, n }] of Object.entries(command.pending)) {
        const at = deadline + LINK_GRACE_MS;
        if (at <= now)
          due.push({ at, fire: () => this.#giveUp(command, as, n, 'no answer within its deadline') });
      }
    }
    for (const { fire } of due.sort((a, b) => a.at - b.at)) {
      fire();
      this.#work();
    }
    for (const command of commands) if (command.state) this.#noteDue(command);
  }

  /**
   * The link is up. Requests that this process of the adapter has not answered are sent (again); those that
   * another had been given may have run or not, and are never sent again.
   */
  linkUp(stream: string, now: number): void {
    this.#now = now;
    this.#stream = stream;
    for (const command of this.#running.values()) {
      for (const [as, pending] of Object.entries(command.pending)) {
        if (pending.stream !== undefined && pending.stream !== stream) {
          this.#giveUp(command, as, pending.n, 'the adapter was restarted');
        } else if (pending.deadline > now) {
          if (pending.stream === undefined) this.#changed.add(command);
          pending.stream = stream;
          this.#send(command, pending);
        }
      }
    }
    this.#work();
  }

  /** The link to this process of the adapter still stands: after a sleep of ours. */
  linkStands(stream: string): void {
    this.#stream = stream;
  }

  /** The link is down: requests wait until it is back or their deadline has passed. */
  linkDown(): void {
    this.#stream = null;
  }

  /** What has come about since the last call: store it, then send it. */
  take(): Turnout {
    this.#carryForward();
    const changed = [...this.#changed];
    const rows: Turnout['rows'][number][] = [];
    for (let at = 0; at < changed.length; at += ROW_COMMANDS) {
      const commands = changed.slice(at, at + ROW_COMMANDS);
      const position = this.#position++;
      for (const command of commands) {
        command.position = position;
        if (!command.state) this.#byName.delete(key(command.subject, command.cmdId));
      }
      this.#copies.stored(
        position,
        commands.filter(({ state }) => state),
      );
      rows.push({ position, commands });
    }
    const turnout = { rows, requests: this.#requests, told: this.#told };
    this.#changed = new Set();
    this.#requests = [];
    this.#told = [];
    return turnout;
  }

  /** Where the oldest stored copy stands that waking up needs; `position` if there is none. */
  floor(position: number): number {
    return Math.min(this.#copies.oldest, position);
  }

  #give(command: Command, input: Input): void {
    this.#inputs.push([command, input]);
  }

  #work(): void {
    for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) {
      const [command, input] = next;
      if (!command.state) continue;
      const before = command.state;
      const { state, actions } = machineOf(command.method).step(before, input);
      // An event that changes nothing costs nothing. Any other input has used up a timer or a request.
      const idle = input.type === 'event' && actions.length === 0;
      if (idle && JSON.stringify(state) === JSON.stringify(before)) continue;
      this.#changed.add(command);
      this.#apply(command, state, actions);
    }
  }

  #apply(command: Command, state: State | null, actions: readonly Action[]): void {
    this.#refollow(command, command.state?.follows ?? [], state?.follows ?? []);
    command.state = state;
    for (const action of actions) this.#act(command, action);
    if (state || !this.#running.delete(command.id)) return;
    this.#count(command, -1);
    // Nobody waits any more: what is kept of it for long is what it was and what it told.
    for (const as of Object.keys(command.pending)) this.#settled(command, as);
    for (const timer of Object.keys(command.timers)) delete command.timers[timer];
    this.#due.forget(command);
    this.#copies.forget(command);
  }

  #count({ subject, session, method }: Command, change: 1 | -1): void {
    const name = key(subject, session);
    const count = (this.#inFlight.get(name) ?? 0) + change;
    if (count > 0) this.#inFlight.set(name, count);
    else this.#inFlight.delete(name);
    if (method === 'CallStart') this.#starts += change;
  }

  #act(command: Command, action: Action): void {
    switch (action.type) {
      case 'request':
        this.#request(command, action.as, action.command, action.timeout);
        break;
      case 'notify':
        this.#tell(
          command,
          action.data === undefined ? { event: action.event } : { event: action.event, data: action.data },
        );
        break;
      case 'error':
        this.#tell(command, { event: 'Error', data: action.sentence, error: action.error });
        break;
      case 'ended':
        this.#tell(command, { event: 'Ended' });
        for (const id of command.cancelledBy) {
          const waiting = this.#running.get(id);
          if (waiting) this.#give(waiting, { type: 'cancelled' });
        }
        break;
      case 'timer':
        command.timers[action.timer] = this.#now + action.ms;
        this.#due.note(command, this.#now + action.ms);
        break;
      case 'stop':
        delete command.timers[action.timer];
        break;
      case 'cancel': {
        const target = this.find(command.subject, action.cmdId);
        if (!target) break;
        target.cancelledBy.push(command.id);
        this.#give(target, { type: 'cancel' });
      }
    }
  }

  #tell(command: Command, what: Omit<Told, 'seq'>): void {
    const told = { seq: this.#position++, ...what };
    command.told.push(told);
    this.#told.push({ command, told });
    this.#hear(command, told);
  }

  #request(command: Command, as: string, mi: MiCommand, timeout: number): void {
    this.#settled(command, as);
    const pending: Pending = { n: command.asked++, command: mi, deadline: this.#now + timeout };
    command.pending[as] = pending;
    this.#awaited += isBrisk(pending) ? 1 : 0;
    this.#due.note(command, pending.deadline + LINK_GRACE_MS);
    if (this.#stream === null) return;
    pending.stream = this.#stream;
    this.#send(command, pending);
  }

  #send(command: Command, { n, command: { method, params }, deadline }: Pending): void {
    const left = deadline - this.#now;
    const id = `${this.#epoch}.${command.id}.${n}`;
    this.#requests.push({ type: 'mi', id, method, params, timeout_ms: left, ttl_ms: left });
  }

  #fire(command: Command, timer: string, at: number): void {
    if (command.timers[timer] !== at) return;
    delete command.timers[timer];
    this.#give(command, { type: 'timer', timer });
  }

  #giveUp(command: Command, as: string, n: number, why: string): void {
    const pending = command.pending[as];
    if (pending?.n !== n) return;
    this.#settled(command, as);
    const sent = pending.stream !== undefined;
    this.#give(command, {
      type: 'no-answer',
      to: as,
      fate: sent ? 'unknown' : 'not-run',
      why: sent ? why : 'no adapter was connected',
    });
  }

  /** The request has had its answer, or will have none. */
  #settled(command: Command, as: string): void {
    const pending = command.pending[as];
    if (pending && isBrisk(pending)) this.#awaited -= 1;
    delete command.pending[as];
  }

  #noteDue(command: Command): void {
    const deadlines = Object.values(command.pending).map(({ deadline }) => deadline + LINK_GRACE_MS);
    const next = Math.min(...Object.values(command.timers), ...deadlines);
    if (Number.isFinite(next)) this.#due.note(command, next);
  }

  #refollow(command: Command, before: readonly string[], after: readonly string[]): void {
    for (const callid of before) if (!after.includes(callid)) this.#unfollow(callid, command);
    for (const callid of after) if (!before.includes(callid)) this.#follow(callid, command);
  }

  #follow(callid: string, command: Command): void {
    const followers = this.#byCallid.get(callid);
    if (followers) followers.add(command);
    else this.#byCallid.set(callid, new Set([command]));
  }

  #unfollow(callid: string, command: Command): void {
    const followers = this.#byCallid.get(callid);
    followers?.delete(command);
    if (followers?.size === 0) this.#byCallid.delete(callid);
  }

  #carryForward(): void {
    if (this.#changed.size === 0) return;
    const reach = REACH + REACH_EACH * this.#running.size;
    for (const command of this.#copies.before(this.#position - reach)) this.#changed.add(command);
  }
}

const fates: Record<Outcome, { readonly fate: 'unknown' | 'not-run'; readonly why: string }> = {
  timeout: { fate: 'unknown', why: 'no answer in time' },
  expired: { fate: 'not-run', why: 'it came to the adapter too late' },
  refused: { fate: 'not-run', why: 'the adapter does not allow it' },
  unreachable: { fate: 'not-run', why: 'nothing listens at its MI address' },
};

/** What a CallEnd that gives a `cmd_id` means: the CallStart while it runs, then the call that it has made. */
export function callNamed(named: Command | undefined): 'running' | string | undefined {
  if (named?.method !== 'CallStart') return undefined;
  return hasEnded(named) ? callMadeBy(named) : 'running';
}

/** What a client has given to be told with each notification: with this command, or with its call before. */
export function metadataOf({ method, params, metadata }: Command): Metadata | undefined {
  if (method === 'Echo') return undefined;
  const own = typeof params === 'object' && params !== null && 'metadata' in params && params.metadata;
  return typeof own === 'object' && own !== null ? (own as Metadata) : metadata;
}

/** Has its client got `Ended`? It may still look after a leg that could not be cancelled yet. */
function hasEnded(command: Command): boolean {
  return command.told.at(-1)?.event === 'Ended';
}

function byId(one: Command, other: Command): number {
  return one.id - other.id;
}

function isBrisk({ command }: Pending): boolean {
  return command.method !== 't_uac_dlg';
}

function brisk({ pending }: Command): number {
  return Object.values(pending).filter(isBrisk).length;
}

function key(subject: string, cmdId: string): string {
  return `${subject}\n${cmdId}`;
}

/** The Call-ID of the call that a CallStart has brought about. */
function callMadeBy({ told }: Command): string | undefined {
  const data = told.find(({ event }) => event === 'CalleeAnswered')?.data;
  return typeof data === 'object' && data !== null && 'callid' in data ? String(data.callid) : undefined;
}
