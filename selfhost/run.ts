/**
 * Runs the OpenSIPS simulator (or uses a real OpenSIPS), the edge and the adapter together on this machine. One that ends is
 * started again.
 * @module
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { formatAddress, formatHost } from '../shared/settings/value-types.ts';
import { accepts, adapterUrl, bundleAdapter, listenerEnvironment } from './adapter.ts';
import { demoBanner, tenantsBanner } from './banner.ts';
import { type DataLock, lockData } from './data-lock.ts';
import { type OpenFront, openFront } from './front/open.ts';
import { listenHosts } from './listen-hosts.ts';
import { onParentEnd } from './parent.ts';
import { findFreePort, requireFreePort, requireOpenSips, requireWritableDirectory } from './preflight.ts';
import { loadOrCreateSecrets, SECRETS_FILE } from './secrets.ts';
import { EXIT, readSettings, type Settings } from './settings.ts';
import { startErrorText } from './start-error.ts';
import { Supervisor } from './supervisor.ts';
import { spawnTied } from './tied-process.ts';
import { waitUntil } from './wait-until.ts';
import { prepareEdge } from './workerd.ts';

const root = resolve(import.meta.dirname, '..');

/** workerd does not end on SIGTERM while sockets are open. */
const EDGE_STOP_TIMEOUT_MS = 1_000;
/** The adapter unsubscribes and says goodbye; it limits that itself to two seconds. */
const ADAPTER_STOP_TIMEOUT_MS = 3_000;
/** Everything runs within five seconds on a usual machine; a slow one gets more time. */
const START_TIMEOUT_MS = 20_000;

const supervisor = new Supervisor((line) => process.stderr.write(`${line}\n`));
let dataLock: DataLock | undefined;
let front: OpenFront | undefined;
let stopping: Promise<void> | undefined;
let isUp = false;

/** Runs until a signal arrives, the parent process ends, or a part does not start, and then ends the process. */
export async function run(argv: readonly string[]): Promise<void> {
  const reading = readSettings(argv, process.env, (path) => readFileSync(path, 'utf8'));
  if ('help' in reading) {
    process.stdout.write(reading.help);
    return;
  }
  if ('errors' in reading) {
    process.stderr.write(`${reading.errors.join('\n')}\n`);
    process.exitCode = EXIT.usage;
    return;
  }
  // Whoever reads the output may close it, as `npm start | head -1` does. The edge serves its clients all the same.
  for (const output of [process.stdout, process.stderr]) output.on('error', () => {});
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => void stop(isUp ? EXIT.stopped : EXIT.interrupted));
  onParentEnd(() => void stop(EXIT.stopped));
  supervisor.failed.then((reason) => fail(reason));
  try {
    const banner = await start(reading.values);
    supervisor.onUp();
    isUp = !stopping;
    if (isUp) process.stdout.write(banner);
  } catch (error) {
    await fail(startErrorText(error));
  }
}

/** Starts everything, and returns the text that describes it. */
async function start(settings: Settings): Promise<string> {
  const data = resolve(settings.data);
  await requireWritableDirectory(data);
  dataLock = await lockData(data);
  await requireFreePort(settings.port, listenHosts(settings.host));
  return settings.tenants ? startTenants(settings) : startDemo(settings);
}

/** Starts the Worker as it is deployed. */
async function startTenants(settings: Settings): Promise<string> {
  const data = resolve(settings.data);
  const secrets = { ...(await loadOrCreateSecrets(data)) };
  await startWorker(settings, secrets, 'worker/index.ts');
  return tenantsBanner(settings.port, data, join(data, SECRETS_FILE));
}

