/** The baselines: a UDP round trip, an object that echoes, and minimal relays between client and MI. @module */
import { MiClient } from '../mi-client.ts';
import type { Benchmark, Topology } from '../speed/benchmark.ts';
import type { SpeedHarness } from '../speed/harness.ts';
import { BaselineClient } from './client.ts';

/** The baseline that all results are compared with. */
export const DURABLE_RELAY = 'durable relay';

const MODES = { 'object echo': 'echo', 'bare relay': 'bare', [DURABLE_RELAY]: 'durable' } as const;

/** Creates the baseline benchmarks. Their sockets are closed with `resources`. */
export async function baselineBenchmarks(
  harness: SpeedHarness,
  topology: Topology,
  resources: AsyncDisposableStack,
): Promise<Benchmark[]> {
  const miClients: MiClient[] = [];
  for (const address of harness.mi) miClients.push(resources.use(await MiClient.connect(address)));
  const benchmarks = [benchmark('UDP', miClients, (client) => client.request('version'))];
  for (const [name, mode] of Object.entries(MODES)) {
    const clients: BaselineClient[] = [];
    for (let socket = 0; socket < topology.sockets; socket++) {
      const url = `${harness.baselineUrl}/${mode}/${socket % topology.tenants}/client`;
      clients.push(resources.use(await BaselineClient.connect(url, String(socket))));
    }
    benchmarks.push(benchmark(name, clients, (client) => client.request()));
  }
  return benchmarks;
}

function benchmark<Client>(
  name: string,
  clients: readonly Client[],
  request: (client: Client) => Promise<unknown>,
): Benchmark {
  return {
    name,
    async prepare() {
      // Wakes objects that have hibernated since the last round.
      await Promise.all(clients.map(request));
      return {
        run: (k) => {
          const client = clients[k % clients.length];
          return client === undefined ? Promise.reject(new Error('no client')) : request(client);
        },
        cleanUp: async () => {},
      };
    },
  };
}
