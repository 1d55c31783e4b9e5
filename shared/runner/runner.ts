/**
 * Runs commands: passes inputs to their state machines and collects what they request. It is pure: storage, clock, alarms
 * and sockets belong to its owner, which is the Switchboard with SQL, or the command line with memory.
 * @module
 */
import type { Action, CommandState, Input } from '../commands/command.ts';
import { machineOf } from '../commands/machines.ts';
import type { EviEvent } from '../opensips/evi.ts';
import type { Reply } from '../protocol/link.ts';
import { moveCommand } from './adapter-moves.ts';
import { CommandTimers } from './command-timers.ts';
import { moveTimesBack } from './command-times.ts';
import { LogRows } from './log-rows.ts';
import { MiRequests } from './mi-requests.ts';
import { RefusedCalls } from './refused-calls.ts';
import { type ReadableCommands, RunningCommands } from './running-commands.ts';
import { type StartOptions, startContext } from './start-context.ts';
import { type Command, compareAge, type NewCommand, type Notification } from './stored-command.ts';
import type { CommandNotification, TurnOutput } from './turn-output.ts';

type OnNotification = (command: Command, notification: Notification, now: number) => void;

export class Runner {
  /** The next number, for a command, a notification or a stored turn. */
  #nextPosition: number;
  readonly #onNotification: OnNotification;
  readonly #commands = new RunningCommands();
  readonly #requests: MiRequests;
  readonly #refusals = new RefusedCalls(this.#commands);
  readonly #logRows = new LogRows();
  readonly #timers = new CommandTimers();
  #now = 0;
  readonly #inputs: [command: Command, input: Input][] = [];
  #notifications: CommandNotification[] = [];

  /**
   * @param epoch random for each storage, so that ids of MI requests are never used twice
   * @param position the first free number
   * @param commands the running commands, in the order of their newest copies in the log
   * @param onNotification receives each notification, in order and within the turn, with the time of the turn
   */
  constructor(
    epoch: string,
    position: number,
    commands: readonly Command[],
    onNotification: OnNotification = () => {},
  ) {
    this.#nextPosition = position;
    this.#onNotification = onNotification;
    this.#requests = new MiRequests(epoch, this.#commands, (command, input) => this.#enqueue(command, input));
    for (const command of [...commands].sort(compareAge)) {
      this.#commands.add(command);
      this.#requests.restore(command);
      this.#timers.scheduleNext(command);
    }
    for (const command of commands) this.#logRows.restore(command);
    // They are followed as before, so that their end is a change.
    this.followed.takeChanges();
  }

  /** The number of running commands. */
  get size(): number {
    return this.#commands.size;
  }

  /** Takes the next number of the site, for a message to clients that belongs to no command. */
  nextSeq(): number {
    return this.#nextPosition++;
  }

  /** The last number that was taken. */
  get lastSeq(): number {
    return this.#nextPosition - 1;
  }

  get commands(): ReadableCommands {
    return this.#commands;
  }

  /** The number of running commands of a session. */
  inFlight(subject: string, session: string): number {
    return this.#commands.inFlight(subject, session);
  }

  /** The Call-IDs that commands follow. */
  get followed(): RunningCommands['followed'] {
    return this.#commands.followed;
  }

  /** When {@link fireDueTimers} must be called next, in Unix milliseconds; infinity for never. */
  get nextDue(): number {
    return this.#timers.nextAt;
  }

  /** The number of pending MI requests that OpenSIPS answers at once: a measure of load that ringing phones do not raise. */
  get pendingRequests(): number {
    return this.#requests.pendingCount;
  }

  /** Whether there are MI requests to send. */
  get hasRequests(): boolean {
    return this.#requests.hasOutgoing;
  }

  /** Whether there is something to store. */
  get hasUnwritten(): boolean {
    return this.#logRows.hasChanges;
  }

  /** Whether there is something to send once it is stored. */
  get hasOutput(): boolean {
    return this.hasRequests || this.#notifications.length > 0;
  }

  /** Returns the command with that `cmd_id` if it runs, or has ended since the last {@link takeOutput}. */
  find(subject: string, cmdId: string): Command | undefined {
    return this.#commands.find(subject, cmdId);
  }

