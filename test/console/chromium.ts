/**
 * A Chromium for the tests: the one that `CHROMIUM` names, one of this machine, or one that is installed for it. Where
 * there is none at all the tests fail: they never pass by leaving the browser out.
 * @module
 */
import { execFile } from 'node:child_process';
import { access, constants, mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { type Browser, chromium } from 'playwright-core';

const run = promisify(execFile);

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

const USUAL_PLACES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/opt/google/chrome/chrome',
  '/snap/bin/chromium',
];

/**
 * An npm package that carries a headless Chromium for Linux on x64 with the libraries it needs: it comes by the way
 * that everything else has come. It is fetched only where it is needed, because it weighs 67 MB.
 */
const CARRIER = { name: '@sparticuz/chromium', version: '153.0.0' } as const;
const CACHE = join(homedir(), '.cache', 'call-api-chromium', CARRIER.version);

/** Milliseconds: some 100 MB come over a slow line. */
const INSTALL_PATIENCE_MS = 300_000;

export interface Found {
  readonly executablePath: string;
  readonly args: readonly string[];
}

/** Starts it, headless. */
export async function launchChromium(): Promise<Browser> {
  const { executablePath, args } = await findChromium();
  // Tests run as root in containers, where its sandbox cannot be set up; they open pages of ours only.
  return chromium.launch({ executablePath, args: [...args, '--no-sandbox'] });
}

/**
 * @param env where `CHROMIUM` and `PATH` are looked up
 * @param install is asked where there is none
 */
export async function findChromium(
  env: NodeJS.ProcessEnv = process.env,
  usualPlaces: readonly string[] = [...USUAL_PLACES, chromium.executablePath()],
  install: () => Promise<Found> = installChromium,
): Promise<Found> {
  const named = env['CHROMIUM'];
  const onPath = (env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .flatMap((folder) => NAMES.map((name) => join(folder, name)));
  const places = named === undefined ? [...onPath, ...usualPlaces] : [named];
  for (const executablePath of places)
    if (await isRunnable(executablePath)) return { executablePath, args: [] };
  if (named !== undefined)
    throw new Error(`CHROMIUM names ${named}, and that cannot be run: mend or unset it`);
  return install();
}

const WAYS: readonly (() => Promise<Found>)[] =
  process.platform === 'linux' && process.arch === 'x64' ? [fromNpm, fromPlaywright] : [fromPlaywright];

/** Installs one for this user, the way that this machine allows; rejects where none does. */
export async function installChromium(ways: typeof WAYS = WAYS): Promise<Found> {
  const failures: string[] = [];
  for (const way of ways) {
    try {
      return await way();
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(
    `These tests need a Chromium, and none was found or could be installed. Install Chromium or Chrome, or say where one is with CHROMIUM=/path/to/it.\n${failures.join('\n')}`,
  );
}

async function fromNpm(): Promise<Found> {
  const folder = join(CACHE, 'node_modules', CARRIER.name);
  if (!(await isThere(folder))) {
    await mkdir(CACHE, { recursive: true });
    const args = ['install', '--no-save', '--ignore-scripts', `${CARRIER.name}@${CARRIER.version}`];
    await run('npm', [...args, '--prefix', CACHE], { timeout: INSTALL_PATIENCE_MS });
  }
  const entry = pathToFileURL(join(folder, 'build', 'index.js')).href;
  const carried = (await import(entry)) as {
    readonly default: { readonly args: readonly string[]; executablePath(): Promise<string> };
  };
  return { executablePath: await carried.default.executablePath(), args: carried.default.args };
}

async function fromPlaywright(): Promise<Found> {
  const cli = join(import.meta.dirname, '../../node_modules/playwright-core/cli.js');
  await run(process.execPath, [cli, 'install', 'chromium'], { timeout: INSTALL_PATIENCE_MS });
  return { executablePath: chromium.executablePath(), args: [] };
}

async function isRunnable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
