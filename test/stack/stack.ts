/**
 * The whole system on loopback: simulator, edge on bare workerd and adapter, each as in production but for their
 * ports.
 * @module
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startEdge } from '../../selfhost/workerd.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../simulator/index.ts';
import { Client } from './client.ts';

const root = resolve(import.meta.dirname, '../..');
export const KEY = 'adapter-key-of-the-tests';

/** A process whose output is kept, to be shown when a test fails. */
export interface Adapter {
  readonly process: ChildProcess;
  /** Its log so far. */
  log(): string;
  /** Ends it: SIGTERM unless told otherwise. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface Stack extends AsyncDisposable {
  readonly simulator: Simulator;
  /** TCP port of the edge. */
  readonly port: number;
  /** A client of the open tenant; `query` such as `?session=a`. */
  client(query?: string): Promise<Client>;
  /** What `/healthz` says. */
  health(): Promise<Health>;
  startAdapter(env?: Record<string, string>): Promise<Adapter>;
  /** Kills the edge and starts it again on the same data; resolves when it answers. */
  restartEdge(): Promise<void>;
  /** Waits until the edge sees an adapter, or none. */
  linked(connected: boolean): Promise<void>;
}

export interface Health {
  readonly status: string;
  readonly link: { readonly connected: boolean };
  readonly running: number;
}

/** What may be otherwise than in `npm start`. */
export interface StackOptions extends SimulatorOptions {
  /** Whether an adapter is connected: true by default. */
  readonly adapter?: boolean;
  /** The Worker's entry point, from the root of the project. */
  readonly entry?: string;
  /** Secrets and variables of the Worker, beside the adapter's key. */
  readonly secrets?: Readonly<Record<string, string>>;
}

/** Starts all of it. */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const { adapter: withAdapter = true, entry = 'worker/local.ts', secrets = {}, ...simulated } = options;
  const data = await mkdtemp(join(tmpdir(), 'call-api-'));
  const simulator = await startSimulator(simulated);
  const port = await freePort();
  const start = () => startEdge({ port, data, entry, secrets: { ADAPTER_KEY: KEY, ...secrets } });
  let edge = await start();
  const running: { stop(): Promise<void> }[] = [];
  const clients: Client[] = [];

  const stack: Stack = {
    simulator,
    port,
    async client(query = '') {
      const client = await Client.connect(`ws://127.0.0.1:${port}/call-api${query}`);
      clients.push(client);
      return client;
    },
    async health() {
      return (await (await fetch(`http://127.0.0.1:${port}/healthz`)).json()) as Health;
    },
    async startAdapter(env = {}) {
      const adapter = spawnAdapter({
        OPENSIPS_MI: `${simulator.mi.host}:${simulator.mi.port}`,
        EDGE_URL: `ws://127.0.0.1:${port}/adapter`,
        ADAPTER_KEY: KEY,
        ADAPTER_NAME: 'test',
        SIP_NEXT_HOP: 'sip:127.0.0.1:5060',
        ...env,
      });
      running.push(adapter);
      return adapter;
    },
    async restartEdge() {
      await kill(edge, 'SIGKILL');
      edge = await start();
      await until(async () => (await stack.health()).status === 'ok');
    },
    linked: (connected) => until(async () => (await stack.health()).link.connected === connected),
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.close();
      for (const each of running) await each.stop();
      await kill(edge, 'SIGKILL');
      await simulator.close();
      await rm(data, { recursive: true, force: true });
    },
  };

  await until(async () => (await stack.health()).status === 'ok');
  if (withAdapter) {
    await stack.startAdapter();
    await stack.linked(true);
  }
  return stack;
}

/** Starts an adapter of these settings as a process. */
export function spawnAdapter(env: Record<string, string>, script = 'adapter/main.ts'): Adapter {
  const child = spawn(process.execPath, [join(root, script)], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const output of [child.stdout, child.stderr])
    output.on('data', (chunk: Buffer) => (log += chunk.toString()));
  return { process: child, log: () => log, stop: (signal = 'SIGTERM') => kill(child, signal) };
}

/** Ends a process, and waits until it has ended. */
export async function kill(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}

/** A TCP port of loopback that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return address.port;
}

/** Asks again and again until it is so; what it throws counts as no. The test's own timeout bounds it. */
export async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  while (
    !(await Promise.resolve()
      .then(condition)
      .catch(() => false))
  ) {
    await new Promise((resume) => setTimeout(resume, 20));
  }
}
