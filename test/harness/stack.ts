/**
 * The full stack on loopback: the simulator, the edge on bare workerd, and the adapter. Except for their ports, they run
 * as in production.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startEdge } from '../../selfhost/workerd.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../simulator/index.ts';
import { Client } from './client.ts';

const root = resolve(import.meta.dirname, '../..');
const POLL_INTERVAL_MS = 20;
export const ADAPTER_KEY = 'adapter-key-of-the-tests';

/** An adapter in a process of its own. */
export interface AdapterProcess {
  readonly process: ChildProcess;
  /** Returns its log so far. */
  log(): string;
  /** Ends the process, with SIGTERM by default. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface Stack extends AsyncDisposable {
  readonly simulator: Simulator;
  /** The TCP port of the edge. */
  readonly port: number;
  /** Connects a client of the demo tenant. `query` is such as `?session=a`. */
  connectClient(query?: string): Promise<Client>;
  /** Returns the response of `/healthz`. */
  fetchHealth(): Promise<Health>;
  startAdapter(env?: Record<string, string>): Promise<AdapterProcess>;
  /** Kills the edge and starts it again with the same data. Resolves when it responds. */
  restartEdge(): Promise<void>;
  /** Waits until an adapter is connected to the edge, or none. */
  waitForLink(connected: boolean): Promise<void>;
}

export interface Health {
  readonly status: string;
  readonly link: { readonly connected: boolean; readonly adapters?: readonly { readonly adapter: string }[] };
  readonly running: number;
}

/** What a test can change compared to `npm start`. */
export interface StackOptions extends SimulatorOptions {
  /** Whether to start an adapter and wait for its link; true by default. */
  readonly startsAdapter?: boolean;
  /** The Worker's entry point, relative to the root of the project. */
  readonly entryPoint?: string;
  /** Secrets and variables of the Worker, in addition to the adapter's key. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** Starts the stack. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { startsAdapter = true, entryPoint = 'worker/local.ts', secrets = {}, ...simulatorOptions } = options;
  const dataFolder = await mkdtemp(join(tmpdir(), 'call-api-'));
  // The events of docs/opensips.cfg.
  const simulator = await startSimulator({ scriptEvents: true, ...simulatorOptions });
  const port = await findFreePort();
  const start = () =>
    startEdge({ port, data: dataFolder, entry: entryPoint, secrets: { ADAPTER_KEY, ...secrets } });
  let edge = await start();
  const adapters: AdapterProcess[] = [];
  const clients: Client[] = [];

  const stack: Stack = {
    simulator,
    port,
    async connectClient(query = '') {
      const client = await Client.connect(`ws://127.0.0.1:${port}/call-api${query}`);
      clients.push(client);
      return client;
    },
    async fetchHealth() {
      return (await (await fetch(`http://127.0.0.1:${port}/healthz`)).json()) as Health;
    },
    async startAdapter(env = {}) {
      const adapter = spawnAdapter({
        OPENSIPS_MI: `${simulator.mi.host}:${simulator.mi.port}`,
        EDGE_URL: `ws://127.0.0.1:${port}/adapter`,
        ADAPTER_KEY,
        ADAPTER_NAME: 'test',
        SIP_NEXT_HOP: 'sip:127.0.0.1:5060',
        ...env,
      });
      adapters.push(adapter);
      return adapter;
    },
    async restartEdge() {
      await stopProcess(edge, 'SIGKILL');
      edge = await start();
      await waitUntil(async () => (await stack.fetchHealth()).status === 'ok');
    },
    waitForLink: (connected) =>
      waitUntil(async () => (await stack.fetchHealth()).link.connected === connected),
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      for (const adapter of adapters) await adapter.stop();
      await stopProcess(edge, 'SIGKILL');
      await simulator.close();
      await rm(dataFolder, { recursive: true, force: true });
    },
  };

  await waitUntil(async () => (await stack.fetchHealth()).status === 'ok');
  if (startsAdapter) {
    await stack.startAdapter();
    await stack.waitForLink(true);
  }
  return stack;
}

/** Starts an adapter with these settings. */
export function spawnAdapter(env: Record<string, string>, script = 'adapter/main.ts'): AdapterProcess {
  const child = spawn(process.execPath, [join(root, script)], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const output of [child.stdout, child.stderr])
    output.on('data', (chunk: Buffer) => (log += chunk.toString()));
  return { process: child, log: () => log, stop: (signal = 'SIGTERM') => stopProcess(child, signal) };
}

/** Sends a signal to a process and waits until it has ended. */
export async function stopProcess(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

/** Returns a TCP port that is free on loopback. */
export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return address.port;
}

export async function findFreeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

/** Polls a condition until it is true. An exception counts as false. The timeout of the test limits the wait. */
export async function waitUntil(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (
    !(await Promise.resolve()
      .then(condition)
      .catch(() => false))
  ) {
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}
