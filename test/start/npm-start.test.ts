/** `npm start`, as a new user runs it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { Client, callidOf, eventNames, phoneUri } from '../harness/client.ts';
import { findFreePort, waitUntil } from '../harness/stack.ts';

const root = resolve(import.meta.dirname, '../..');

/** Runs `npm start` in its own process group, like a terminal. */
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
    waitUntilReady: () => waitUntil(() => output.includes('Ctrl-C ends it all')),
    /** Sends SIGINT to every process of the group, like Ctrl-C. */
    async interrupt(): Promise<void> {
      const exited = once(child, 'exit');
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGINT');
      await exited;
    },
    waitForExit: () => once(child, 'exit'),
  };
}

it('starts, serves a call, ends on Ctrl-C, and has stored its commands after a restart', async () => {
  const data = await mkdtemp(join(tmpdir(), 'call-api-'));
  const port = await findFreePort();
  const url = `ws://localhost:${port}/call-api`;
  const parties = { caller: phoneUri('alice'), callee: phoneUri('bob') };

  const first = npmStart('--port', String(port), '--data', data);
  await first.waitUntilReady();
  expect(first.output()).toContain(url);
  const client = await Client.connect(url);
  const notifications = await client.runToEnd('CallStart', { ...parties, cmd_id: 'stored-command' });
  expect(callidOf(notifications, 'CalleeAnswered')).toMatch(/./);
  await first.interrupt();
  await expect(fetch(`http://localhost:${port}/healthz`)).rejects.toThrow();

  const second = npmStart('--port', String(port), '--data', data);
  await second.waitUntilReady();
  const secondClient = await Client.connect(url);
  expect(await secondClient.request('CallStart', { ...parties, cmd_id: 'stored-command' })).toMatchObject({
    result: { cmd_id: 'stored-command', event: 'Started', replayed: true },
  });
  expect(eventNames(await secondClient.runToEnd('Echo', {}))).toEqual(['Reply', 'Ended']);
  secondClient.close();
  await second.interrupt();
  await rm(data, { recursive: true, force: true });
});

it('reports a port that is in use', async () => {
  const port = await findFreePort();
  const otherServer = createServer().listen(port, '127.0.0.1');
  await once(otherServer, 'listening');
  const start = npmStart('--port', String(port));
  const [status] = await start.waitForExit();
  otherServer.close();
  expect(status).toBe(1);
  expect(start.output()).toContain(`Port ${port} is taken; choose another`);
});

it('lists its options with --help', async () => {
  const start = npmStart('--help');
  await start.waitForExit();
  expect(start.output()).toContain('--opensips HOST:PORT');
});
