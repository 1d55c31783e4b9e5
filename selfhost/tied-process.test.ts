/** A tied process ends with the process that started it, whatever is killed. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { spawnTied } from './tied-process.ts';

const MODULE = join(import.meta.dirname, 'tied-process.ts');

/** Starts a process that starts a tied `sleep` and prints its number. */
async function startParent() {
  const script = `const { spawnTied } = await import(${JSON.stringify(MODULE)});
    process.stdout.write(spawnTied('sleep', ['1000'], { env: {} }).pid + '\\n');
    setInterval(() => {}, 1000);`;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(output.toString());
  const watchdog = await until(() => childrenOf(pid)[0]);
  return { parent, pid, watchdog };
}

function childrenOf(pid: number): number[] {
  const rows = execFileSync('ps', ['-eo', 'pid=,ppid=,stat='], { encoding: 'utf8' }).trim().split('\n');
  return rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, ppid, state]) => Number(ppid) === pid && !state?.startsWith('Z'))
    .map(([child]) => Number(child));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^Z/.test(execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }));
  } catch {
    return false;
  }
}

async function until<T>(read: () => T | undefined | false): Promise<T> {
  for (;;) {
    const value = read();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

it('ends when its parent is killed', async () => {
  const { parent, pid, watchdog } = await startParent();
  parent.kill('SIGKILL');
  await until(() => !isRunning(pid) && !isRunning(watchdog));
});

it('ends when its watchdog is killed, so that none runs without one', async () => {
  const { parent, pid, watchdog } = await startParent();
  process.kill(watchdog, 'SIGKILL');
  await until(() => !isRunning(pid));
  expect(isRunning(parent.pid ?? 0)).toBe(true);
  parent.kill('SIGKILL');
});

it('leaves no watchdog behind when it ends by itself', async () => {
  const child = spawnTied('sh', ['-c', 'sleep 0.3; exit 7'], { env: {} });
  const watchdog = await until(() => childrenOf(child.pid ?? 0)[0]);
  expect(await once(child, 'exit')).toEqual([7, null]);
  await until(() => !isRunning(watchdog));
});

it('reports a program that does not exist with its exit code', async () => {
  const child = spawnTied('/nonexistent/program', [], { env: {} });
  const [status] = (await once(child, 'exit')) as [number];
  expect(status).not.toBe(0);
});
