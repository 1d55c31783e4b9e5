/** All that is measured, up on loopback: simulators, the floor's edge and relay, the project's edge and adapters. @module */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { startEdge } from '../../selfhost/workerd.ts';
import { freePort } from '../../test/stack/stack.ts';
import { Children } from '../children.ts';
import type { MiAddress } from '../mi.ts';
import { until } from '../until.ts';

/** The floor's modes that need an adapter. */
const RELAYED = 'bare,durable';

export interface World extends AsyncDisposable {
  /** The simulators' MI addresses, one for each tenant. */
  readonly mi: readonly MiAddress[];
  /** WebSocket address of the floor, and of the project. */
  readonly floor: string;
  readonly project: string;
  /** Rejects when a process ends by itself. */
  readonly died: Promise<never>;
  /** Commands of a tenant that run. */
  running(tenant: number): Promise<number>;
}

interface Health {
  readonly link: { readonly connected: boolean };
  readonly running: number;
}

/** Starts it for so many tenants; for one, with the adapter's own process. `data` holds the objects' storage. */
export async function startWorld(tenants: number, data?: string): Promise<World> {
  const children = new Children(data);
  try {
    return await start(children, tenants);
  } catch (error) {
    await children[Symbol.asyncDispose]();
    throw error;
  }
}

async function start(children: Children, tenants: number): Promise<World> {
  /** MI ports, with commas between. */
  const ports = await children.announced('the simulators', 'bench/project/simulators.ts', [String(tenants)]);
  const key = randomBytes(24).toString('base64url');

  const floor = await serve(children, 'floor', 'bench/floor/worker.js', {});
  await children.announced("the floor's relay", 'bench/floor/relay.ts', [`ws://${floor}`, RELAYED, ports]);

  const project = await serve(children, 'project', 'bench/project/worker.js', { ADAPTER_KEY: key });
  // Only what is wrong is worth a line between the figures.
  const env = { ADAPTER_KEY: key, LOG_LEVEL: 'error' };
  if (tenants === 1) {
    const flags = ['--opensips', `127.0.0.1:${ports}`, '--edge', `ws://${project}/adapter?site=0`];
    children.start('the adapter', 'adapter/main.ts', flags, env);
  } else {
    children.start('the adapters', 'bench/project/adapters.ts', [`ws://${project}`, ports], env);
  }
  const health = async (tenant: number): Promise<Health> =>
    (await (await fetch(`http://${project}/healthz?site=${tenant}`)).json()) as Health;
  for (let tenant = 0; tenant < tenants; tenant++) {
    await until('the adapters connect', async () => (await health(tenant)).link.connected);
  }

  return {
    mi: ports.split(',').map((port) => ({ host: '127.0.0.1', port: Number(port) })),
    floor: `ws://${floor}`,
    project: `ws://${project}`,
    died: children.died,
    running: async (tenant) => (await health(tenant)).running,
    [Symbol.asyncDispose]: () => children[Symbol.asyncDispose](),
  };
}

/** Serves a Worker; resolves with its host and port once it answers. */
async function serve(
  children: Children,
  name: string,
  entry: string,
  secrets: Readonly<Record<string, string>>,
): Promise<string> {
  const port = await freePort();
  children.add(name, await startEdge({ port, data: join(children.folder, name), secrets, entry }));
  await until(`the ${name} answers`, async () => (await fetch(`http://127.0.0.1:${port}/`)).status < 500);
  return `127.0.0.1:${port}`;
}
