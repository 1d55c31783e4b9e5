/** Makes the data of an edge unreadable to other users: it has secrets, private keys and phone numbers. @module */
import { chmod, lstat, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';

const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;
const PERMISSION_BITS = 0o777;

/** What an edge has in its data folder. */
const OWN_ENTRIES = [
  'objects',
  'secrets.json',
  'lock',
  'worker.js',
  'assets.js',
  'adapter.js',
  'workerd.capnp',
  'workerd.sock',
];

/**
 * Creates the data folder and its folder of databases, and makes all files of the edge in it private, also those that an
 * earlier version created. If the folder has files of others, such as a home folder, these and the folder itself stay as they
 * are.
 */
export async function makePrivate(folder: string): Promise<void> {
  await mkdir(join(folder, 'objects'), { recursive: true, mode: PRIVATE_FOLDER });
  const entries = await readdir(folder);
  if (entries.every(isOwn)) await restrict(folder, PRIVATE_FOLDER);
  for (const entry of entries.filter(isOwn)) await makeTreePrivate(join(folder, entry));
}

function isOwn(name: string): boolean {
  return OWN_ENTRIES.includes(name) || name.startsWith('lock.');
}

async function makeTreePrivate(path: string): Promise<void> {
  const entry = await lstat(path).catch(() => undefined);
  // workerd deletes files at any time. A link leads to what the operator put elsewhere.
  if (!entry || entry.isSymbolicLink()) return;
  if (!entry.isDirectory()) return restrict(path, PRIVATE_FILE);
  await restrict(path, PRIVATE_FOLDER);
  for (const name of await readdir(path)) await makeTreePrivate(join(path, name));
}

async function restrict(path: string, mode: number): Promise<void> {
  const { mode: current } = await lstat(path);
  if ((current & PERMISSION_BITS) !== mode) await chmod(path, mode);
}
