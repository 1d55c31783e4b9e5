/** The timers and deadlines of all running commands, in the order of their times. @module */
import { byTime, type CommandTime, nextTimeOf, timesOf } from './command-times.ts';
import { type Command, compareAge } from './stored-command.ts';
import { TimerQueue } from './timer-queue.ts';

export class CommandTimers {
  /** Commands by their next timer or deadline. A stopped timer may leave a time too early, never too late. */
  readonly #queue = new TimerQueue<Command>();

  /** When the first one is due, in Unix milliseconds; infinity for never. */
  get nextAt(): number {
    return this.#queue.nextAt;
  }

  /** A timer or a request of a command is due at `at`. */
  schedule(command: Command, at: number): void {
    this.#queue.schedule(command, at);
  }

  /** The times of a command have changed. */
  scheduleNext(command: Command): void {
    const next = nextTimeOf(command);
    if (Number.isFinite(next)) this.#queue.schedule(command, next);
  }

  cancel(command: Command): void {
    this.#queue.cancel(command);
  }

  /** Removes the commands of which something is due. Returns them, and what is due. They must be scheduled again. */
  takeDue(now: number): { readonly commands: readonly Command[]; readonly due: readonly CommandTime[] } {
    const commands: Command[] = [];
    for (let next = this.#queue.takeDue(now); next; next = this.#queue.takeDue(now)) commands.push(next);
    // Sorted, so that the order of equal times is the same with and without a hibernation in between.
    const times = commands.sort(compareAge).flatMap(timesOf).sort(byTime);
    return { commands, due: times.filter(({ at }) => at <= now) };
  }
}
