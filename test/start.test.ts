/** `npm start`, as a newcomer runs it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { Client, callidOf, events, phone } from './stack/client.ts';
import { freePort, until } from './stack/stack.ts';

const root = resolve(import.meta.dirname, '..');

/** Runs it in a process group of its own, as a terminal does. */
function npmStart(...args: string[]) {
  const child = spawn('npm', ['start', '--', ...args], {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return {
    output: () => output,
    up: () => until(() => output.includes('Ctrl-C ends it all')),
    /** What Ctrl-C does: the signal reaches every process of the group. */
    async interrupt(): Promise<void> {
      const ended = once(child, 'exit');
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
      await ended;
    },
    exit: () => once(child, 'exit'),
  };
}

it('comes up, serves a call, ends on Ctrl-C, and remembers its commands the next time', async () => {
  const data = await mkdtemp(join(tmpdir(), 'call-api-'));
  const port = await freePort();
  const url = `ws://localhost:${port}/call-api`;
  const parties = { caller: phone('alice'), callee: phone('bob') };

  const first = npmStart('--port', String(port), '--data', data);
  await first.up();
  expect(first.output()).toContain(url);
  const client = await Client.connect(url);
  const told = await client.toEnd('CallStart', { ...parties, cmd_id: 'remember-me' });
  expect(callidOf(told, 'CalleeAnswered')).toMatch(/./);
  await first.interrupt();
  await expect(fetch(`http://localhost:${port}/healthz`)).rejects.toThrow();

  const second = npmStart('--port', String(port), '--data', data);
  await second.up();
  const again = await Client.connect(url);
  expect(await again.ask('CallStart', { ...parties, cmd_id: 'remember-me' })).toMatchObject({
    result: { cmd_id: 'remember-me', event: 'Started', replayed: true },
  });
  expect(events(await again.toEnd('Echo', {}))).toEqual(['Reply', 'Ended']);
  again.close();
  await second.interrupt();
  await rm(data, { recursive: true, force: true });
});

it('says so when the port is taken', async () => {
  const port = await freePort();
  const squatter = createServer().listen(port, '127.0.0.1');
  await once(squatter, 'listening');
  const start = npmStart('--port', String(port));
  const [status] = await start.exit();
  squatter.close();
  expect(status).toBe(1);
  expect(start.output()).toContain(`Port ${port} is taken; choose another`);
});

it('--help tells its options', async () => {
  const start = npmStart('--help');
  await start.exit();
  expect(start.output()).toContain('--opensips HOST:PORT');
});
