/**
 * Feeds running commands with what happens and gathers what they ask for. It is pure: storage, clock, alarms and
 * sockets belong to whoever runs it, the Switchboard with SQL or the command line with memory.
 * @module
 */
import type { Action, CommandError, Context, Input, State } from './command.ts';
import { machineOf } from './commands/index.ts';
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
  readonly told: readonly { readonly command: Command; readonly told: Told }[];
}

/** What a new command is made of. */
export interface NewCommand {
  readonly cmdId: string;
  readonly method: Method;
  readonly params: unknown;
  readonly subject: string;
  readonly session: string;
}

/** What a command may know that the runner does not. */
export interface Surroundings extends Pick<Context, 'callid' | 'nextHop'> {
  /** A command of the same subject that has ended, where such are kept. */
  readonly ended?: (cmdId: string) => Command | undefined;
}

/** An answer may be this much under way after the adapter's own deadline, in milliseconds. */
const LINK_GRACE_MS = 1_000;
/** Commands to a row: at 2 to 6 KB each they stay well under the 2 MB that a row may have. */
const ROW_COMMANDS = 100;
/** A copy that lies further back than so many positions is stored anew, so that waking up reads little. */
const REACH = 2_000;

export class Runner {
  readonly #epoch: string;
  /** The next number: of a command, a notification or a stored turn. */
  #position: number;
  /** By id, in the order of their newest stored copy. */
  readonly #running = new Map<number, Command>();
  readonly #byName = new Map<string, Command>();
  readonly #byCallid = new Map<string, Set<Command>>();
  #stream: string | null = null;
  /** No timer or deadline is earlier; those that were stopped may leave it too early, never too late. */
  #earliest = Number.POSITIVE_INFINITY;

  #now = 0;
  #inputs: [command: Command, input: Input][] = [];
  #changed = new Set<Command>();
  #requests: Mi[] = [];
  #told: { command: Command; told: Told }[] = [];

  /**
   * @param epoch random for each storage, so that ids of MI requests are never used twice
   * @param position the first number that is free
   * @param commands those that were running
   */
  constructor(epoch: string, position: number, commands: Iterable<Command>) {
    this.#epoch = epoch;
    this.#position = position;
    for (const command of commands) {
      this.#running.set(command.id, command);
      this.#byName.set(key(command.subject, command.cmdId), command);
      for (const callid of command.state?.follows ?? []) this.#follow(callid, command);
      this.#noteDeadlines(command);
    }
  }

  /** How many commands run. */
  get size(): number {
    return this.#running.size;
  }

  /** When {@link tick} is due next, in Unix milliseconds; infinity for never. */
  get due(): number {
    return this.#earliest;
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
    this.#byName.set(key(command.subject, command.cmdId), command);
    this.#changed.add(command);
    const call = (cmdId: string) => {
      const named = this.find(command.subject, cmdId) ?? surroundings.ended?.(cmdId);
      if (named?.method !== 'CallStart') return undefined;
      return hasEnded(named) ? callMadeBy(named) : 'running';
    };
    const { state, actions } = machineOf(what.method).start(what.params, { ...surroundings, call });
    this.#apply(command, state, actions);
    this.#work();
    return command;
  }

  /** Tells again, to a session that has taken a command up, all that was told; what comes is told there too. */
  retell(command: Command, session: string): void {
    if (this.#running.get(command.id) === command && command.session !== session) {
      command.session = session;
      this.#changed.add(command);
    }
    for (const told of command.told) this.#told.push({ command: { ...command, session }, told });
  }

  /** An adapter's answer to an MI request; one that nobody waits for any more is passed over. */
  reply(reply: Omit<Reply, 'type' | 'seq'>, now: number): void {
    this.#now = now;
    const [epoch, id, n] = reply.id.split('.');
    const command = this.#running.get(Number(id));
    if (!command || epoch !== this.#epoch) return;
    const as = Object.keys(command.pending).find((name) => command.pending[name]?.n === Number(n));
    if (as === undefined) return;
    delete command.pending[as];
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
    for (const command of followers.sort((one, other) => one.id - other.id)) {
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
    if (now < this.#earliest) return;
    this.#earliest = Number.POSITIVE_INFINITY;
    const due: { at: number; fire: () => void }[] = [];
    for (const command of this.#running.values()) {
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
    for (const command of this.#running.values()) this.#noteDeadlines(command);
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
        this.#running.delete(command.id);
        if (command.state) this.#running.set(command.id, command);
        else this.#byName.delete(key(command.subject, command.cmdId));
      }
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
    const [oldest] = this.#running.values();
    return oldest ? Math.min(oldest.position, position) : position;
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
    if (state) return;
    this.#running.delete(command.id);
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
        this.#earliest = Math.min(this.#earliest, this.#now + action.ms);
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
  }

  #request(command: Command, as: string, mi: MiCommand, timeout: number): void {
    const pending: Pending = { n: command.asked++, command: mi, deadline: this.#now + timeout };
    command.pending[as] = pending;
    this.#earliest = Math.min(this.#earliest, pending.deadline + LINK_GRACE_MS);
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
    delete command.pending[as];
    const sent = pending.stream !== undefined;
    this.#give(command, {
      type: 'no-answer',
      to: as,
      fate: sent ? 'unknown' : 'not-run',
      why: sent ? why : 'no adapter was connected',
    });
  }

  #noteDeadlines(command: Command): void {
    for (const at of Object.values(command.timers)) this.#earliest = Math.min(this.#earliest, at);
    for (const { deadline } of Object.values(command.pending)) {
      this.#earliest = Math.min(this.#earliest, deadline + LINK_GRACE_MS);
    }
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
    for (const command of this.#running.values()) {
      if (this.#position - command.position < REACH) break;
      this.#changed.add(command);
    }
  }
}

const fates: Record<Outcome, { readonly fate: 'unknown' | 'not-run'; readonly why: string }> = {
  timeout: { fate: 'unknown', why: 'no answer in time' },
  expired: { fate: 'not-run', why: 'it came to the adapter too late' },
  refused: { fate: 'not-run', why: 'the adapter does not allow it' },
  unreachable: { fate: 'not-run', why: 'nothing listens at its MI address' },
};

/** Has its client got `Ended`? It may still look after a leg that could not be cancelled yet. */
function hasEnded(command: Command): boolean {
  return command.told.at(-1)?.event === 'Ended';
}

function key(subject: string, cmdId: string): string {
  return `${subject}\n${cmdId}`;
}

/** The Call-ID of the call that a CallStart has brought about. */
function callMadeBy({ told }: Command): string | undefined {
  const data = told.find(({ event }) => event === 'CalleeAnswered')?.data;
  return typeof data === 'object' && data !== null && 'callid' in data ? String(data.callid) : undefined;
}
