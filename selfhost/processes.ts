/** Child processes that live and end together. @module */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

interface Child {
  readonly name: string;
  readonly process: ChildProcess;
  /** Milliseconds between asking it to end and making it. */
  readonly patience: number;
}

/** A set of processes: when one ends by itself, `died` tells; `stop` ends all, the newest first. */
export class Processes {
  readonly #children: Child[] = [];
  #stopping = false;
  readonly died: Promise<string>;
  readonly #tell: (what: string) => void;

  constructor() {
    const { promise, resolve } = Promise.withResolvers<string>();
    this.died = promise;
    this.#tell = resolve;
  }

  /** Adds a process. `patience`: see {@link stop}. */
  add(name: string, process: ChildProcess, patience: number): void {
    this.#children.push({ name, process, patience });
    process.once('error', (error) => this.#tell(`${name} did not start: ${error.message}`));
    process.once('exit', (status, signal) => {
      if (!this.#stopping) this.#tell(`${name} ended by itself (${signal ?? `exit status ${status}`})`);
    });
  }

  /** Asks each to end (SIGTERM), and kills it when it has not within its patience. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const { process, patience } of this.#children.splice(0).reverse()) {
      if (process.exitCode !== null || process.signalCode !== null || process.pid === undefined) continue;
      const ended = once(process, 'exit');
      process.kill('SIGTERM');
      const timer = setTimeout(() => process.kill('SIGKILL'), patience);
      await ended;
      clearTimeout(timer);
    }
  }
}
