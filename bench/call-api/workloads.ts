/** The workloads of the Call API: the commands that each benchmark round runs. @module */
import { randomUUID } from 'node:crypto';
import { uacParams } from '../../simulator/testing/click-to-dial.ts';
import { SeededRandom } from '../../test/faults/harness/seeded-random.ts';
import { MiClient } from '../mi-client.ts';
import type { Benchmark, PreparedRound, Topology } from '../speed/benchmark.ts';
import { type RoundLimits, runClosedLoop } from '../speed/closed-loop.ts';
import type { SpeedHarness } from '../speed/harness.ts';
import { waitUntil } from '../wait-until.ts';
import { CallApiClient } from './client.ts';

export const METHODS = ['Echo', 'CallEnd', 'CallHold', 'CallStart'] as const;
type Method = (typeof METHODS)[number];
/** `mix` picks each operation's method at random, all with the same probability. */
export const WORKLOADS = [...METHODS, 'mix'] as const;
export type Workload = (typeof WORKLOADS)[number];

/** Calls that are set up or ended concurrently. Their datagrams fit into a socket buffer of the default size. */
const MAX_CONCURRENT_CALLS = 32;
/** Seed of `mix`: every run and every round executes the same operations. */
const SEED = 1;
/** A Call-ID that no call has. */
const UNKNOWN_CALLID = 'unknown';

/** A command, the client that runs it, and the MI client of its site. */
interface Operation {
  readonly method: Method;
  readonly params: Params;
  readonly client: CallApiClient;
  readonly mi: MiClient;
}

type Params =
  | { readonly n: number }
  | { readonly caller: string; readonly callee: string }
  | { readonly callid: string };

interface Clients {
  readonly clients: readonly CallApiClient[];
  /** One for each tenant, connected to the tenant's simulator without the edge. */
  readonly miClients: readonly MiClient[];
  readonly harness: SpeedHarness;
}

/** Creates the benchmarks of the given workloads. Their sockets are closed with `resources`. */
export async function callApiBenchmarks(
  workloads: readonly Workload[],
  harness: SpeedHarness,
  topology: Topology,
  resources: AsyncDisposableStack,
): Promise<Benchmark[]> {
  const clients: CallApiClient[] = [];
  for (let socket = 0; socket < topology.sockets; socket++) {
    const url = `${harness.callApiUrl}/call-api?site=${socket % topology.tenants}`;
    clients.push(resources.use(await CallApiClient.connect(url)));
  }
  const miClients: MiClient[] = [];
  for (const address of harness.mi) miClients.push(resources.use(await MiClient.connect(address)));
  return workloads.map((workload) => ({
    name: workload,
    prepare: (count) => prepare(workload, count, { clients, miClients, harness }),
  }));
}

const withoutTimeLimit = (count: number): RoundLimits => ({ count, limitMs: Number.POSITIVE_INFINITY });

/** Returns the method of each operation of a workload. */
export function methodsOf(workload: Workload, count: number): Method[] {
  const random = new SeededRandom(SEED);
  return Array.from({ length: count }, () => (workload === 'mix' ? random.pick(METHODS) : workload));
}

async function prepare(workload: Workload, count: number, site: Clients): Promise<PreparedRound> {
  const { clients, miClients } = site;
  const operations: Operation[] = [];
  /** By Call-ID, the calls that `cleanUp` has to end, with the MI client of their site. */
  const activeCalls = new Map<string, MiClient>();
  const methods = methodsOf(workload, count);
  await runClosedLoop(withoutTimeLimit(count), MAX_CONCURRENT_CALLS, async (k) => {
    const client = clients[k % clients.length];
    const mi = miClients[(k % clients.length) % miClients.length];
    const method = methods[k];
    if (!client || !mi || !method) throw new Error('no client');
    const params = await prepareParams(method, k, mi);
    if ('callid' in params) activeCalls.set(params.callid, mi);
    operations[k] = { method, params, client, mi };
  });
  await waitUntilIdle(site);
  return {
    async run(k) {
      const operation = operations[k];
      if (!operation) throw new Error(`operation ${k} was not prepared`);
      const { method, params, client, mi } = operation;
      const callid = await client.run(method, params);
      if (callid !== undefined) activeCalls.set(callid, mi);
      if (method === 'CallEnd' && 'callid' in params) activeCalls.delete(params.callid);
    },
    async cleanUp() {
      const calls = [...activeCalls];
      await runClosedLoop(withoutTimeLimit(calls.length), MAX_CONCURRENT_CALLS, async (k) => {
        const [callid, mi] = calls[k] ?? [];
        await mi?.request('dlg_end_dlg', { dialog_id: callid });
      });
      await waitUntilIdle(site);
    },
  };
}

/** Returns the params of an operation, after setting up the call that they refer to. */
async function prepareParams(method: Method, k: number, mi: MiClient): Promise<Params> {
  if (method === 'Echo') return { n: k };
  if (method === 'CallStart')
    return { caller: `sip:alice.${k}@127.0.0.1:5060`, callee: `sip:bob.${k}@127.0.0.1:5060` };
  return { callid: await setUpCall(mi, k) };
}

/** Runs the first half of a CallStart, which leaves a call that can be held and ended like any other. Returns its Call-ID. */
async function setUpCall(mi: MiClient, k: number): Promise<string> {
  const callid = randomUUID();
  const reply = await mi.request('t_uac_dlg', uacParams(callid, `alice.${k}`, `bob.${k}`));
  if (!reply.includes('"Status":"200 ')) throw new Error(`the call could not be set up: ${reply}`);
  return callid;
}

/**
 * Waits until no command runs and no event is in transit. The adapter's messages arrive in order, so a command's reply
 * proves that all earlier events have arrived. The second command covers events that followed the last replies.
 */
async function waitUntilIdle({ clients, miClients, harness }: Clients): Promise<void> {
  for (let pass = 0; pass < 2; pass++) {
    const probes = clients
      .slice(0, miClients.length)
      .map((client) => client.run('CallEnd', { callid: UNKNOWN_CALLID }));
    // Each fails, because there is no such call.
    await Promise.allSettled(probes);
  }
  for (const tenant of miClients.keys())
    await waitUntil('no command runs', async () => (await harness.runningCommands(tenant)) === 0);
}
