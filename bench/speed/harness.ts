/** Starts everything that the speed benchmark measures, on loopback: simulators, the baseline, and the real edge with its adapters. @module */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { startEdge } from '../../selfhost/workerd.ts';
import { findFreePort } from '../../test/harness/stack.ts';
import { ChildProcesses } from '../child-processes.ts';
import type { MiAddress } from '../mi-client.ts';
import { waitUntil } from '../wait-until.ts';

/** The modes of the baseline that need an adapter. */
const RELAY_MODES = 'bare,durable';

export interface SpeedHarness extends AsyncDisposable {
  /** MI addresses of the simulators, one for each tenant. */
  readonly mi: readonly MiAddress[];
  /** WebSocket URL of the baseline Worker. */
  readonly baselineUrl: string;
  /** WebSocket URL of the real Worker. */
  readonly callApiUrl: string;
  /** Rejects when a process exits by itself. */
  readonly exited: Promise<never>;
  /** Returns the number of a tenant's running commands. */
  runningCommands(tenant: number): Promise<number>;
}

interface Health {
  readonly link: { readonly connected: boolean };
  readonly running: number;
}

/**
 * Starts the system for a number of tenants. A single tenant's adapter runs as its own process, as in production.
 *
 * @param dataDirectory where the objects' storage is created; by default the system's directory for temporary files
 */
export async function startSpeedHarness(tenants: number, dataDirectory?: string): Promise<SpeedHarness> {
  const children = new ChildProcesses(dataDirectory);
  try {
    return await start(children, tenants);
  } catch (error) {
    await children[Symbol.asyncDispose]();
    throw error;
  }
}

async function start(children: ChildProcesses, tenants: number): Promise<SpeedHarness> {
  /** MI ports, separated by commas. */
  const ports = await children.startAndReadLine('the simulators', 'bench/call-api/simulators.ts', [
    String(tenants),
  ]);
  const key = randomBytes(24).toString('base64url');

  const baseline = await serve(children, 'baseline', 'bench/baseline/worker.js', {});
  await children.startAndReadLine('the relay', 'bench/baseline/relay.ts', [
    `ws://${baseline}`,
    RELAY_MODES,
    ports,
  ]);

  const edge = await serve(children, 'edge', 'bench/call-api/worker.js', { ADAPTER_KEY: key });
  // Informational log lines would clutter the results.
  const env = { ADAPTER_KEY: key, LOG_LEVEL: 'error' };
  if (tenants === 1) {
    const flags = ['--opensips', `127.0.0.1:${ports}`, '--edge', `ws://${edge}/adapter?site=0`];
    children.start('the adapter', 'adapter/main.ts', flags, env);
  } else {
    children.start('the adapters', 'bench/call-api/adapters.ts', [`ws://${edge}`, ports], env);
  }
  const health = async (tenant: number): Promise<Health> =>
    (await (await fetch(`http://${edge}/healthz?site=${tenant}`)).json()) as Health;
  for (let tenant = 0; tenant < tenants; tenant++) {
    await waitUntil('the adapters connect', async () => (await health(tenant)).link.connected);
  }

  return {
    mi: ports.split(',').map((port) => ({ host: '127.0.0.1', port: Number(port) })),
    baselineUrl: `ws://${baseline}`,
    callApiUrl: `ws://${edge}`,
    exited: children.exited,
    runningCommands: async (tenant) => (await health(tenant)).running,
    [Symbol.asyncDispose]: () => children[Symbol.asyncDispose](),
  };
}

/** Starts a Worker on workerd. Resolves with its host and port once it responds. */
async function serve(
  children: ChildProcesses,
  name: string,
  entry: string,
  secrets: Readonly<Record<string, string>>,
): Promise<string> {
  const port = await findFreePort();
  children.add(name, await startEdge({ port, data: join(children.directory, name), secrets, entry }));
  await waitUntil(
    `the ${name} responds`,
    async () => (await fetch(`http://127.0.0.1:${port}/`)).status < 500,
  );
  return `127.0.0.1:${port}`;
}
