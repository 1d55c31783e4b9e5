import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LOCK_FILE, lockData } from './data-lock.ts';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'call-api-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

it('is held by one process until that releases it', async () => {
  const lock = await lockData(folder);
  await expect(lockData(folder)).rejects.toThrow(
    `--data (SELFHOST_DATA): the folder "${folder}" is in use by process ${process.pid}, another npm start. Stop that one first, or choose another folder: npm start -- --data DIR.`,
  );
  expect(await readdir(folder)).toEqual([LOCK_FILE]);
  expect((await stat(join(folder, LOCK_FILE))).mode & 0o777).toBe(0o600);
  await lock.release();
  expect(await readdir(folder)).toEqual([]);
  await (await lockData(folder)).release();
});

it('of a process that was killed is replaced', async () => {
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  const start = (await readFile(`/proc/${child.pid}/stat`, 'utf8').catch(() => '')).split(' ')[21] ?? '';
  await writeFile(join(folder, LOCK_FILE), `${child.pid} ${start}\n`);
  await expect(lockData(folder)).rejects.toThrow(`in use by process ${child.pid}`);
  child.kill('SIGKILL');
  await once(child, 'exit');
  await lockData(folder);
  expect(await readFile(join(folder, LOCK_FILE), 'utf8')).toMatch(new RegExp(`^${process.pid} `));
});

it.skipIf(process.platform !== 'linux')(
  'of a process that was killed, and whose end nobody noticed, is replaced',
  async () => {
    // The shell becomes a program that never asks for the end of its child.
    const parent = spawn('sh', ['-c', 'sleep 0.1 & echo $!; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const zombie = line.toString().trim();
    const status = async () => (await readFile(`/proc/${zombie}/stat`, 'utf8')).split(' ');
    await expect.poll(async () => (await status())[2]).toBe('Z');
    await writeFile(join(folder, LOCK_FILE), `${zombie} ${(await status())[21]}\n`);
    await lockData(folder);
    expect(await readFile(join(folder, LOCK_FILE), 'utf8')).toMatch(new RegExp(`^${process.pid} `));
    parent.kill();
  },
);

it.each([
  ['whose number another process has by now', `${process.pid} started-at-another-time\n`],
  ['that is empty', ''],
  ['that is damaged', 'x\n'],
])('%s is replaced', async (_, content) => {
  await writeFile(join(folder, LOCK_FILE), content);
  await lockData(folder);
  expect(await readFile(join(folder, LOCK_FILE), 'utf8')).toMatch(new RegExp(`^${process.pid} `));
});

it('that another process has replaced is not released', async () => {
  const lock = await lockData(folder);
  await writeFile(join(folder, LOCK_FILE), 'another\n');
  await lock.release();
  expect(await readdir(folder)).toEqual([LOCK_FILE]);
});
