/** The running commands, indexed by id, name and followed Call-ID. @module */
import type { CommandState } from '../commands/command.ts';
import { FollowedCalls } from './followed-calls.ts';
import type { Command } from './stored-command.ts';

/** What others may know of the running commands. */
export type ReadableCommands = Iterable<Command> & Pick<RunningCommands, 'startsInProgress' | 'startsOf'>;

/** Finding and counting commands costs one look into a map. */
export class RunningCommands implements Iterable<Command> {
  readonly #byId = new Map<number, Command>();
  readonly #byName = new Map<string, Command>();
  readonly followed = new FollowedCalls();
  /** The CallEnds, by what they are to end. */
  readonly #callEnds = new Map<string, Set<Command>>();
  /** The number of running commands by session, and of running CallStarts, so that no message has to count them. */
  readonly #inFlight = new Map<string, number>();
  #startsInProgress = 0;
  /** The running CallStarts by adapter. */
  readonly #startsByAdapter = new Map<string | undefined, number>();
  /** The commands for which a phone is about to start a call. */
  readonly #awaitingCall = new Set<Command>();

  get size(): number {
    return this.#byId.size;
  }

  /** The number of running CallStarts. */
  get startsInProgress(): number {
    return this.#startsInProgress;
  }

  /** The number of running CallStarts of an adapter. */
  startsOf(adapter: string): number {
    return this.#startsByAdapter.get(adapter) ?? 0;
  }

  /** The number of running commands of a session. */
  inFlight(subject: string, session: string): number {
    return this.#inFlight.get(key(subject, session)) ?? 0;
  }

  /** Iterates in the order in which the commands were added. */
  [Symbol.iterator](): Iterator<Command> {
    return this.#byId.values();
  }

  get(id: number): Command | undefined {
    return this.#byId.get(id);
  }

  /** Returns the command with that `cmd_id` if it runs, or if its end is not stored yet (see {@link onStored}). */
  find(subject: string, cmdId: string): Command | undefined {
    return this.#byName.get(key(subject, cmdId));
  }

  /** Returns the commands that follow a Call-ID. */
  followersOf(callid: string): Iterable<Command> {
    return this.followed.followersOf(callid);
  }

  /** Returns the CallEnds of the same subject that name a CallStart by its `cmd_id`, in the order in which they were added. */
  callEndsOf({ subject, cmdId }: Command): readonly Command[] {
    return [...(this.#callEnds.get(key(subject, cmdId)) ?? [])];
  }

  /** The commands for which a phone is about to start a call whose Call-ID is not known yet. */
  get awaitingCall(): ReadonlySet<Command> {
    return this.#awaitingCall;
  }

  /** Returns whether a command is transferring the call with that Call-ID. */
  isTransferring(callid: string): boolean {
    for (const { state } of this.followersOf(callid)) if (state?.transferring?.includes(callid)) return true;
    return false;
  }

  add(command: Command): void {
    this.#byId.set(command.id, command);
    this.#byName.set(key(command.subject, command.cmdId), command);
    this.#count(command, 1);
    for (const callid of command.state?.followedCallids ?? []) this.followed.add(callid, command);
    const ending = callEndKey(command);
    if (ending !== undefined) addTo(this.#callEnds, ending, command);
    if (command.state?.awaitsCall) this.#awaitingCall.add(command);
  }

  /** Indexes the command by its next state instead of the present one. */
  updateIndex(command: Command, next: CommandState | null): void {
    const before = command.state?.followedCallids ?? [];
    const after = next?.followedCallids ?? [];
    if (next?.awaitsCall) this.#awaitingCall.add(command);
    else this.#awaitingCall.delete(command);
    for (const callid of before) if (!after.includes(callid)) this.followed.delete(callid, command);
    for (const callid of after) if (!before.includes(callid)) this.followed.add(callid, command);
  }

  /** Assigns another session. Returns false if the command has ended, or already belongs to that session. */
  assignSession(command: Command, session: string): boolean {
    if (this.#byId.get(command.id) !== command || command.session === session) return false;
    this.#count(command, -1);
    command.session = session;
    this.#count(command, 1);
    return true;
  }

  /** Assigns another adapter. */
  assignAdapter(command: Command, adapter: string): void {
    this.#count(command, -1);
    command.adapter = adapter;
    this.#count(command, 1);
  }

  /** Removes a finished command. It can still be found by its `cmd_id` until {@link onStored}. */
  remove(command: Command): void {
    if (!this.#byId.delete(command.id)) return;
    this.#count(command, -1);
    const ending = callEndKey(command);
    if (ending !== undefined) deleteFrom(this.#callEnds, ending, command);
  }

  /** Removes a command that could not be started, as if it had never been added. */
  discard(command: Command): void {
    this.updateIndex(command, null);
    this.remove(command);
    const name = key(command.subject, command.cmdId);
    if (this.#byName.get(name) === command) this.#byName.delete(name);
  }

  /** The commands have been written to the log, where finished ones are found from now on. */
  onStored(commands: readonly Command[]): void {
    for (const { id, state, subject, cmdId } of commands) {
      const name = key(subject, cmdId);
      // A newer command may have the same name.
      if (!state && this.#byName.get(name)?.id === id) this.#byName.delete(name);
    }
  }

  #count({ subject, session, method, adapter }: Command, change: 1 | -1): void {
    const sessionKey = key(subject, session);
    const count = (this.#inFlight.get(sessionKey) ?? 0) + change;
    if (count > 0) this.#inFlight.set(sessionKey, count);
    else this.#inFlight.delete(sessionKey);
    if (method !== 'CallStart') return;
    this.#startsInProgress += change;
    const starts = (this.#startsByAdapter.get(adapter) ?? 0) + change;
    if (starts > 0) this.#startsByAdapter.set(adapter, starts);
    else this.#startsByAdapter.delete(adapter);
  }
}

/** Returns what a CallEnd is to end, with the subject; undefined for another command. */
function callEndKey({ method, subject, params }: Command): string | undefined {
  if (method !== 'CallEnd') return undefined;
  return key(subject, String((params as Readonly<Record<string, unknown>>)['callid']));
}

function addTo(index: Map<string, Set<Command>>, name: string, command: Command): void {
  const commands = index.get(name);
  if (commands) commands.add(command);
  else index.set(name, new Set([command]));
}

function deleteFrom(index: Map<string, Set<Command>>, name: string, command: Command): void {
  const commands = index.get(name);
  commands?.delete(command);
  if (commands?.size === 0) index.delete(name);
}

function key(subject: string, name: string): string {
  return `${subject}\n${name}`;
}
