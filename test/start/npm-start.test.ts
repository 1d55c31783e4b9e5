/** `npm start`, as a new user runs it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { foreignText } from '../../shared/testing/wrong-values.ts';
import { Client, callidOf, eventNames, phoneUri } from '../harness/client.ts';
import { findFreePort, waitUntil } from '../harness/stack.ts';
import { findProcesses } from './processes.ts';

const root = resolve(import.meta.dirname, '../..');

/** Runs `npm start` in its own process group, like a terminal. */
function npmStart(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn('npm', ['start', '--', ...args], {
    cwd: root,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return {
    output: () => output,
    get pid(): number {
      if (child.pid === undefined) throw new Error('npm was not started');
      return child.pid;
    },
    waitUntilReady: () => waitUntil(() => output.includes('Press Ctrl-C to stop')),
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

  const first = npmStart(['--port', String(port), '--data', data]);
  await first.waitUntilReady();
  expect(first.output()).toContain(url);
  // The command that it proposes reaches this port.
  expect(first.output()).toMatch(new RegExp(`npm run call -- CallStart '.*' --url ws://localhost:${port}\n`));
  const client = await Client.connect(url);
  const notifications = await client.runToEnd('CallStart', { ...parties, cmd_id: 'stored-command' });
  expect(callidOf(notifications, 'CalleeAnswered')).toMatch(/./);
  const stream = await fetch(`http://localhost:${port}/v1/events`);
  await first.interrupt();
  // Clients are told that it stops, and streams end.
  expect(await client.closed).toEqual({
    code: 1012,
    reason: 'The edge has stopped. Reconnect after a random delay.',
  });
  expect(await stream.text()).toMatch(/^retry: \d+\n\n/);
  await expect(fetch(`http://localhost:${port}/healthz`)).rejects.toThrow();

  const second = npmStart(['--port', String(port), '--data', data]);
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

it('with --dial lets the edge connect to the adapter, also after the adapter was started again', async () => {
  const data = await mkdtemp(join(tmpdir(), 'call-api-'));
  const port = await findFreePort();
  const start = npmStart(['--dial', '--port', String(port), '--data', data]);
  await start.waitUntilReady();
  expect(start.output()).toMatch(/^Link +the edge connects to the adapter at port \d+/m);
  const link = async () => {
    const response = await fetch(`http://localhost:${port}/healthz`);
    return ((await response.json()) as { readonly link: object }).link;
  };
  expect(await link()).toMatchObject({ connected: false });
  const client = await Client.connect(`ws://localhost:${port}/call-api`);
  const parties = { caller: phoneUri('alice'), callee: phoneUri('bob') };
  const call = async () => callidOf(await client.runToEnd('CallStart', parties), 'CalleeAnswered');
  expect(await call()).toMatch(/./);
  expect(await link()).toMatchObject({ connected: true, dial: { state: 'open' } });
  process.kill(findProcesses(start.pid).adapter, 'SIGKILL');
  await waitUntil(() => start.output().includes('The adapter has ended'));
  await waitUntil(async () => !(await client.request('CallStart', parties)).error);
  client.close();
  await start.interrupt();
  await rm(data, { recursive: true, force: true });
});

it('reports a port that is in use', async () => {
  const port = await findFreePort();
  const otherServer = createServer().listen(port, '127.0.0.1');
  await once(otherServer, 'listening');
  const start = npmStart(['--port', String(port)]);
  const [status] = await start.waitForExit();
  otherServer.close();
  expect(status).toBe(1);
  expect(start.output()).toContain(
    `--port (SELFHOST_PORT): cannot listen on port ${port}: another program uses the port.`,
  );
  expect(start.output()).not.toContain('is up');
});

it.each<[string, string[], Record<string, string>, RegExp, number]>([
  [
    'a data folder that cannot be written',
    ['--data', '/dev/null/data'],
    {},
    /^--data \(SELFHOST_DATA\): cannot write to the folder "\/dev\/null\/data": .*\. Choose another/m,
    1,
  ],
  [
    'an OpenSIPS that does not answer',
    ['--opensips', '127.0.0.1:9'],
    {},
    /^--opensips \(SELFHOST_OPENSIPS\): no OpenSIPS answers MI at 127\.0\.0\.1:9 \(UDP\)\. Check/m,
    1,
  ],
  [
    'an adapter that cannot start',
    [],
    { EVI_LISTEN: 'bad' },
    /^EVI_LISTEN: "bad" is not HOST:PORT\..*\nThe adapter has ended \(exit code 2\)\. Its messages are above\.$/m,
    1,
  ],
  [
    'a wrong setting',
    ['--tenants=maybe'],
    {},
    /^--tenants: "maybe" is neither yes nor no\. Use one of them\.$/m,
    2,
  ],
])('reports %s, and not that it is up', async (_, args, env, message, status) => {
  const data = await mkdtemp(join(tmpdir(), 'call-api-'));
  const start = npmStart(['--port', String(await findFreePort()), '--data', data, ...args], env);
  const [exit] = await start.waitForExit();
  expect(exit).toBe(status);
  await rm(data, { recursive: true, force: true });
  expect(start.output()).toMatch(message);
  expect(start.output()).not.toContain('is up');
  expect(foreignText(start.output(), '')).toBeUndefined();
});

it('lists its options with --help', async () => {
  const start = npmStart(['--help']);
  await start.waitForExit();
  expect(start.output()).toContain('--opensips HOST:PORT');
});

it('serves its clients although nobody reads its output any more', async () => {
  const data = await mkdtemp(join(tmpdir(), 'call-api-'));
  const port = await findFreePort();
  const args = ['selfhost/start.ts', '--tenants', '--port', String(port), '--data', data];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  for (const output of [child.stdout, child.stderr]) output.destroy();
  // It writes to a closed pipe when everything is up, which is after the edge answers.
  await waitUntil(async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok);
  const ended = Promise.race([exited.then(() => 'ended'), delay(1_000, 'running')]);
  expect(await ended).toBe('running');
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
  await rm(data, { recursive: true, force: true });
});
