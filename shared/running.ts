/** Which commands run, and how one is found. @module */
import type { Command } from './stored-command.ts';

/** The commands that run, by all that they are asked for by. Finding one, and counting, costs one look into a map. */
export class Running implements Iterable<Command> {
  readonly #byId = new Map<number, Command>();
  readonly #byName = new Map<string, Command>();
  readonly #byCallid = new Map<string, Set<Command>>();
  /** How many commands of each session run, and how many CallStarts in all: no message counts them. */
  readonly #inFlight = new Map<string, number>();
  #starts = 0;

  /** How many commands run. */
  get size(): number {
    return this.#byId.size;
  }

  /** How many CallStarts run. */
  get starts(): number {
    return this.#starts;
  }

  /** How many commands of a session run. */
  inFlight(subject: string, session: string): number {
    return this.#inFlight.get(key(subject, session)) ?? 0;
  }

  /** In the order in which they were added. */
  [Symbol.iterator](): Iterator<Command> {
    return this.#byId.values();
  }

  get(id: number): Command | undefined {
    return this.#byId.get(id);
  }

  /** The command of that name that runs, or whose end is not {@link stored} yet. */
  named(subject: string, cmdId: string): Command | undefined {
    return this.#byName.get(key(subject, cmdId));
  }

  /** The commands that follow a Call-ID. */
  following(callid: string): Iterable<Command> {
    return this.#byCallid.get(callid) ?? [];
  }

  /** It runs, and follows what its state follows. */
  add(command: Command): void {
    this.#byId.set(command.id, command);
    this.#byName.set(key(command.subject, command.cmdId), command);
    this.#count(command, 1);
    for (const callid of command.state?.follows ?? []) this.#follow(callid, command);
  }

  /** From now on it follows these Call-IDs, and no more those that its state has named so far. */
  refollow(command: Command, after: readonly string[]): void {
    const before = command.state?.follows ?? [];
    for (const callid of before) if (!after.includes(callid)) this.#unfollow(callid, command);
    for (const callid of after) if (!before.includes(callid)) this.#follow(callid, command);
  }

  /** Another session of its subject has taken it up. False: it is over, or was that session's already. */
  handOver(command: Command, session: string): boolean {
    if (this.#byId.get(command.id) !== command || command.session === session) return false;
    this.#count(command, -1);
    command.session = session;
    this.#count(command, 1);
    return true;
  }

  /** It runs no more; what it followed, {@link refollow} has ended. Its name finds it until it is {@link stored}. */
  end(command: Command): void {
    if (this.#byId.delete(command.id)) this.#count(command, -1);
  }

  /** They are stored as they stand now: who looks for one of them that is over finds it there. */
  stored(commands: readonly Command[]): void {
    for (const { state, subject, cmdId } of commands) if (!state) this.#byName.delete(key(subject, cmdId));
  }

  #count({ subject, session, method }: Command, change: 1 | -1): void {
    const name = key(subject, session);
    const count = (this.#inFlight.get(name) ?? 0) + change;
    if (count > 0) this.#inFlight.set(name, count);
    else this.#inFlight.delete(name);
    if (method === 'CallStart') this.#starts += change;
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
}

function key(subject: string, name: string): string {
  return `${subject}\n${name}`;
}
