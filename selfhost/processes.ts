/** Child processes that run together and are stopped together. @module */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { reasonOf } from '../shared/settings/error-reason.ts';

interface Child {
  readonly name: string;
  readonly process: ChildProcess;
  readonly stopTimeoutMs: number;
}

/** A set of processes: `exited` resolves when one ends by itself, `stop` ends all, the newest first. */
export class Processes {
  readonly #children: Child[] = [];
  #isStopping = false;
  /** Resolves with a sentence about the first process that did not start, or ended by itself. */
  readonly exited: Promise<string>;
  readonly #onExit: (reason: string) => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.exited = promise;
    this.#onExit = resolve;
  }

  /**
   * Adds a process. Once {@link stop} was called nobody would end it, so it is killed at once.
   * @param stopTimeoutMs time between SIGTERM and SIGKILL when it is stopped
   */
  add(name: string, process: ChildProcess, stopTimeoutMs: number): void {
    if (this.#isStopping) {
      process.kill('SIGKILL');
      return;
    }
    this.#children.push({ name, process, stopTimeoutMs });
    process.once('error', (error) => this.#onExit(`${name} did not start: ${reasonOf(error)}.`));
    process.once('exit', (status, signal) => {
      if (!this.#isStopping)
        this.#onExit(`${name} has ended (${signal ?? `exit code ${status}`}). Its messages are above.`);
    });
  }

  /** Asks each process to end (SIGTERM), and kills it if it has not ended in time. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const { process, stopTimeoutMs } of this.#children.splice(0).reverse()) {
      if (process.exitCode !== null || process.signalCode !== null || process.pid === undefined) continue;
      const ended = once(process, 'exit');
      process.kill('SIGTERM');
      const timer = setTimeout(() => process.kill('SIGKILL'), stopTimeoutMs);
      await ended;
      clearTimeout(timer);
    }
  }
}
