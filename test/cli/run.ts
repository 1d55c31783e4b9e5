/** `call-api` as a process: at a pipe, or on a terminal of its own. @module */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { until } from '../stack/stack.ts';

const MAIN = resolve(import.meta.dirname, '../../cli/main.ts');
const CTRL_C = '\x03';

/** Where its output goes. */
export type Place = 'pipe' | 'terminal';
export const PLACES: readonly Place[] = ['pipe', 'terminal'];

export interface Ran {
  readonly exit: number | null;
  /** On a terminal both are one. */
  readonly out: string;
  readonly err: string;
}

export interface Running {
  /** What it has said so far, stdout and stderr. */
  said(): string;
  /** Resolves when it has said that. */
  says(text: string): Promise<void>;
  /** Ctrl-C on a terminal, else the signal that it is. */
  interrupt(): void;
  readonly ended: Promise<Ran>;
}

/** Starts it; a terminal comes from the command `script`, so that no native module is needed. */
export function start(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  place: Place = 'pipe',
): Running {
  const given = [process.execPath, MAIN, ...args];
  const [command = '', ...rest] = place === 'pipe' ? given : onTerminal(given);
  const child = spawn(command, rest, {
    env: { PATH: process.env['PATH'], HOME: '/nowhere', TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  const ended = once(child, 'close').then(([exit]): Ran => ({ exit: exit as number | null, out, err }));
  let isOver = false;
  void ended.then(() => {
    isOver = true;
  });
  return {
    said: () => out + err,
    async says(text) {
      await until(() => isOver || (out + err).includes(text));
      if (!(out + err).includes(text))
        throw new Error(`it ended without saying ${text}; it said:\n${out}${err}`);
    },
    interrupt() {
      if (place === 'terminal') child.stdin.write(CTRL_C);
      else child.kill('SIGINT');
    },
    ended,
  };
}

/** Runs it to its end. */
export function run(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
  place: Place = 'pipe',
): Promise<Ran> {
  return start(args, env, place).ended;
}

function onTerminal(given: readonly string[]): string[] {
  if (spawnSync('script', ['--version']).error)
    throw new Error(
      'the command script is not here, which gives a terminal: install bsdutils (Debian) or util-linux',
    );
  const quoted = given.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
  return ['script', '--quiet', '--return', '--echo', 'never', '--command', quoted, '/dev/null'];
}
