/** What `npm start` survives: the death of each of its processes, its own, and a second start. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Client, eventNames, phoneUri } from '../harness/client.ts';
import { findFreePort, stopProcess, waitUntil } from '../harness/stack.ts';
import { findProcesses, isAnyRunning, type StartProcesses } from './processes.ts';

const root = resolve(import.meta.dirname, '../..');

let data: string;
let port: number;
let start: Awaited<ReturnType<typeof npmStart>>;

/** An earlier version has left files that everybody may read. */
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'call-api-'));
  port = await findFreePort();
  await mkdir(join(data, 'objects/switchboard'), { recursive: true, mode: 0o755 });
  await writeFile(join(data, 'objects/switchboard/old.sqlite'), '', { mode: 0o644 });
  await chmod(data, 0o755);
  start = await npmStart();
}, 60_000);
afterAll(async () => {
  await stopProcess(start.child, 'SIGTERM');
  await rm(data, { recursive: true, force: true });
});

/** Starts `npm start`. Resolves when it is up. */
async function npmStart() {
  const child = spawn('npm', ['start', '--', '--port', String(port), '--data', data], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await waitUntil(() => output.includes('Press Ctrl-C to stop') || child.exitCode !== null);
  return { child, output: () => output, processes: () => findProcesses(child.pid ?? 0) };
}

const isLinked = async () =>
  ((await (await fetch(`http://127.0.0.1:${port}/healthz`)).json()) as { link: { connected: boolean } }).link
    .connected;

async function startCall(): Promise<string[]> {
  const client = await Client.connect(`ws://127.0.0.1:${port}/call-api`);
  const parties = { caller: phoneUri('alice'), callee: phoneUri('bob') };
  const events = eventNames(await client.runToEnd('CallStart', parties));
  client.close();
  return events;
}

it('keeps its data from other users', async () => {
  await startCall();
  const paths = ['.', ...(await readdir(data, { recursive: true }))];
  expect(paths.length).toBeGreaterThan(10);
  for (const path of paths) expect((await stat(join(data, path))).mode & 0o077, path).toBe(0);
});

it('says that the data is in use when it is started a second time, and changes nothing', async () => {
  const files = await readdir(data, { recursive: true });
  const second = spawn('npm', ['start', '--', '--data', data], {
    cwd: root,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let output = '';
  second.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  expect(await once(second, 'exit')).toEqual([1, null]);
  expect(output).toContain(
    `--data (SELFHOST_DATA): the folder "${data}" is in use by process ${start.processes().starter}, another npm start.`,
  );
  expect(await readdir(data, { recursive: true })).toEqual(files);
  expect(await startCall()).toContain('CalleeAnswered');
});

it.each<[string, (processes: StartProcesses) => number[]]>([
  ['workerd', ({ workerd }) => [workerd]],
  ['the adapter', ({ adapter }) => [adapter]],
  ['both', ({ workerd, adapter }) => [workerd, adapter]],
  ['their watchdogs', ({ watchdogs }) => watchdogs],
])('serves calls again after kill -9 of %s', async (_, victims) => {
  const pids = victims(start.processes());
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await waitUntil(() => !isAnyRunning(pids));
  await waitUntil(isLinked);
  expect(await startCall()).toContain('CalleeAnswered');
  expect(start.output()).toMatch(/has ended \(SIGKILL\)\. It starts again in [\d.]+ s\.\n/);
  expect(start.child.exitCode).toBeNull();
});

it.each<[string, (processes: StartProcesses) => number[]]>([
  ['the starter', ({ starter }) => [starter]],
  ['npm', ({ npm }) => [npm]],
  ['the starter and all watchdogs', ({ starter, watchdogs }) => [starter, ...watchdogs]],
])('leaves no process behind after kill -9 of %s, and starts again', async (_, victims) => {
  const processes = start.processes();
  expect(processes.all.length).toBeGreaterThanOrEqual(7);
  for (const pid of victims(processes)) process.kill(pid, 'SIGKILL');
  await waitUntil(() => !isAnyRunning(processes.all));
  start = await npmStart();
  expect(start.output()).toContain('The Call API is up.');
  expect(await startCall()).toContain('CalleeAnswered');
});
