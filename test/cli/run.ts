/** Runs `call-api` as a process, in a pipe or on a terminal of its own. @module */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { waitUntil } from '../harness/stack.ts';

const { PATH, NODE_COMPILE_CACHE } = process.env;
const MAIN = resolve(import.meta.dirname, '../../cli/main.ts');
const CTRL_C = '\x03';

/** Where the output goes. */
export type OutputTarget = 'pipe' | 'terminal';
export const OUTPUT_TARGETS: readonly OutputTarget[] = ['pipe', 'terminal'];

export interface RunResult {
  readonly exit: number | null;
  /** On a terminal it contains stderr too. */
  readonly out: string;
  readonly err: string;
}

export interface RunningProcess {
  /** Returns the output so far, stdout and stderr. */
  output(): string;
  /** Resolves when the output contains the text; rejects if the process ends without it. */
  waitForOutput(text: string): Promise<void>;
  /** Presses Ctrl-C on a terminal, or sends the signal for it. */
  interrupt(signal?: 'SIGINT' | 'SIGTERM'): void;
  /** Reads no more of stdout: the next write of the process fails with EPIPE. */
  closeOutput(): void;
  readonly exited: Promise<RunResult>;
}

/** Starts `call-api`. The terminal comes from the command `script`, so that no native module is needed. */
export function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  target: OutputTarget = 'pipe',
): RunningProcess {
  const command = [process.execPath, MAIN, ...args];
  return startProcess(target === 'pipe' ? command : terminalCommand(command), env, target);
}

/** Runs `call-api` to its end as `"$@"` of a shell script, such as `exec "$@" >/dev/full`. */
export function runInShell(
  script: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<RunResult> {
  const command = ['sh', '-c', script, 'sh', process.execPath, MAIN, ...args];
  return startProcess(command, env, 'pipe').exited;
}

function startProcess(
  [file = '', ...rest]: readonly string[],
  env: Readonly<Record<string, string>>,
  target: OutputTarget,
): RunningProcess {
  const child = spawn(file, rest, {
    env: { PATH, NODE_COMPILE_CACHE, HOME: '/nowhere', TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const exited = once(child, 'close').then(
    ([exit]): RunResult => ({ exit: exit as number | null, out, err }),
  );
  let hasExited = false;
  void exited.then(() => {
    hasExited = true;
  });
  return {
    output: () => out + err,
    async waitForOutput(text) {
      await waitUntil(() => hasExited || (out + err).includes(text));
      if (!(out + err).includes(text))
        throw new Error(`the process ended without printing ${text}; it printed:\n${out}${err}`);
    },
    interrupt(signal = 'SIGINT') {
      if (target === 'terminal') child.stdin.write(CTRL_C);
      else child.kill(signal);
    },
    closeOutput: () => void child.stdout.destroy(),
    exited,
  };
}

/** Runs `call-api` to its end. */
export function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  target: OutputTarget = 'pipe',
): Promise<RunResult> {
  return start(args, env, target).exited;
}

function terminalCommand(command: readonly string[]): string[] {
  if (spawnSync('script', ['--version']).error)
    throw new Error(
      'the command script, which provides the terminal, is missing: install bsdutils (Debian) or util-linux',
    );
  const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  return ['script', '--quiet', '--return', '--echo', 'never', '--command', quoted, '/dev/null'];
}
