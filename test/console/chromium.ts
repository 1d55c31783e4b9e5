/**
 * Finds a Chromium for the tests: the one that `CHROMIUM` names, an installed one, or one that is downloaded. Without a
 * browser the tests fail. They are never skipped.
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

const EXECUTABLE_NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];

const COMMON_PATHS = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/opt/google/chrome/chrome',
  '/snap/bin/chromium',
];

/**
 * An npm package with a headless Chromium for Linux on x64 and the libraries that it needs. It comes from the same
 * registry as the other dependencies. Because of its 67 MB it is downloaded only if it is needed.
 */
const CHROMIUM_PACKAGE = { name: '@sparticuz/chromium', version: '153.0.0' } as const;
const CACHE_FOLDER = join(homedir(), '.cache', 'call-api-chromium', CHROMIUM_PACKAGE.version);

/** For a download of about 100 MB on a slow connection. */
const INSTALL_TIMEOUT_MS = 300_000;

export interface ChromiumExecutable {
  readonly executablePath: string;
  readonly args: readonly string[];
}

/** Starts Chromium without a window. */
export async function launchChromium(): Promise<Browser> {
  const { executablePath, args } = await findChromium();
  // In containers the tests run as root, where the sandbox does not work. They open only pages of this project.
  return chromium.launch({ executablePath, args: [...args, '--no-sandbox'] });
}

/**
 * Finds an executable of Chromium.
 * @param env has `CHROMIUM` and `PATH`
 * @param install is called if there is none
 */
export async function findChromium(
  env: NodeJS.ProcessEnv = process.env,
  commonPaths: readonly string[] = [...COMMON_PATHS, chromium.executablePath()],
  install: () => Promise<ChromiumExecutable> = installChromium,
): Promise<ChromiumExecutable> {
  const configuredPath = env['CHROMIUM'];
  const pathCandidates = (env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .flatMap((folder) => EXECUTABLE_NAMES.map((name) => join(folder, name)));
  const candidates = configuredPath === undefined ? [...pathCandidates, ...commonPaths] : [configuredPath];
  for (const executablePath of candidates)
    if (await isRunnable(executablePath)) return { executablePath, args: [] };
  if (configuredPath !== undefined)
    throw new Error(`CHROMIUM names ${configuredPath}, which cannot be run. Correct it or unset it.`);
  return install();
}

const INSTALL_METHODS: readonly (() => Promise<ChromiumExecutable>)[] =
  process.platform === 'linux' && process.arch === 'x64'
    ? [installFromNpm, installFromPlaywright]
    : [installFromPlaywright];

/** Installs Chromium for this user with the first method that works. Rejects if none does. */
export async function installChromium(
  installMethods: typeof INSTALL_METHODS = INSTALL_METHODS,
): Promise<ChromiumExecutable> {
  const failures: string[] = [];
  for (const install of installMethods) {
    try {
      return await install();
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    }
  }
  throw new Error(
    `These tests need a Chromium, but none was found and none could be installed. Install Chromium or Chrome, or set CHROMIUM=/path/to/it.\n${failures.join('\n')}`,
  );
}

async function installFromNpm(): Promise<ChromiumExecutable> {
  const folder = join(CACHE_FOLDER, 'node_modules', CHROMIUM_PACKAGE.name);
  if (!(await exists(folder))) {
    await mkdir(CACHE_FOLDER, { recursive: true });
    const args = [
      'install',
      '--no-save',
      '--ignore-scripts',
      `${CHROMIUM_PACKAGE.name}@${CHROMIUM_PACKAGE.version}`,
    ];
    await run('npm', [...args, '--prefix', CACHE_FOLDER], { timeout: INSTALL_TIMEOUT_MS });
  }
  const entry = pathToFileURL(join(folder, 'build', 'index.js')).href;
  const chromiumPackage = (await import(entry)) as {
    readonly default: { readonly args: readonly string[]; executablePath(): Promise<string> };
  };
  return {
    executablePath: await chromiumPackage.default.executablePath(),
    args: chromiumPackage.default.args,
  };
}

async function installFromPlaywright(): Promise<ChromiumExecutable> {
  const cli = join(import.meta.dirname, '../../node_modules/playwright-core/cli.js');
  await run(process.execPath, [cli, 'install', 'chromium'], { timeout: INSTALL_TIMEOUT_MS });
  return { executablePath: chromium.executablePath(), args: [] };
}

async function isRunnable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
