/**
 * Feeds running commands with what happens and gathers what they ask for. It is pure: storage, clock, alarms and
 * sockets belong to whoever runs it, the Switchboard with SQL or the command line with memory.
 * @module
 */
import type { Action, Context, Input, State } from './command.ts';
import { machineOf } from './commands/index.ts';
import { Due } from './due.ts';
import type { EviEvent } from './evi.ts';
import type { Mi, Reply } from './link.ts';
import { givenUpAt, MiRequests } from './mi-requests.ts';
import { type Row, Rows } from './rows.ts';
import { Running } from './running.ts';
import { byAge, type Command, callNamed, type NewCommand, type Told } from './stored-command.ts';

/** What one turn brought. */
export interface Turnout {
  readonly rows: readonly Row[];
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

/** What a command may know that the runner does not. */
export interface Surroundings extends Pick<Context, 'callid' | 'nextHop'> {
  /** What it works with in place of its params: those are what it is known by when it is asked for again. */
  readonly instead?: unknown;
  /** A command of the same subject that has ended, where such are kept. */
  readonly ended?: (cmdId: string) => Command | undefined;
  /** Whether the dialog of that Call-ID is known to stand answered; where nothing is said, none is. */
  readonly isAnswered?: Context['isAnswered'];
}

export class Runner {
  /** The next number: of a command, a notification or a stored turn. */
  #position: number;
  readonly #hear: (command: Command, told: Told) => void;
  readonly #running = new Running();
  readonly #requests: MiRequests;
  readonly #rows = new Rows();
  /** By their next timer or deadline; one that was stopped since may leave a time too early, never too late. */
  readonly #due = new Due<Command>();

  #now = 0;
  readonly #inputs: [command: Command, input: Input][] = [];
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
    this.#position = position;
    this.#hear = hear;
    this.#requests = new MiRequests(epoch, this.#running, (command, input) => this.#give(command, input));
    for (const command of [...commands].sort(byAge)) {
      this.#running.add(command);
      this.#requests.add(command);
      this.#noteDue(command);
    }
    for (const command of commands) this.#rows.add(command);
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
    return this.#running;
  }

  /** How many CallStarts run. */
  get starts(): number {
    return this.#running.starts;
  }

  /** How many commands of a session run. */
  inFlight(subject: string, session: string): number {
    return this.#running.inFlight(subject, session);
  }

  /** The commands that follow a Call-ID. */
  following(callid: string): Iterable<Command> {
    return this.#running.following(callid);
  }

  /** When {@link tick} is due next, in Unix milliseconds; infinity for never. */
  get due(): number {
    return this.#due.first;
  }

  /** MI requests under way that OpenSIPS answers at once: how busy the site is, however many phones ring. */
  get awaited(): number {
    return this.#requests.awaited;
  }

  /** There is something to store. */
  get changed(): boolean {
    return this.#rows.any;
  }

  /** There is something to send, once it is stored. */
  get speaks(): boolean {
    return this.#requests.any || this.#told.length > 0;
  }

  /** The command of that name that runs, or has ended since the last {@link take}. */
  find(subject: string, cmdId: string): Command | undefined {
    return this.#running.named(subject, cmdId);
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
    this.#running.add(command);
    this.#rows.changed(command);
    const { instead = what.params, ended, isAnswered = () => false, ...context } = surroundings;
    const call = (cmdId: string) => callNamed(this.find(command.subject, cmdId) ?? ended?.(cmdId));
    const { state, actions } = machineOf(what.method).start(instead, { ...context, call, isAnswered });
    this.#apply(command, state, actions);
    this.#work();
    return command;
  }

  /** Tells again, to a session that has taken a command up, all that was told; what comes is told there too. */
  retell(command: Command, session: string): void {
    if (this.#running.handOver(command, session)) this.#rows.changed(command);
    for (const told of command.told) this.#told.push({ command: { ...command, session }, told, again: true });
  }

  /** An adapter's answer to an MI request; one that nobody waits for any more is passed over. */
  reply(reply: Omit<Reply, 'type' | 'seq'>, now: number): void {
    this.#now = now;
    this.#requests.reply(reply);
    this.#work();
  }

  /** An EVI event; `at` in milliseconds of the adapter's clock. Those of unknown Call-IDs cost nothing. */
  event(event: EviEvent, at: number, now: number): void {
    this.#now = now;
    const followers = [...this.#running.following(event.params.callid)];
    // Oldest first, whether we slept in between or not.
    for (const command of followers.sort(byAge)) this.#give(command, { type: 'event', event, at });
    this.#work();
  }

  /** Events may have been missed: each command asks OpenSIPS how its dialogs stand. */
  settle(now: number): void {
    this.#now = now;
    for (const command of this.#running) this.#give(command, { type: 'settle' });
    this.#work();
  }

  /** Time has passed: fires the timers that are due, in the order of their due times. */
  tick(now: number): void {
    this.#now = now;
    const commands: Command[] = [];
    for (let next = this.#due.take(now); next; next = this.#due.take(now)) commands.push(next);
    const due: { at: number; fire: () => void }[] = [];
    // Oldest first where two are due at once, whether we slept in between or not.
    for (const command of commands.sort(byAge)) {
      for (const [timer, at] of Object.entries(command.timers)) {
        if (at <= now) due.push({ at, fire: () => this.#fire(command, timer, at) });
      }
      for (const [as, pending] of Object.entries(command.pending)) {
        const at = givenUpAt(pending);
        if (at <= now) due.push({ at, fire: () => this.#requests.giveUp(command, as, pending.n) });
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
    for (const command of this.#requests.linkUp(stream, now)) this.#rows.changed(command);
    this.#work();
  }

  /** The link to this process of the adapter still stands: after a sleep of ours. */
  linkStands(stream: string): void {
    this.#requests.linkStands(stream);
  }

  /** The link is down: requests wait until it is back or their deadline has passed. */
  linkDown(): void {
    this.#requests.linkDown();
  }

  /** What has come about since the last call: store it, then send it. */
  take(): Turnout {
    const rows = this.#rows.take(this.#position, this.#running.size);
    this.#position += rows.length;
    for (const { commands } of rows) this.#running.stored(commands);
    const told = this.#told;
    this.#told = [];
    return { rows, requests: this.#requests.take(), told };
  }

  /** Where the oldest stored copy stands that waking up needs; `position` if there is none. */
  floor(position: number): number {
    return this.#rows.floor(position);
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
      this.#rows.changed(command);
      this.#apply(command, state, actions);
    }
  }

  #apply(command: Command, state: State | null, actions: readonly Action[]): void {
    this.#running.refollow(command, state?.follows ?? []);
    command.state = state;
    for (const action of actions) this.#act(command, action);
    if (state) return;
    this.#running.end(command);
    // Nobody waits any more: what is kept of it for long is what it was and what it told.
    this.#requests.forget(command);
    for (const timer of Object.keys(command.timers)) delete command.timers[timer];
    this.#due.forget(command);
    this.#rows.end(command);
  }

  #act(command: Command, action: Action): void {
    switch (action.type) {
      case 'request':
        this.#due.note(command, this.#requests.ask(command, action, this.#now));
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

  #fire(command: Command, timer: string, at: number): void {
    if (command.timers[timer] !== at) return;
    delete command.timers[timer];
    this.#give(command, { type: 'timer', timer });
  }

  #noteDue(command: Command): void {
    const deadlines = Object.values(command.pending).map(givenUpAt);
    const next = Math.min(...Object.values(command.timers), ...deadlines);
    if (Number.isFinite(next)) this.#due.note(command, next);
  }
}
