/** Finds the processes of an `npm start`. @module */
import { execFileSync } from 'node:child_process';

/** Their numbers. */
export interface StartProcesses {
  readonly npm: number;
  readonly starter: number;
  readonly workerd: number;
  readonly adapter: number;
  readonly watchdogs: number[];
  readonly all: number[];
}

interface Row {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Returns the processes that descend from npm's. Throws if one is missing. */
export function findProcesses(npm: number): StartProcesses {
  const rows = listProcesses();
  const descendants: Row[] = rows.filter(({ pid }) => pid === npm);
  for (const { pid } of descendants) descendants.push(...rows.filter(({ parent }) => parent === pid));
  const find = (pattern: RegExp) =>
    descendants.filter(({ command }) => pattern.test(command)).map(({ pid }) => pid);
  const one = (pattern: RegExp) => {
    const [pid] = find(pattern);
    if (pid === undefined) throw new Error(`npm start has no process ${pattern}`);
    return pid;
  };
  return {
    npm,
    starter: one(/^(?:\S*\/)?node \S*selfhost\/start\.ts/),
    workerd: one(/^\S*workerd serve /),
    adapter: one(/^\S+ \S*\/adapter\.js$/),
    watchdogs: find(/^sh -c .* watchdog \d+$/),
    all: descendants.map(({ pid }) => pid),
  };
}

/** Returns whether one of these processes runs. */
export function isAnyRunning(pids: readonly number[]): boolean {
  return listProcesses().some(({ pid }) => pids.includes(pid));
}

/** Lists the processes that run; those that have ended and were not waited for do not. */
function listProcesses(): Row[] {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid=,stat=,args='], {
    encoding: 'utf8',
    maxBuffer: 2 ** 24,
  });
  return rows
    .split('\n')
    .map((row) => /^\s*(\d+)\s+(\d+)\s+([^Z\s]\S*)\s+(.*)$/.exec(row))
    .flatMap((match) => {
      const [, pid, parent, , command = ''] = match ?? [];
      return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), command }];
    });
}
