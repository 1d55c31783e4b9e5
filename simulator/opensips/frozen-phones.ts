/**
 * Phones that send nothing for a while, as if their network or their process were gone. What they receive meanwhile
 * they answer when they are thawed.
 * @module
 */
export class FrozenPhones {
  /** What to do at the thaw of each frozen phone, by user. */
  readonly #tasks = new Map<string, Set<() => void>>();

  /** Whether a phone is frozen. The user agent that is OpenSIPS itself has no user, and never is. */
  has(user: string | undefined): boolean {
    return user !== undefined && this.#tasks.has(user);
  }

  freeze(user: string): void {
    if (!this.#tasks.has(user)) this.#tasks.set(user, new Set());
  }

  thaw(user: string): void {
    const tasks = this.#tasks.get(user);
    this.#tasks.delete(user);
    for (const run of tasks ?? []) run();
  }

  /** Runs a task when the phone is thawed. Does nothing if it is not frozen. */
  onThaw(user: string, run: () => void): void {
    this.#tasks.get(user)?.add(run);
  }

  /** Drops all tasks, as when OpenSIPS no longer waits for any phone. */
  dropTasks(): void {
    for (const tasks of this.#tasks.values()) tasks.clear();
  }
}
