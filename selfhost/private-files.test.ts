import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { makePrivate } from './private-files.ts';

let folder: string;
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'call-api-'))));
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Returns the mode of each path below the folder, and of the folder itself as `.`. */
async function modes(): Promise<Record<string, string>> {
  const paths = ['.', ...(await readdir(folder, { recursive: true }))].sort();
  const entries = paths.map(async (path) => [
    path,
    ((await stat(join(folder, path))).mode & 0o777).toString(8),
  ]);
  return Object.fromEntries(await Promise.all(entries));
}

it('makes what an earlier version created private', async () => {
  await mkdir(join(folder, 'objects/switchboard'), { recursive: true });
  for (const file of [
    'objects/switchboard/a.sqlite',
    'objects/switchboard/a.sqlite-wal',
    'secrets.json',
    'worker.js',
  ])
    await writeFile(join(folder, file), '', { mode: 0o644 });
  for (const path of ['.', 'objects', 'objects/switchboard']) await chmod(join(folder, path), 0o755);
  await chmod(join(folder, 'secrets.json'), 0o666);
  await makePrivate(folder);
  expect(await modes()).toEqual({
    '.': '700',
    objects: '700',
    'objects/switchboard': '700',
    'objects/switchboard/a.sqlite': '600',
    'objects/switchboard/a.sqlite-wal': '600',
    'secrets.json': '600',
    'worker.js': '600',
  });
});

it('creates a folder that does not exist', async () => {
  const data = join(folder, 'a/b');
  await makePrivate(data);
  expect(await modes()).toMatchObject({ 'a/b': '700', 'a/b/objects': '700' });
});

it('leaves the files of others, and the folder that they share, as they are', async () => {
  await chmod(folder, 0o755);
  await mkdir(join(folder, 'objects'), { mode: 0o755 });
  await writeFile(join(folder, 'index.html'), '', { mode: 0o644 });
  await symlink(join(folder, 'index.html'), join(folder, 'objects/link'));
  await makePrivate(folder);
  expect(await modes()).toEqual({ '.': '755', objects: '700', 'objects/link': '644', 'index.html': '644' });
});
