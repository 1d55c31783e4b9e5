/** Child processes that run together: one that ends is started again, and all are stopped together. @module */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { reasonOf } from '../shared/settings/error-reason.ts';
import { restartDelayMs } from './restart-delay.ts';

/** A process that is to run. */
export interface Part {
  /** At the beginning of a sentence. */
  readonly name: string;
  readonly spawn: () => ChildProcess;
  /** Time between SIGTERM and SIGKILL when it is stopped. */
  readonly stopTimeoutMs: number;
}

interface RunningPart {
  process: ChildProcess;
  startedAt: number;
  /** Times in a row that it ended soon after its start. */
  failures: number;
  restart?: NodeJS.Timeout;
  readonly part: Part;
}

/** A set of parts. Until all of them are up, a part that ends is a failure; from then on it is started again. */
export class Supervisor {
  readonly #parts: RunningPart[] = [];
  readonly #log: (line: string) => void;
  #isUp = false;
  #isStopping = false;
  /** Resolves with a sentence about the first part that did not start, or ended before all were up. */
  readonly failed: Promise<string>;
  readonly #onFailure: (reason: string) => void;

  /** @param log writes a line for the operator */
  constructor(log: (line: string) => void) {
    this.#log = log;
    const { promise, resolve } = Promise.withResolvers<string>();
    this.failed = promise;
    this.#onFailure = resolve;
  }

  /** Starts a part, and returns its first process. While the others are stopped, it is killed at once. */
  start(part: Part): ChildProcess {
    const running: RunningPart = { part, process: part.spawn(), startedAt: Date.now(), failures: 0 };
    if (this.#isStopping) running.process.kill('SIGKILL');
    else this.#parts.push(running);
    this.#watch(running);
    return running.process;
  }

  /** Says that all parts are up: from now on, one that ends is started again. */
  onUp(): void {
    this.#isUp = true;
  }

  /** Asks each process to end (SIGTERM), the newest first, and kills it if it has not ended in time. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const { restart } of this.#parts) clearTimeout(restart);
    for (const { process, part } of this.#parts.splice(0).reverse()) {
      if (process.exitCode !== null || process.signalCode !== null || process.pid === undefined) continue;
      const ended = once(process, 'exit');
      process.kill('SIGTERM');
      const timer = setTimeout(() => process.kill('SIGKILL'), part.stopTimeoutMs);
      await ended;
      clearTimeout(timer);
    }
  }

  #watch(running: RunningPart): void {
    const { name } = running.part;
    running.process.once('error', (error) =>
      this.#onEnd(running, `${name} did not start: ${reasonOf(error)}.`),
    );
    running.process.once('exit', (status, signal) =>
      this.#onEnd(running, `${name} has ended (${signal ?? `exit code ${status}`}).`),
    );
  }

  #onEnd(running: RunningPart, reason: string): void {
    if (this.#isStopping || running.restart) return;
    if (!this.#isUp) {
      this.#onFailure(`${reason} Its messages are above.`);
      return;
    }
    const { delayMs, failures } = restartDelayMs(running.failures, Date.now() - running.startedAt);
    running.failures = failures;
    this.#log(`${reason} It starts again in ${delayMs / 1_000} s.`);
    running.restart = setTimeout(() => {
      delete running.restart;
      running.process = running.part.spawn();
      running.startedAt = Date.now();
      this.#watch(running);
    }, delayMs);
  }
}
