/** The running commands by the Call-IDs that they follow, and what has changed in these Call-IDs. @module */
import type { Command } from './stored-command.ts';

/** Call-IDs that are remembered. Another adapter reports the end of a call within milliseconds after its command has ended. */
const MAX_FORMER = 256;

export class FollowedCalls {
  readonly #commands = new Map<string, Set<Command>>();
  /** Call-IDs that were followed until lately, the oldest first. */
  readonly #former = new Set<string>();
  /** By Call-ID, whether it is followed now, where that is not as it was at the last {@link takeChanges}. */
  #changes = new Map<string, boolean>();

  /** All Call-IDs that are followed. */
  get callids(): Iterable<string> {
    return this.#commands.keys();
  }

  /** Returns the commands that follow a Call-ID. */
  followersOf(callid: string): Iterable<Command> {
    return this.#commands.get(callid) ?? [];
  }

  /** Returns whether a Call-ID was followed until lately. */
  wasFollowed(callid: string): boolean {
    return this.#former.has(callid);
  }

  add(callid: string, command: Command): void {
    const commands = this.#commands.get(callid);
    commands?.add(command);
    if (commands) return;
    this.#commands.set(callid, new Set([command]));
    this.#noteChange(callid, true);
  }

  delete(callid: string, command: Command): void {
    const commands = this.#commands.get(callid);
    if (!commands?.delete(command) || commands.size > 0) return;
    this.#commands.delete(callid);
    this.#former.add(callid);
    const [oldest] = this.#former;
    if (oldest !== undefined && this.#former.size > MAX_FORMER) this.#former.delete(oldest);
    this.#noteChange(callid, false);
  }

  /** Removes and returns the Call-IDs that are followed now and were not before, and the other way round. */
  takeChanges(): ReadonlyMap<string, boolean> {
    const changes = this.#changes;
    if (changes.size > 0) this.#changes = new Map();
    return changes;
  }

  /** What was undone before anybody asked is no change. */
  #noteChange(callid: string, isFollowed: boolean): void {
    if (!this.#changes.delete(callid)) this.#changes.set(callid, isFollowed);
  }
}
