import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { Processes } from './processes.ts';

/** Starts a process that says when it is ready, and then waits. */
async function startChild(code = ''): Promise<ChildProcess> {
  const child = spawn(
    process.execPath,
    ['-e', `${code}; setInterval(() => {}, 1e6); process.stdout.write('ready')`],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await once(child.stdout, 'data');
  return child;
}

it('ends a process that is added while the others are stopped', async () => {
  const processes = new Processes();
  const deaf = await startChild("process.on('SIGTERM', () => {})");
  processes.add('deaf', deaf, 200);
  const late = await startChild();
  const lateEnded = once(late, 'exit');
  const stopped = processes.stop();
  processes.add('late', late, 200);
  await Promise.all([stopped, lateEnded]);
  expect([deaf.signalCode, late.signalCode]).toEqual(['SIGKILL', 'SIGKILL']);
});
