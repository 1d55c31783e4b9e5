/** A process of its own for the victim and for the attacker, so that neither delays the other or the simulators. @module */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

export class Forked<Task, Report> implements Disposable {
  readonly #child: ChildProcess;
  readonly #reports: Report[] = [];
  #onReport: ((report: Report) => void) | undefined;

  /** Starts `script`, a file of this folder, with its task. */
  constructor(script: string, task: Task) {
    this.#child = fork(join(import.meta.dirname, script), { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('message', (report: Report) => {
      if (this.#onReport) this.#onReport(report);
      else this.#reports.push(report);
      this.#onReport = undefined;
    });
    this.#child.send({ task });
  }

  /** Sends a command. */
  send(command: string): void {
    if (this.#child.connected) this.#child.send({ command });
  }

  /** Resolves with the next report. Rejects if the process ends before. */
  next(): Promise<Report> {
    const report = this.#reports.shift();
    if (report !== undefined) return Promise.resolve(report);
    return new Promise((resolve, reject) => {
      this.#onReport = resolve;
      this.#child.once('exit', (code) => reject(new Error(`a process of the attack exited with ${code}`)));
    });
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}

/** What the other end of {@link Forked} gets. */
export type ForkMessage<Task> = { readonly task: Task } | { readonly command: string };
