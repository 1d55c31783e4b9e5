import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { Supervisor } from './supervisor.ts';

/** Returns a part that says when it is ready, and then waits. */
function part(name: string, code = '') {
  const script = `${code}; setInterval(() => {}, 1e6); process.stdout.write('ready')`;
  return {
    name,
    spawn: () => spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] }),
    stopTimeoutMs: 200,
  };
}

async function untilReady({ stdout }: ChildProcess): Promise<void> {
  if (stdout) await once(stdout, 'data');
}

it('ends a part that is started while the others are stopped', async () => {
  const supervisor = new Supervisor(() => {});
  const deaf = supervisor.start(part('deaf', "process.on('SIGTERM', () => {})"));
  await untilReady(deaf);
  const stopped = supervisor.stop();
  const late = supervisor.start(part('late'));
  await Promise.all([stopped, once(late, 'exit')]);
  expect([deaf.signalCode, late.signalCode]).toEqual(['SIGKILL', 'SIGKILL']);
});
