/** Runs concurrent operations in every order of their steps. The steps are calls of methods, which wait until it is their turn. @module */
import { vi } from 'vitest';

/** A method that is a step of an operation. */
export interface Step {
  readonly prototype: object;
  readonly method: string;
}

type AnyMethod = (...args: unknown[]) => unknown;

/** How often the loop looks whether all operations wait, in milliseconds. */
const POLL_MS = 1;

export class Interleavings {
  /** The steps that wait for their turn, by what releases them. */
  readonly #waiting: (() => void)[] = [];
  #isActive = false;

  /** Makes the methods wait for their turn. `vi.restoreAllMocks` ends that. */
  constructor(steps: readonly Step[]) {
    for (const { prototype, method } of steps) {
      const original = Reflect.get(prototype, method) as AnyMethod;
      const waitForTurn = () => this.#waitForTurn();
      const wrapped = async function (this: unknown, ...args: unknown[]) {
        await waitForTurn();
        return original.apply(this, args);
      };
      vi.spyOn(prototype as Record<string, AnyMethod>, method).mockImplementation(wrapped as AnyMethod);
    }
  }

  /**
   * Runs operations once for every order of their steps, up to `limit`. `run` starts the operations; what it does before and after
   * `together` does not wait. Returns how many orders there were.
   */
  async runAll(
    run: (together: (operations: readonly (() => Promise<unknown>)[]) => Promise<void>) => Promise<void>,
    limit = 1_000,
  ): Promise<number> {
    // Depth first: each run follows a list of choices, and then always takes the first step.
    let choices: number[] = [];
    for (let count = 1; count <= limit; count++) {
      const options: number[] = [];
      await run((operations) => this.#runTogether(operations, choices, options));
      const next = options.map((_, index) => choices[index] ?? 0);
      while (next.length > 0 && (next.at(-1) ?? 0) + 1 >= (options[next.length - 1] ?? 0)) next.pop();
      if (next.length === 0) return count;
      choices = [...next.slice(0, -1), (next.at(-1) ?? 0) + 1];
    }
    return limit;
  }

  /** @param options receives the number of steps from which one was chosen each time */
  async #runTogether(
    operations: readonly (() => Promise<unknown>)[],
    choices: readonly number[],
    options: number[],
  ): Promise<void> {
    this.#isActive = true;
    let runningCount = operations.length;
    const done = Promise.all(
      operations.map((operation) =>
        operation().finally(() => {
          runningCount--;
        }),
      ),
    );
    while (runningCount > 0) {
      if (this.#waiting.length < runningCount) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        continue;
      }
      const index = choices[options.length] ?? 0;
      options.push(this.#waiting.length);
      const [release] = this.#waiting.splice(index, 1);
      release?.();
    }
    this.#isActive = false;
    await done;
  }

  /** Polls, because an object cannot continue in the context of another one that would release it. */
  async #waitForTurn(): Promise<void> {
    if (!this.#isActive) return;
    let isReleased = false;
    this.#waiting.push(() => {
      isReleased = true;
    });
    while (!isReleased) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