  /** Starts a command whose params have been validated. */
  start(newCommand: NewCommand, options: StartOptions, now: number): Command {
    this.#now = now;
    const command: Command = {
      ...newCommand,
      id: this.#nextPosition++,
      state: null,
      requestCount: 0,
      pendingRequests: {},
      timers: {},
      notifications: [],
      position: 0,
    };
    const { effectiveParams = newCommand.params } = options;
    const context = startContext(command.subject, this.#commands, options);
    const { state, actions } = machineOf(newCommand.method).start(effectiveParams, context);
    this.#commands.add(command);
    this.#logRows.markChanged(command);
    try {
      this.#apply(command, state, actions);
      this.#processInputs();
    } catch (error) {
      this.discard(command);
      throw error;
    }
    return command;
  }

  /** Removes a command that could not be started, with all that {@link takeOutput} would return of it. */
  discard(command: Command): void {
    this.#commands.discard(command);
    command.state = null;
    this.#requests.discard(command);
    this.#timers.cancel(command);
    this.#logRows.discard(command);
    this.#notifications = this.#notifications.filter((each) => each.command !== command);
  }

  /**
   * Hands a command over to another session: all notifications are sent to it again, and later ones as well. A command that has ended is
   * stored again, so that the session can resume.
   */
  resendNotifications(command: Command, session: string): void {
    if (!this.#commands.assignSession(command, session)) command.session = session;
    this.#logRows.markChanged(command);
    const unsent = new Set(
      this.#notifications.filter(({ isResent }) => !isResent).map(({ notification }) => notification),
    );
    const resent = command.notifications
      .filter((notification) => !unsent.has(notification))
      .map((notification) => ({ command: { ...command }, notification, isResent: true as const }));
    // What was not sent yet goes to that session as well, and is later.
    this.#notifications.unshift(...resent);
  }

  /** Handles an adapter's reply to an MI request. A reply to a request that is no longer pending is ignored. */
  onReply(reply: Omit<Reply, 'type' | 'seq'>, now: number): void {
    this.#now = now;
    this.#requests.onReply(reply);
    this.#processInputs();
  }

  /**
   * Handles an EVI event; `at` is in milliseconds of the adapter's clock. Events of unknown Call-IDs cost nothing, except
   * for refused calls while a transfer waits for its new call.
   * @param isKnownCall returns whether a call was known before this event
   * @param adapter the adapter whose OpenSIPS it is about; undefined if any may be
   */
  onEvent(
    event: EviEvent,
    at: number,
    now: number,
    isKnownCall = (_callid: string) => false,
    adapter?: string,
  ): void {
    this.#now = now;
    const followers = [...this.#commands.followersOf(event.params.callid)];
    if (followers.length === 0) followers.push(...this.#refusals.receivers(event, now, adapter, isKnownCall));
    // Sorted, so that the order is the same with and without a hibernation in between.
    for (const command of followers.sort(compareAge)) this.#enqueue(command, { type: 'event', event, at });
    this.#processInputs();
  }

  /**
   * Events may have been lost: makes each command read the state of its dialogs from OpenSIPS.
   * @param adapter whose commands do so; undefined for all
   */
  resync(now: number, adapter?: string): void {
    this.#now = now;
    for (const command of this.#commands)
      if (adapter === undefined || command.adapter === adapter) this.#enqueue(command, { type: 'resync' });
    this.#processInputs();
  }

  /** Fires the timers and deadlines that are due, in the order of their times. */
  fireDueTimers(now: number): void {
    this.#now = now;
    const { commands, due } = this.#timers.takeDue(now);
    for (const { command, at, timer, request } of due) {
      if (request) this.#requests.expire(command, request.name, request.number);
      else if (command.timers[timer] === at) {
        delete command.timers[timer];
        this.#enqueue(command, { type: 'timer', timer });
      }
      this.#processInputs();
    }
    for (const command of commands) if (command.state) this.#timers.scheduleNext(command);
  }

  /**
   * Handles a new connection of the adapter. Requests that this process of the adapter has not answered are sent again;
   * those that another process had received may have run or not, and are never sent again.
   * @param adapter the name of the adapter; undefined where it serves the whole site
   */
  onLinkUp(stream: string, now: number, adapter?: string): void {
    this.#now = now;
    for (const command of this.#requests.onLinkUp(stream, now, adapter)) this.#logRows.markChanged(command);
    this.#processInputs();
  }

  /**
   * Another adapter has taken over. Requests that the one before has not answered are never sent again; it may come back, and its replies
   * are awaited for some seconds.
   */
  onTakeover(stream: string, now: number): void {
    this.#now = now;
    for (const command of this.#requests.onTakeover(stream, now)) {
      this.#logRows.markChanged(command);
      this.#timers.scheduleNext(command);
    }
    this.#processInputs();
  }

  /** Has another adapter run these commands from now on: see {@link moveCommand}. */
  moveCommands(commands: readonly Command[], adapter: string, now: number): void {
    this.#now = now;
    const parts = { commands: this.#commands, requests: this.#requests, logRows: this.#logRows };
    for (const command of commands) {
      if (moveCommand(command, adapter, now, parts)) this.#enqueue(command, { type: 'resync' });
      this.#timers.scheduleNext(command);
    }
    this.#processInputs();
  }

  /** The link to this process of the adapter is still up after a hibernation. */
  onLinkRestored(stream: string, adapter?: string): void {
    this.#requests.onLinkRestored(stream, adapter);
  }

  /** Requests wait until the link is back or their deadline has passed. */
  onLinkDown(adapter?: string): void {
    for (const command of this.#requests.onLinkDown(adapter)) {
      this.#logRows.markChanged(command);
      this.#timers.scheduleNext(command);
    }
  }

  /** The clock was set back by `ms` milliseconds: all timers and deadlines stay as far ahead as they were. */
  onClockSetBack(ms: number): void {
    for (const command of this.#commands) {
      moveTimesBack(command, ms);
      this.#logRows.markChanged(command);
      this.#timers.scheduleNext(command);
    }
  }

  /**
   * Removes and returns what has accumulated since the last call. Store the rows before you send the rest.
   * @param copyBefore the log needs new copies of running commands whose last ones are before this position
   */
  takeOutput(copyBefore = 0): TurnOutput {
    const rows = this.#logRows.takeRows(this.#nextPosition, this.#commands.size, copyBefore);
    this.#nextPosition += rows.length;
    for (const { commands } of rows) this.#commands.onStored(commands);
    const notifications = this.#notifications;
    this.#notifications = [];
    return { rows, requests: this.#requests.takeOutgoing(), notifications };
  }

  /** The log position from which a restore must read; `position` if it needs nothing before that. */
  restoreFrom(position: number): number {
    return this.#logRows.restoreFrom(position);
  }

  #enqueue(command: Command, input: Input): void {
    this.#inputs.push([command, input]);
  }

  #processInputs(): void {
    for (let next = this.#inputs.shift(); next; next = this.#inputs.shift()) {
      const [command, input] = next;
      if (!command.state) continue;
      const before = command.state;
      const { state, actions } = machineOf(command.method).step(before, input);
      // An event without effect is not stored. Every other input has used up a timer or a request.
      const hasNoActions = input.type === 'event' && actions.length === 0;
      if (hasNoActions && JSON.stringify(state) === JSON.stringify(before)) continue;
      this.#logRows.markChanged(command);
      this.#apply(command, state, actions);
    }
  }

  #apply(command: Command, state: CommandState | null, actions: readonly Action[]): void {
    this.#commands.updateIndex(command, state);
    command.state = state;
    for (const action of actions) this.#perform(command, action);
    if (state) return;
    this.#commands.remove(command);
    // A finished command keeps its params and notifications only.
    this.#requests.dropAll(command);
    for (const timer of Object.keys(command.timers)) delete command.timers[timer];
    this.#timers.cancel(command);
    this.#logRows.onEnded(command);
  }

  #perform(command: Command, action: Action): void {
    switch (action.type) {
      case 'mi-request':
        this.#timers.schedule(command, this.#requests.request(command, action, this.#now));
        break;
      case 'notify':
        this.#notify(command, { event: action.event }, action.data);
        break;
      case 'error':
        this.#notify(command, { event: 'Error', data: action.text, error: action.error });
        this.#requests.withdraw(command, this.#now);
        break;
      case 'ended':
        this.#notify(command, { event: 'Ended' });
        this.#requests.withdraw(command, this.#now);
        for (const waiting of this.#commands.callEndsOf(command))
          this.#enqueue(waiting, { type: 'canceled' });
        break;
      case 'start-timer':
        command.timers[action.timer] = this.#now + action.ms;
        this.#timers.schedule(command, this.#now + action.ms);
        break;
      case 'stop-timer':
        delete command.timers[action.timer];
        break;
      case 'cancel': {
        const target = this.find(command.subject, action.cmdId);
        if (target) this.#enqueue(target, { type: 'cancel' });
      }
    }
  }

  #notify(command: Command, content: Omit<Notification, 'seq'>, data = content.data): void {
    const notification = { seq: this.#nextPosition++, ...content, ...(data === undefined ? {} : { data }) };
    command.notifications.push(notification);
    this.#notifications.push({ command, notification });
    this.#onNotification(command, notification, this.#now);
  }
}
