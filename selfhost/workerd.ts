/**
 * The edge on this machine: the Worker bundled and served by bare workerd, its objects on local disk.
 * @module
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { networkInterfaces } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { buildConsole, CONSOLE_FILES } from './console.ts';

const root = resolve(import.meta.dirname, '..');

/** The platform's binary; its package is CommonJS and ships no types. */
const { default: workerd } = createRequire(import.meta.url)('workerd') as { readonly default: string };

/** Where and how the edge runs. */
export interface EdgeOptions {
  /** TCP port on loopback. */
  readonly port: number;
  /** Folder for its objects and its bundle; made if it is not there. */
  readonly data: string;
  /** Secrets and variables of the Worker, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** The Worker's entry point; the open `demo` tenant's unless told otherwise. */
  readonly entry?: string;
  /** Webhooks may go to private and loopback addresses too; to public ones only, unless told otherwise. */
  readonly webhooksToPrivate?: boolean;
}

/** Starts workerd. It serves once its port answers; it writes what goes wrong to stderr. */
export async function startEdge({
  port,
  data,
  secrets,
  entry = 'worker/local.ts',
  webhooksToPrivate = false,
}: EdgeOptions): Promise<ChildProcess> {
  const objects = join(data, 'objects');
  await mkdir(objects, { recursive: true });
  await Promise.all([
    bundle(join(root, entry), join(data, 'worker.js')),
    bundle(join(root, 'selfhost/assets.ts'), join(data, 'assets.js')),
    buildConsole(),
  ]);
  const config = join(data, 'workerd.capnp');
  const env = {
    MAX_SOCKETS: String(maxSockets()),
    ...(webhooksToPrivate ? { WEBHOOKS_TO_PRIVATE: 'yes' } : {}),
    ...secrets,
  };
  await writeFile(config, configuration(Object.keys(env), webhooksToPrivate));
  const addresses = hasIpv6() ? [`v4=127.0.0.1:${port}`, `v6=[::1]:${port}`] : [`v4=127.0.0.1:${port}`];
  const sockets = addresses.flatMap((address) => ['--socket-addr', address]);
  const folders = [`objects=${objects}`, `console=${CONSOLE_FILES}`];
  const paths = folders.flatMap((folder) => ['--directory-path', folder]);
  const args = ['serve', config, ...paths, ...sockets];
  // workerd dies when its descriptors run out: take all that the system gives.
  const raise = 'ulimit -n "$(ulimit -Hn)" 2>/dev/null; exec "$@"';
  return spawn('sh', ['-c', raise, 'workerd', workerd, ...args], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
    detached: true,
  });
}

/** Bundles a Worker into one module, as wrangler would. */
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

/** The classes of objects: each is bound by its name in capitals, and kept on disk under it in small letters. */
const CLASSES = ['Switchboard', 'Tenant', 'Directory', 'Webhooks'];

/**
 * workerd's configuration. Ports and folders are given at start, secrets by the environment. `internet` is what the Worker
 * reaches with fetch, which only webhooks use: the addresses that a name stands for are looked at as it is connected to.
 */
function configuration(variables: readonly string[], toPrivate: boolean): string {
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
  sockets = [${sockets.join(', ')}],
);
`;
}

/**
 * Sockets that workerd can hold. Each takes two descriptors (seen in /proc/PID/fd); a tenth is left for the objects'
 * databases, three each.
 */
function maxSockets(): number {
  const descriptors = Number(execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }));
  return Number.isNaN(descriptors) ? Number.MAX_SAFE_INTEGER : Math.floor((descriptors * 0.9) / 2);
}

/** The one that wrangler deploys with, so that both run the same platform. */
export function compatibilityDate(): string {
  const date = /^compatibility_date *= *"(.*)"$/m.exec(
    readFileSync(join(root, 'wrangler.toml'), 'utf8'),
  )?.[1];
  if (!date) throw new Error('wrangler.toml names no compatibility_date');
  return date;
}

/** `localhost` may mean `::1`, so that is served too where there is one. */
function hasIpv6(): boolean {
  return Object.values(networkInterfaces()).some((addresses) =>
    addresses?.some(({ address }) => address === '::1'),
  );
}
