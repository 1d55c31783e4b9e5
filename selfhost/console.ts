/** Builds the console's files when they are missing or older than their sources. @module */
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** The folder that `wrangler.toml` serves. */
export const CONSOLE_DIRECTORY = join(dist, 'console');

const PAGE = 'index.html';
/** Folder of files whose names contain a hash of their content. */
const ASSETS = 'assets';

const SOURCES = ['build', 'client', 'package-lock.json'];

/**
 * Builds the files if necessary. A running edge that reads them at the same time finds a consistent set: the page is
 * replaced last and in one step, and the files of the page before it are removed after that.
 */
export async function buildConsole({ always = false } = {}): Promise<void> {
  const [builtAt, newestSources] = await Promise.all([
    modifiedAt(join(CONSOLE_DIRECTORY, PAGE)),
    Promise.all(SOURCES.map((source) => newestModification(join(root, source)))),
  ]);
  if (!always && builtAt > Math.max(...newestSources)) return;
  await mkdir(join(CONSOLE_DIRECTORY, ASSETS), { recursive: true });
  const buildDirectory = await mkdtemp(join(dist, 'console-'));
  try {
    // Loaded only here, because most starts need no build.
    const { build } = await import('vite');
    const configFile = join(root, 'client/console/vite.config.ts');
    await build({ configFile, logLevel: 'warn', build: { outDir: buildDirectory, emptyOutDir: true } });
    const assets = await readdir(join(buildDirectory, ASSETS));
    const others = (await filesIn(buildDirectory)).filter(
      (file) => dirname(file) !== ASSETS && file !== PAGE,
    );
    for (const file of [...assets.map((name) => join(ASSETS, name)), ...others, PAGE]) {
      await mkdir(dirname(join(CONSOLE_DIRECTORY, file)), { recursive: true });
      await rename(join(buildDirectory, file), join(CONSOLE_DIRECTORY, file));
    }
    for (const file of await readdir(join(CONSOLE_DIRECTORY, ASSETS)))
      if (!assets.includes(file)) await rm(join(CONSOLE_DIRECTORY, ASSETS, file), { force: true });
  } finally {
    await rm(buildDirectory, { recursive: true, force: true });
  }
}

/** Returns when a file was modified, in Unix milliseconds; 0 where there is none. */
async function modifiedAt(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

/** Returns when the newest file in a folder was modified; for a file, when it was itself. */
async function newestModification(path: string): Promise<number> {
  const { isDirectory, mtimeMs } = await stat(path).then(
    (found) => ({ isDirectory: found.isDirectory(), mtimeMs: found.mtimeMs }),
    () => ({ isDirectory: false, mtimeMs: 0 }),
  );
  if (!isDirectory) return mtimeMs;
  const files = (await filesIn(path)).filter((file) => !file.endsWith('.test.ts'));
  return Math.max(0, ...(await Promise.all(files.map((file) => modifiedAt(join(path, file))))));
}

/** Returns the paths of all files below a folder, from that folder. */
async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => relative(folder, join(parentPath, name)));
}

if (import.meta.main) await buildConsole({ always: process.argv.includes('--always') });
