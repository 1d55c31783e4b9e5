/** A program with all the processes that it starts: none outlives the test. @module */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { until } from '../stack/stack.ts';

/** How long it may take to end by itself, in milliseconds. */
const PATIENCE_MS = 5_000;
/** Characters kept of its output, for a failure to show. */
const LOG_LENGTH = 20_000;

/**
 * Ends the program when our end of its pipe closes: `stop` does that, and so does the death of the test, however
 * it died.
 */
const SHELL = 'exec 3<&0; "$@" </dev/null & program=$!; { read -r _ <&3; kill $program; } & wait $program';

export class ProcessGroup {
  readonly #leader: ChildProcess;
  #log = '';

  constructor(command: string, args: readonly string[]) {
    // Detached, it leads a group of its own, and what it forks belongs to that.
    this.#leader = spawn('sh', ['-c', SHELL, 'sh', command, ...args], { stdio: 'pipe', detached: true });
    this.#leader.on('error', (error) => this.#keep(error.message));
    for (const output of [this.#leader.stdout, this.#leader.stderr]) {
      output?.on('data', (chunk: Buffer) => this.#keep(chunk.toString()));
    }
  }

  get runs(): boolean {
    return (
      this.#leader.pid !== undefined && this.#leader.exitCode === null && this.#leader.signalCode === null
    );
  }

  /** The end of its output. */
  get log(): string {
    return this.#log;
  }

  /** Asks it to end, and kills whatever of it is left. */
  async stop(): Promise<void> {
    if (this.runs) {
      const ended = once(this.#leader, 'exit');
      const impatience = setTimeout(this.#kill, PATIENCE_MS);
      this.#leader.stdin?.end();
      await ended;
      clearTimeout(impatience);
    }
    this.#kill();
    const deadline = performance.now() + PATIENCE_MS;
    await until(() => !this.#signal(0) || performance.now() > deadline);
  }

  readonly #kill = () => void this.#signal('SIGKILL');

  /** Is anyone left to get it? */
  #signal(signal: NodeJS.Signals | 0): boolean {
    if (this.#leader.pid === undefined) return false;
    try {
      return process.kill(-this.#leader.pid, signal);
    } catch {
      return false;
    }
  }

  #keep(text: string): void {
    this.#log = (this.#log + text).slice(-LOG_LENGTH);
  }
}
