/** A site whose clients and whose adapter are far from the edge: one process for each part, and a network between them. @module */
import type { ChildProcess } from 'node:child_process';
import { startEdge } from '../../selfhost/workerd.ts';
import { SeededRandom } from '../../test/faults/harness/seeded-random.ts';
import { ADAPTER_KEY, findFreePort, spawnAdapter } from '../../test/harness/stack.ts';
import { ChildProcesses } from '../child-processes.ts';
import type { ResourceCounts } from '../counts/resource-counts.ts';
import { ScaleClient } from '../scale/harness/client.ts';
import { ForkedProcess } from '../scale/harness/forked-process.ts';
import { waitUntil } from '../wait-until.ts';
import { DelayProxy } from './delay-proxy.ts';
import type { Network } from './delay-schedule.ts';
import type { OpenSipsRequest } from './opensips.ts';
import { CountingWatcher } from './watcher.ts';

/** So that each run loses the same segments, as far as its timing is the same. */
const SEED = 24;

/** The counts are final if two polls at this distance return equal ones: no pause within a call is as long. */
const IDLE_POLL_INTERVAL_MS = 700;

export class DistantSite implements AsyncDisposable {
  readonly edge: ChildProcess;
  readonly adapter: ChildProcess;
  readonly opensips: ForkedProcess<OpenSipsRequest, string | number>;
  readonly #children: ChildProcesses;
  readonly #proxies: readonly DelayProxy[];
  readonly #port: number;
  readonly #clientUrl: string;

  private constructor(
    children: ChildProcesses,
    proxies: readonly DelayProxy[],
    opensips: DistantSite['opensips'],
    processes: { readonly edge: ChildProcess; readonly adapter: ChildProcess },
    ports: { readonly edge: number; readonly clients: number },
  ) {
    this.#children = children;
    this.#proxies = proxies;
    this.opensips = opensips;
    this.edge = processes.edge;
    this.adapter = processes.adapter;
    this.#port = ports.edge;
    this.#clientUrl = `ws://127.0.0.1:${ports.clients}/call-api`;
  }

  /**
   * Starts everything, and waits for the adapter.
   * @param losesEvents whether events of OpenSIPS can be lost, which costs a proxy
   */
  static async start(network: Network, losesEvents = false): Promise<DistantSite> {
    const children = new ChildProcesses();
    const port = await findFreePort();
    const secrets = { ADAPTER_KEY };
    const edge = await startEdge({
      port,
      data: children.directory,
      secrets,
      entry: 'bench/counts/worker.js',
    });
    children.add('workerd', edge);
    const random = new SeededRandom(SEED);
    const [clients, link] = await Promise.all(
      [random.fork(), random.fork()].map((stream) => DelayProxy.start(port, network, () => stream.next())),
    );
    if (!clients || !link) throw new Error('no proxies');
    const opensips: DistantSite['opensips'] = new ForkedProcess(children, '../../wan/opensips.ts');
    const mi = await opensips.request({ type: 'start', losesEvents });
    const { process: adapter } = spawnAdapter({
      OPENSIPS_MI: String(mi),
      EDGE_URL: `ws://127.0.0.1:${link.port}/adapter`,
      ADAPTER_KEY,
      ADAPTER_NAME: 'bench',
      SIP_NEXT_HOP: 'sip:127.0.0.1:5060',
      LOG_LEVEL: 'error',
    });
    children.add('the adapter', adapter);
    const ports = { edge: port, clients: clients.port };
    const site = new DistantSite(children, [clients, link], opensips, { edge, adapter }, ports);
    await waitUntil('the adapter', async () => (await site.#get<Health>('healthz')).link.connected);
    return site;
  }

  connectClient(): Promise<ScaleClient> {
    return ScaleClient.connect(this.#clientUrl);
  }

  connectWatchers(count: number): Promise<CountingWatcher[]> {
    return Promise.all(Array.from({ length: count }, () => CountingWatcher.connect(this.#clientUrl)));
  }

  /** Returns the counts since the last reset, and resets them. */
  resetCounts(): Promise<ResourceCounts> {
    return this.#get('counts', 'DELETE');
  }

  /** Resolves with the counts once they change no more. A watched site is reconciled at intervals, so it is given a limited time. */
  async countsWhenIdle(limitMs: number): Promise<ResourceCounts> {
    const deadline = performance.now() + limitMs;
    for (let counts = await this.#get<ResourceCounts>('counts'); ; ) {
      await new Promise((resolve) => setTimeout(resolve, IDLE_POLL_INTERVAL_MS));
      const next = await this.#get<ResourceCounts>('counts');
      if (JSON.stringify(next) === JSON.stringify(counts) || performance.now() > deadline) return next;
      counts = next;
    }
  }

  /** Returns the number of running commands. */
  async runningCommands(): Promise<number> {
    return (await this.#get<Health>('healthz')).running;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#children[Symbol.asyncDispose]();
    for (const proxy of this.#proxies) await proxy[Symbol.asyncDispose]();
  }

  async #get<T>(path: string, method = 'GET'): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.#port}/${path}`, { method });
    return (await response.json()) as T;
  }
}

interface Health {
  readonly link: { readonly connected: boolean };
  readonly running: number;
}
