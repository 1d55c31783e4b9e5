/** Starts processes that end with this one, even if this one is killed (SIGKILL), so that none keeps port and data. @module */
import { type ChildProcess, spawn } from 'node:child_process';
import type { Socket } from 'node:net';

/** The descriptor of the child's end of the lifeline. */
const LIFELINE = 3;

/**
 * Runs a program with these arguments in place of the shell:
 * - What it creates is for its user alone.
 * - It gets as many file descriptors as the system allows: workerd dies when it runs out of them.
 * - A watchdog waits for the end of the lifeline, which this process holds. A line means that the program has ended.
 * - On Linux the kernel does the same (PR_SET_PDEATHSIG), in case that the watchdog is killed as well.
 */
const SCRIPT = `umask 077
ulimit -n "$(ulimit -Hn)" 2>/dev/null
sh -c 'read -r _ || kill -9 "$1"' watchdog $$ <&${LIFELINE} >/dev/null 2>&1 &
setpriv --pdeathsig KILL true 2>/dev/null && set -- setpriv --pdeathsig KILL "$@"
exec "$@" ${LIFELINE}<&-`;

export interface TiedProcessOptions {
  /** Environment variables in addition to those of this process. */
  readonly env: Readonly<Record<string, string>>;
  /** What becomes of its standard output; that of this process by default. */
  readonly stdout?: 'inherit' | 'pipe';
  /** What becomes of its errors; those of this process by default. */
  readonly stderr?: 'inherit' | 'pipe';
}

/**
 * Starts a program in a process group of its own, because Ctrl-C reaches the whole group of this process, but the processes
 * must end in order. The process is killed when its watchdog ends.
 */
export function spawnTied(
  program: string,
  args: readonly string[],
  { env, stdout = 'inherit', stderr = 'inherit' }: TiedProcessOptions,
): ChildProcess {
  const child = spawn('sh', ['-c', SCRIPT, 'sh', program, ...args], {
    stdio: ['ignore', stdout, stderr, 'pipe'],
    env: { ...process.env, ...env },
    detached: true,
  });
  // The type of `stdio` has no duplex streams, but each 'pipe' beyond the first three is one.
  const lifeline = child.stdio[LIFELINE] as Socket | null;
  // The program may have ended before its line is written.
  lifeline?.on('error', () => {});
  lifeline?.on('close', () => child.kill('SIGKILL'));
  lifeline?.resume();
  lifeline?.unref();
  child.once('exit', () => lifeline?.end('\n'));
  return child;
}
