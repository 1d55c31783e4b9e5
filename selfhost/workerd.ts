/**
 * Runs the edge on this machine: the Worker, bundled and served by bare workerd, with its objects on the local disk.
 * @module
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { access, constants, mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { networkInterfaces } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { buildConsole, CONSOLE_DIRECTORY } from './console.ts';
import { StartError } from './start-error.ts';

const root = resolve(import.meta.dirname, '..');

/** Where and how the edge runs. */
export interface EdgeOptions {
  /** TCP port on loopback. */
  readonly port: number;
  /** Folder for its objects and its bundle; created if it does not exist. */
  readonly data: string;
  /** Secrets and variables of the Worker, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** The Worker's entry point; by default that of the open `demo` tenant. */
  readonly entry?: string;
  /** Allows webhooks to private and loopback addresses; by default they may go to public ones only. */
  readonly webhooksToPrivate?: boolean;
  /** For measurements of memory: V8's heap is capped, `gc()` exists, and the inspector listens on this port of loopback. */
  readonly heap?: { readonly maxMb: number; readonly inspectorPort: number };
}

/** Starts workerd. It serves once its port answers, and writes errors to stderr. */
export async function startEdge({
  port,
  data,
  secrets,
  entry = 'worker/local.ts',
  webhooksToPrivate = false,
  heap,
}: EdgeOptions): Promise<ChildProcess> {
  const workerd = await findWorkerd();
  const objects = join(data, 'objects');
  await mkdir(objects, { recursive: true });
  await Promise.all([
    bundle(join(root, entry), join(data, 'worker.js')),
    bundle(join(root, 'selfhost/assets.ts'), join(data, 'assets.js')),
    buildConsole(),
  ]).catch((cause: unknown) => {
    const message = 'Cannot build the edge. The errors are above. If a package is missing, run npm ci.';
    throw new StartError(message, { cause });
  });
  const config = join(data, 'workerd.capnp');
  const env = {
    MAX_SOCKETS: String(maxSockets()),
    ...(webhooksToPrivate ? { WEBHOOKS_TO_PRIVATE: 'yes' } : {}),
    ...secrets,
  };
  await writeFile(config, renderConfig(Object.keys(env), webhooksToPrivate, heap?.maxMb));
  const addresses = hasIpv6() ? [`v4=127.0.0.1:${port}`, `v6=[::1]:${port}`] : [`v4=127.0.0.1:${port}`];
  const sockets = addresses.flatMap((address) => ['--socket-addr', address]);
  const folders = [`objects=${objects}`, `console=${CONSOLE_DIRECTORY}`];
  const paths = folders.flatMap((folder) => ['--directory-path', folder]);
  const inspector = heap ? [`--inspector-addr=127.0.0.1:${heap.inspectorPort}`] : [];
  const args = ['serve', config, ...paths, ...sockets, ...inspector];
  // workerd dies when it runs out of file descriptors, so it gets as many as the system allows.
  const raise = 'ulimit -n "$(ulimit -Hn)" 2>/dev/null; exec "$@"';
  return spawn('sh', ['-c', raise, 'workerd', workerd, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
    detached: true,
  });
}

/** Returns the path of workerd's binary for this platform. Its package is CommonJS and ships no types. */
async function findWorkerd(): Promise<string> {
  try {
    const { default: path } = createRequire(import.meta.url)('workerd') as { readonly default: string };
    await access(path, constants.X_OK);
    return path;
  } catch {
    throw new StartError(
      `The package workerd is not installed for this platform (${process.platform} ${process.arch}). Run npm ci.`,
    );
  }
}

/** Bundles a Worker into one module, as wrangler does. */
export async function bundle(entry: string, outfile: string): Promise<void> {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    format: 'esm',
    target: 'es2024',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*'],
    logLevel: 'error',
  });
}

/** The Durable Object classes. A binding has the name in upper case, the storage on disk in lower case. */
const CLASSES = ['Switchboard', 'Tenant', 'Directory', 'Webhooks'];

/**
 * Returns workerd's configuration. Ports and folders are given on its command line, secrets by the environment. `internet`
 * is the network that the Worker reaches with fetch, which only webhooks use. It checks the addresses that a name resolves
 * to when it connects.
 */
function renderConfig(variables: readonly string[], toPrivate: boolean, maxHeapMb?: number): string {
  const names = hasIpv6() ? ['v4', 'v6'] : ['v4'];
  const sockets = names.map((name) => `(name = "${name}", service = "edge", http = ())`);
  const bindings = variables.map((name) => `(name = "${name}", fromEnvironment = "${name}")`);
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "edge", worker = (
      modules = [(name = "worker", esModule = embed "worker.js")],
      compatibilityDate = "${compatibilityDate()}",
      bindings = [
        ${CLASSES.map((name) => `(name = "${name.toUpperCase()}", durableObjectNamespace = "${name}")`).join(',\n        ')},
        (name = "ASSETS", service = "assets"),
        ${bindings.join(',\n        ')}
      ],
      durableObjectNamespaces = [
        ${CLASSES.map((name) => `(className = "${name}", uniqueKey = "${name.toLowerCase()}", enableSql = true)`).join(',\n        ')},
      ],
      durableObjectStorage = (localDisk = "objects"),
    )),
    (name = "internet", network = (
      allow = [${toPrivate ? '"public", "private"' : '"public"'}],
      tlsOptions = (trustBrowserCas = true),
    )),
    (name = "objects", disk = (writable = true)),
    (name = "assets", worker = (
      modules = [(name = "assets", esModule = embed "assets.js")],
      compatibilityDate = "${compatibilityDate()}",
      bindings = [(name = "FILES", service = "console")],
    )),
    (name = "console", disk = ()),
  ],
  sockets = [${sockets.join(', ')}],${maxHeapMb === undefined ? '' : `\n  v8Flags = ["--max-heap-size=${maxHeapMb}", "--expose-gc"],`}
);
`;
}

/**
 * Returns how many sockets workerd can keep open. Each takes two file descriptors (seen in /proc/PID/fd); a tenth of them is
 * left for the objects' databases, which take three each.
 */
function maxSockets(): number {
  const descriptors = Number(execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }));
  return Number.isNaN(descriptors) ? Number.MAX_SAFE_INTEGER : Math.floor((descriptors * 0.9) / 2);
}

/** Returns the compatibility date that wrangler deploys with, so that both run the same platform. */
export function compatibilityDate(): string {
  const date = /^compatibility_date *= *"(.*)"$/m.exec(
    readFileSync(join(root, 'wrangler.toml'), 'utf8'),
  )?.[1];
  if (!date) throw new Error('wrangler.toml names no compatibility_date');
  return date;
}

/** Returns whether `::1` exists. `localhost` may resolve to it, so it is served too. */
function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === '::1'),
  );
}
