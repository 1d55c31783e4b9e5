/** A program together with all processes that it starts, none of which outlives the test. @module */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { waitUntil } from '../harness/stack.ts';

/** How long the program may take to exit before it is killed. */
const STOP_TIMEOUT_MS = 5_000;
/** What the main process of OpenSIPS logs when another one dies. */
const DEATH = /exited by a signal \d+/;
/** How much of its output is kept for the message of a failed test. */
const MAX_LOG_CHARACTERS = 20_000;

/**
 * Ends the program when this process's end of its stdin pipe closes: `stop` closes it, and so does the death of the
 * test process, whatever its cause.
 */
const SHELL_SCRIPT =
  'exec 3<&0; "$@" </dev/null & program=$!; { read -r _ <&3; kill $program; } & wait $program';

export class ProcessGroup {
  /** The lines of its whole output that report the death of a process: `child process 4711 exited by a signal 11`. */
  readonly deaths: string[] = [];
  readonly #leader: ChildProcess;
  #log = '';
  /** The beginning of a line whose end has not arrived. */
  #lastLine = '';

  constructor(command: string, args: readonly string[]) {
    // A detached process leads a group of its own, to which its child processes belong too.
    const shellArgs = ['-c', SHELL_SCRIPT, 'sh', command, ...args];
    this.#leader = spawn('sh', shellArgs, { stdio: 'pipe', detached: true });
    this.#leader.on('error', (error) => this.#appendLog(error.message));
    for (const output of [this.#leader.stdout, this.#leader.stderr]) {
      output?.on('data', (chunk: Buffer) => this.#appendLog(chunk.toString()));
    }
  }

  get isRunning(): boolean {
    return (
      this.#leader.pid !== undefined && this.#leader.exitCode === null && this.#leader.signalCode === null
    );
  }

  /** The end of its output. */
  get log(): string {
    return this.#log;
  }

  /** Ends the program, and kills all processes of the group that remain. */
  async stop(): Promise<void> {
    if (this.isRunning) {
      const exited = once(this.#leader, 'exit');
      const killTimer = setTimeout(this.#kill, STOP_TIMEOUT_MS);
      this.#leader.stdin?.end();
      await exited;
      clearTimeout(killTimer);
    }
    this.#kill();
    const deadline = performance.now() + STOP_TIMEOUT_MS;
    await waitUntil(() => !this.#signal(0) || performance.now() > deadline);
  }

  /** Kills all processes of the group at once. */
  async kill(): Promise<void> {
    const exited = this.isRunning ? once(this.#leader, 'exit') : undefined;
    this.#kill();
    await exited;
  }

  readonly #kill = () => void this.#signal('SIGKILL');

  /** Sends a signal to the group. Returns whether any process received it. */
  #signal(signal: NodeJS.Signals | 0): boolean {
    if (this.#leader.pid === undefined) return false;
    try {
      return process.kill(-this.#leader.pid, signal);
    } catch {
      return false;
    }
  }

  #appendLog(text: string): void {
    this.#log = (this.#log + text).slice(-MAX_LOG_CHARACTERS);
    const lines = (this.#lastLine + text).split('\n');
    this.#lastLine = lines.pop() ?? '';
    this.deaths.push(...lines.filter((line) => DEATH.test(line)));
  }
}