/** Starts the open tenant, with an OpenSIPS and an adapter. */
async function startDemo(settings: Settings): Promise<string> {
  const { port } = settings;
  const key = randomBytes(24).toString('base64url');
  if (settings.opensips) await requireOpenSips(settings.opensips);
  const opensips = settings.opensips ? formatAddress(settings.opensips) : await startSimulator();
  const nextHop =
    settings['sip-next-hop'] ?? `sip:${formatHost(settings.opensips?.host ?? '127.0.0.1')}:5060`;
  const listenPort = settings.dial ? await findFreePort() : undefined;
  const [adapter] = await Promise.all([
    bundleAdapter(resolve(settings.data)),
    startWorker(settings, { ADAPTER_KEY: key }, 'worker/local.ts', listenPort),
  ]);
  const env = {
    OPENSIPS_MI: opensips,
    EDGE_URL: `ws://127.0.0.1:${port}/adapter`,
    SIP_NEXT_HOP: nextHop,
    ADAPTER_KEY: key,
    LOG_LEVEL: 'warn',
    ...(listenPort === undefined ? {} : listenerEnvironment(listenPort)),
  };
  supervisor.start({
    name: 'The adapter',
    spawn: () => spawnTied(process.execPath, [adapter], { env }),
    stopTimeoutMs: ADAPTER_STOP_TIMEOUT_MS,
  });
  if (listenPort === undefined)
    await untilUp((signal) => isLinked(port, signal), 'The adapter has not connected to the edge');
  else await untilUp(() => accepts(listenPort), 'The adapter has not begun to listen for the edge');
  return demoBanner(port, resolve(settings.data), settings.opensips && opensips, nextHop, listenPort);
}

/**
 * Starts the edge, and waits until it answers.
 * @param dialPort where it dials the adapter of the open tenant; undefined: that adapter connects to the edge
 */
async function startWorker(
  { port, host, dial, ...settings }: Settings,
  secrets: Record<string, string>,
  entry: string,
  dialPort?: number,
): Promise<void> {
  const webhooksToPrivate = settings['webhooks-to-private'];
  const data = resolve(settings.data);
  front = await openFront(port, listenHosts(host), data, settings['trusted-proxy']);
  const spawn = await prepareEdge({
    port: front.socketPath,
    data,
    secrets,
    entry,
    webhooksToPrivate,
    allowLoopbackAdapters: dial,
    ...(dialPort === undefined ? {} : { dialUrl: adapterUrl(dialPort) }),
  });
  supervisor.start({ name: 'The edge (workerd)', spawn, stopTimeoutMs: EDGE_STOP_TIMEOUT_MS });
  await untilUp(
    async (signal) => (await fetch(`http://127.0.0.1:${port}/healthz`, { signal })).ok,
    'The edge (workerd) has not answered',
  );
}

/** Starts the simulator on any free port, and returns its MI address. When it starts again, it keeps the port. */
async function startSimulator(): Promise<string> {
  let address = '127.0.0.1:0';
  const spawn = () => {
    const args = [join(root, 'simulator/main.ts'), '--mi', address];
    return spawnTied(process.execPath, args, { env: {}, stdout: 'pipe' });
  };
  const simulator = supervisor.start({
    name: 'The simulator',
    spawn,
    stopTimeoutMs: ADAPTER_STOP_TIMEOUT_MS,
  });
  simulator.stdout?.on('data', (chunk: Buffer) => {
    address = /127\.0\.0\.1:\d+/.exec(chunk.toString())?.[0] ?? address;
  });
  await untilUp(async () => !address.endsWith(':0'), 'The simulator has not started');
  return address;
}

async function isLinked(port: number, signal: AbortSignal): Promise<boolean> {
  const health = (await (await fetch(`http://127.0.0.1:${port}/healthz`, { signal })).json()) as {
    link?: { connected?: boolean };
  };
  return health.link?.connected === true;
}

/** Waits for a part to come up. */
function untilUp(condition: (signal: AbortSignal) => Promise<boolean>, problem: string): Promise<void> {
  return waitUntil(condition, problem, {
    timeoutMs: START_TIMEOUT_MS,
    isStopping: () => stopping !== undefined,
  });
}

/** Prints the first failure only: the others follow from it. */
function fail(reason: string): Promise<void> {
  if (!stopping) process.stderr.write(`${reason}\n`);
  return stop(EXIT.failed);
}

/** Stops everything and ends the process. The first reason decides the exit code: the others follow from it. */
function stop(status: number): Promise<void> {
  front?.stopListening();
  stopping ??= shutDown(status);
  return stopping;
}

async function shutDown(status: number): Promise<void> {
  await front?.goAway();
  await supervisor.stop();
  await dataLock?.release();
  process.exit(status);
}
