/** The processes that a benchmark starts and the directory that they write to. Both are removed when the benchmark ends. @module */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

/** Time for a process to write its first line. It usually takes half a second, on a busy machine a few seconds. */
const START_TIMEOUT_MS = 30_000;

/** How often the removal of a directory is retried while a dying process still writes to it. */
const MAX_REMOVE_RETRIES = 5;

/** Child processes are killed with SIGKILL: they hold nothing of value, and workerd ignores other signals while sockets are open. */
export class ChildProcesses implements AsyncDisposable {
  /** Temporary directory for the files of the processes. */
  readonly directory: string;
  /** Rejects when one of the processes exits by itself. */
  readonly exited: Promise<never>;
  readonly #running = new Set<ChildProcess>();
  readonly #fail: (error: Error) => void;
  readonly #killAll = () => {
    for (const child of this.#running) child.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true, maxRetries: MAX_REMOVE_RETRIES });
  };

  /** @param parent where the directory is created */
  constructor(parent = tmpdir()) {
    this.directory = mkdtempSync(join(parent, 'call-api-bench-'));
    const { promise, reject } = Promise.withResolvers<never>();
    this.exited = promise;
    this.#fail = reject;
    // Without a handler, a process that exits before anything awaits `exited` would be an unhandled rejection.
    promise.catch(() => {});
    process.once('exit', this.#killAll);
  }

  /** Adds a process that was started elsewhere. */
  add(name: string, child: ChildProcess): void {
    this.#running.add(child);
    child.once('error', (error) => this.#fail(new Error(`${name} did not start: ${error.message}`)));
    child.once('exit', (status, signal) => {
      if (this.#running.delete(child))
        this.#fail(new Error(`${name} exited unexpectedly (${signal ?? status})`));
    });
  }

  /** Starts a script of this project in Node. Its stdout is redirected to stderr. */
  start(
    name: string,
    script: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): void {
    this.add(name, this.#spawn(script, args, env, process.stderr));
  }

  /** Starts a script that reports on stdout when it is ready. Resolves with the first line that it writes. */
  async startAndReadLine(name: string, script: string, args: readonly string[]): Promise<string> {
    const child = this.#spawn(script, args, {}, 'pipe');
    this.add(name, child);
    const firstLine = new Promise<string>((resolve, reject) => {
      const onTimeout = () => reject(new Error(`${name} did not start within ${START_TIMEOUT_MS / 1000} s`));
      const timer = setTimeout(onTimeout, START_TIMEOUT_MS);
      let output = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (!output.includes('\n')) return;
        clearTimeout(timer);
        resolve(output.slice(0, output.indexOf('\n')));
      });
    });
    return Promise.race([firstLine, this.exited]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.#killAll);
    const running = [...this.#running].filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    this.#running.clear();
    const exits = running.map((child) => once(child, 'exit'));
    for (const child of running) child.kill('SIGKILL');
    await Promise.all(exits);
    this.#killAll();
  }

  #spawn(
    script: string,
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    stdout: 'pipe' | NodeJS.WriteStream,
  ): ChildProcess {
    return spawn(process.execPath, [join(root, script), ...args], {
      env: { ...process.env, ...env },
      stdio: ['ignore', stdout, 'inherit'],
      // Ctrl-C signals a whole process group. In a group of their own, the children exit only when this process kills them.
      detached: true,
    });
  }
}
