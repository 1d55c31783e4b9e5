/**
 * Runs the edge on this machine: the Worker, bundled and served by bare workerd, with its objects on the local disk.
 * @module
 */
import type { ChildProcess } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { access, constants, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { networkInterfaces } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { formatHost } from '../shared/settings/value-types.ts';
import { buildConsole, CONSOLE_DIRECTORY } from './console.ts';
import { egressNetwork, LOOPBACK_NETWORK } from './egress.ts';
import { connectionLimits, descriptorLimit } from './front/descriptors.ts';
import { loopbackHosts } from './listen-hosts.ts';
import { makePrivate } from './private-files.ts';
import { StartError } from './start-error.ts';
import { spawnTied } from './tied-process.ts';

const root = resolve(import.meta.dirname, '..');

/** Where and how the edge runs. */
export interface EdgeOptions {
  /** TCP port on loopback, or the path of a Unix socket, which only this user can connect to if its folder is private. */
  readonly port: number | string;
  /** Folder for its objects and its bundle; created if it does not exist. */
  readonly data: string;
  /** Secrets and variables of the Worker, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** The Worker's entry point; by default that of the open `demo` tenant. */
  readonly entry?: string;
  /** Allows webhooks to private and loopback addresses; by default they may go to public ones only. */
  readonly webhooksToPrivate?: boolean;
  /** Allows the edge to dial adapters on this machine, over http; by default it dials public addresses over https only. */
  readonly allowLoopbackAdapters?: boolean;
  /** Where the edge dials the adapters of the open `demo` tenant: URLs, with commas between them; by default they connect to the edge. */
  readonly dialUrl?: string;
  /** TCP port on loopback of V8's inspector, for measurements; none by default. Who reaches it controls the edge. */
  readonly inspectorPort?: number;
  /** What becomes of its log; that of this process by default. */
  readonly log?: 'inherit' | 'pipe';
  /** For measurements of memory: V8's heap has at most this many MB of 2^20 bytes, and `gc()` exists. */
  readonly maxHeapMb?: number;
}

/** Starts workerd. It serves once its port answers, and writes errors to stderr. */
export async function startEdge(options: EdgeOptions): Promise<ChildProcess> {
  return (await prepareEdge(options))();
}

/** Builds and writes what workerd needs. Returns a function that starts it, each time that it is called. */
export async function prepareEdge({
  port,
  data,
  secrets,
  entry = 'worker/local.ts',
  webhooksToPrivate = false,
  allowLoopbackAdapters = false,
  dialUrl,
  log = 'inherit',
  inspectorPort,
  maxHeapMb,
}: EdgeOptions): Promise<() => ChildProcess> {
  const workerd = await findWorkerd();
  const objects = join(data, 'objects');
  await makePrivate(data);
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
    MAX_SOCKETS: String(connectionLimits(descriptorLimit()).sockets),
    ...(webhooksToPrivate ? { WEBHOOKS_TO_PRIVATE: 'yes' } : {}),
    ...(dialUrl === undefined ? {} : { DIAL_URL: dialUrl }),
    ...secrets,
  };
  const addresses = listenAddresses(port);
  const networks = {
    internet: egressNetwork(networkInterfaces(), webhooksToPrivate),
    adapters: egressNetwork(networkInterfaces(), false),
    ...(allowLoopbackAdapters ? { loopback: LOOPBACK_NETWORK } : {}),
  };
  await writeFile(config, renderConfig(Object.keys(env), addresses.length, networks, maxHeapMb));
  await makePrivate(data);
  const sockets = addresses.flatMap((address, index) => ['--socket-addr', `s${index}=${address}`]);
  const folders = [`objects=${objects}`, `console=${CONSOLE_DIRECTORY}`];
  const paths = folders.flatMap((folder) => ['--directory-path', folder]);
  const inspector = inspectorPort === undefined ? [] : ['--inspector-addr', `127.0.0.1:${inspectorPort}`];
  const args = ['serve', config, ...paths, ...sockets, ...inspector];
  return () => {
    // A workerd that was killed has left its socket behind.
    if (typeof port === 'string') rmSync(port, { force: true });
    return spawnTied(workerd, args, { env, stderr: log });
  };
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
const CLASSES = ['Switchboard', 'Tenant', 'Directory', 'Webhooks', 'Dialer'];

/** The networks that the Worker reaches, in the notation of workerd.capnp. */
interface Networks {
  /** By `fetch`, which only webhooks use. */
  readonly internet: string;
  /** For dialing adapters. */
  readonly adapters: string;
  /** For dialing adapters on this machine; absent if that is not allowed. */
  readonly loopback?: string;
}

/** Returns workerd's configuration. Ports and folders are given on its command line, secrets by the environment. */
function renderConfig(
  variables: readonly string[],
  socketCount: number,
  { internet, adapters, loopback }: Networks,
  maxHeapMb?: number,
): string {
  const sockets = Array.from(
    { length: socketCount },
    (_, n) => `(name = "s${n}", service = "edge", http = ())`,
  );
  const bindings = [
    '(name = "ADAPTER_NETWORK", service = "adapters")',
    ...(loopback === undefined ? [] : ['(name = "LOOPBACK_ADAPTERS", service = "loopback")']),
    ...variables.map((name) => `(name = "${name}", fromEnvironment = "${name}")`),
  ];
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
    (name = "internet", network = ${internet}),
    (name = "adapters", network = ${adapters}),${loopback === undefined ? '' : `\n    (name = "loopback", network = ${loopback}),`}
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

/** Returns the compatibility date that wrangler deploys with, so that both run the same platform. */
export function compatibilityDate(): string {
  const date = /^compatibility_date *= *"(.*)"$/m.exec(
    readFileSync(join(root, 'wrangler.toml'), 'utf8'),
  )?.[1];
  if (!date) throw new Error('wrangler.toml names no compatibility_date');
  return date;
}

/** Returns the addresses to listen on, in workerd's notation. */
function listenAddresses(port: number | string): string[] {
  if (typeof port === 'string') return [`unix:${port}`];
  return loopbackHosts().map((host) => `${formatHost(host)}:${port}`);
}
