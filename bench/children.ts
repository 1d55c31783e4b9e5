/** The processes that a bench starts, and the folder that they write to: gone when the bench is, however it ends. @module */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

/** Until a process has to have announced itself, in milliseconds: it takes half a second, on a busy machine some. */
const START_PATIENCE_MS = 30_000;

/** So often is a folder that a dying process still writes to removed again. */
const REMOVALS = 5;

/** Nothing that they hold is worth a farewell, so they are killed: workerd ends on no other signal while sockets are open. */
export class Children implements AsyncDisposable {
  /** A folder for what they write. */
  readonly folder: string;
  /** Rejects when one of them ends by itself. */
  readonly died: Promise<never>;
  readonly #running = new Set<ChildProcess>();
  readonly #fail: (error: Error) => void;
  readonly #end = () => {
    for (const child of this.#running) child.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true, maxRetries: REMOVALS });
  };

  /** @param within where the folder is made */
  constructor(within = tmpdir()) {
    this.folder = mkdtempSync(join(within, 'call-api-bench-'));
    const { promise, reject } = Promise.withResolvers<never>();
    this.died = promise;
    this.#fail = reject;
    // Whoever waits for it hears of it; until then it is no unhandled rejection.
    promise.catch(() => {});
    process.once('exit', this.#end);
  }

  /** Takes a process in. */
  add(name: string, child: ChildProcess): void {
    this.#running.add(child);
    child.once('error', (error) => this.#fail(new Error(`${name} did not start: ${error.message}`)));
    child.once('exit', (status, signal) => {
      if (this.#running.delete(child)) this.#fail(new Error(`${name} ended by itself (${signal ?? status})`));
    });
  }

  /** Starts a script of this project in Node; what it logs goes to stderr. */
  start(
    name: string,
    script: string,
    args: readonly string[],
    env: Readonly<Record<string, string>> = {},
  ): void {
    this.add(name, this.#spawn(script, args, env, process.stderr));
  }

  /** Starts one that announces itself, and resolves with the first line that it writes to stdout. */
  async announced(name: string, script: string, args: readonly string[]): Promise<string> {
    const child = this.#spawn(script, args, {}, 'pipe');
    this.add(name, child);
    const line = new Promise<string>((resolve, reject) => {
      const late = () => reject(new Error(`${name} did not start within ${START_PATIENCE_MS / 1000} s`));
      const timer = setTimeout(late, START_PATIENCE_MS);
      let text = '';
      child.stdout?.on('data', (chunk: Buffer) => {
        text += chunk.toString();
        if (!text.includes('\n')) return;
        clearTimeout(timer);
        resolve(text.slice(0, text.indexOf('\n')));
      });
    });
    return Promise.race([line, this.died]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    process.off('exit', this.#end);
    const running = [...this.#running].filter(
      ({ exitCode, signalCode }) => exitCode === null && signalCode === null,
    );
    this.#running.clear();
    const ended = running.map((child) => once(child, 'exit'));
    for (const child of running) child.kill('SIGKILL');
    await Promise.all(ended);
    this.#end();
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
      // Ctrl-C reaches a whole process group: they shall end when this process ends them.
      detached: true,
    });
  }
}
