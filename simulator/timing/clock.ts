/**
 * A scheduler that keeps fractions of a millisecond.
 *
 * `setTimeout` counts whole milliseconds and rounds up: the twelve delays of a CallStart would take 30 ms instead of
 * 17. Therefore all tasks are in one heap with their absolute due times. The timer sleeps until just before the next
 * one, and `setImmediate` covers the rest.
 * @module
 */
import { TaskHeap } from './task-heap.ts';

/** `setTimeout` may be a whole millisecond late, so shorter waits use `setImmediate` only. */
const MIN_TIMER_MS = 2;

/**
 * A sequence of simulated steps. Each wait counts from when the previous step was due, so lateness does not add up.
 */
export type Timeline = {
  /** Resolves `ms` milliseconds after the previous step. */
  wait(ms: number): Promise<void>;
  /**
   * Resolves with `value` after `ms` milliseconds, or at once with the argument of `interrupt`.
   * `interrupt` returns false when it is called too late.
   */
  race<T>(ms: number, value: T, interruptible: (interrupt: (value: T) => boolean) => void): Promise<T>;
};

/** Runs tasks when they are due: earlier tasks first, and tasks with equal due times in the order of scheduling. */
export class Clock {
  readonly #tasks = new TaskHeap();
  #nextSequence = 0;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;

  /** Runs a task in `ms` milliseconds. */
  schedule(ms: number, run: () => void): void {
    this.#scheduleAt(performance.now() + ms, run);
  }

  /** Starts a timeline now. */
  timeline(): Timeline {
    let now = performance.now();
    return {
      wait: (ms) => {
        now += ms;
        return new Promise((resolve) => this.#scheduleAt(now, resolve));
      },
      race: <T>(ms: number, value: T, interruptible: (interrupt: (value: T) => boolean) => void) =>
        new Promise<T>((resolve) => {
          const dueAt = now + ms;
          let isPending = true;
          const settle = (at: number, outcome: T): boolean => {
            if (!isPending) return false;
            isPending = false;
            now = at;
            resolve(outcome);
            return true;
          };
          this.#scheduleAt(dueAt, () => settle(dueAt, value));
          interruptible((other) => settle(performance.now(), other));
        }),
    };
  }

  /** Drops all scheduled tasks. Promises that wait for them never settle. */
  clear(): void {
    this.#tasks.clear();
    this.#disarmTimer();
  }

  #scheduleAt(dueAt: number, run: () => void): void {
    const task = { dueAt, sequence: this.#nextSequence++, run };
    this.#tasks.push(task);
    if (this.#tasks.first === task) this.#armTimer();
  }

  #armTimer(): void {
    this.#disarmTimer();
    const next = this.#tasks.first;
    if (next === undefined) return;
    const wait = next.dueAt - performance.now();
    if (wait >= MIN_TIMER_MS) this.#timer = setTimeout(() => this.#armTimer(), Math.floor(wait) - 1);
    else this.#immediate = setImmediate(() => this.#runDueTasks());
  }

  #disarmTimer(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
  }

  /** Runs the tasks of one due time only: their results may be due before the next one, however late the clock is. */
  #runDueTasks(): void {
    const dueAt = this.#tasks.first?.dueAt ?? Number.POSITIVE_INFINITY;
    if (dueAt <= performance.now()) {
      while (this.#tasks.first?.dueAt === dueAt) this.#tasks.pop()?.run();
    }
    this.#armTimer();
  }
}
