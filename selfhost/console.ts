/** The console's files, made when they are missing or older than what they are made of. @module */
import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');
const dist = join(root, 'dist');

/** Where they are: the folder that `wrangler.toml` serves. */
export const CONSOLE_FILES = join(dist, 'console');

const PAGE = 'index.html';
/** Below it, names have a hash of their content. */
const ASSETS = 'assets';

/** What they are made of. */
const SOURCES = ['client', 'package-lock.json'];

/**
 * Makes them if need be. Whoever reads them meanwhile, such as an edge that runs, finds what belongs together: the page is
 * replaced last and in one step, and only then goes what the page before it had.
 */
export async function buildConsole({ always = false } = {}): Promise<void> {
  const [made, newest] = await Promise.all([
    changed(join(CONSOLE_FILES, PAGE)),
    Promise.all(SOURCES.map((source) => newestIn(join(root, source)))),
  ]);
  if (!always && made > Math.max(...newest)) return;
  await mkdir(join(CONSOLE_FILES, ASSETS), { recursive: true });
  const fresh = await mkdtemp(join(dist, 'console-'));
  try {
    // Loaded only now: most starts need nothing built.
    const { build } = await import('vite');
    const configFile = join(root, 'client/console/vite.config.ts');
    await build({ configFile, logLevel: 'warn', build: { outDir: fresh, emptyOutDir: true } });
    const assets = await readdir(join(fresh, ASSETS));
    const others = (await readdir(fresh)).filter((name) => name !== ASSETS && name !== PAGE);
    for (const file of [...assets.map((name) => join(ASSETS, name)), ...others, PAGE])
      await rename(join(fresh, file), join(CONSOLE_FILES, file));
    for (const old of await readdir(join(CONSOLE_FILES, ASSETS)))
      if (!assets.includes(old)) await rm(join(CONSOLE_FILES, ASSETS, old), { force: true });
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

/** When a file was changed, in Unix milliseconds; 0 where there is none. */
async function changed(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}

/** When the newest file in a folder was changed; of a file, when it was itself. */
async function newestIn(path: string): Promise<number> {
  const { isDirectory, mtimeMs } = await stat(path).then(
    (found) => ({ isDirectory: found.isDirectory(), mtimeMs: found.mtimeMs }),
    () => ({ isDirectory: false, mtimeMs: 0 }),
  );
  if (!isDirectory) return mtimeMs;
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith('.test.ts'));
  return Math.max(
    0,
    ...(await Promise.all(files.map(({ parentPath, name }) => changed(join(parentPath, name))))),
  );
}

if (import.meta.main) await buildConsole({ always: process.argv.includes('--always') });
