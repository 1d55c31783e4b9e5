/** Starts the edge on bare workerd, and sites that each have their own adapter and OpenSIPS simulator. @module */
import type { ChildProcess } from 'node:child_process';
import { connectionLimits, descriptorLimit } from '../../../selfhost/front/descriptors.ts';
import { type EdgeOptions, startEdge } from '../../../selfhost/workerd.ts';
import { findFreePort } from '../../../test/harness/stack.ts';
import { ChildProcesses } from '../../child-processes.ts';
import { waitUntil } from '../../wait-until.ts';
import type { StartAdaptersRequest } from './adapters.ts';
import { ScaleClient } from './client.ts';
import { ForkedProcess } from './forked-process.ts';
import type { StartSimulatorsRequest } from './simulators.ts';

/** What `worker.js` has counted of a site's object since workerd started. */
export interface ObjectCounters {
  /** Constructor runs: one more than the object has hibernated. */
  readonly constructed: number;
  readonly rowsWritten: number;
  readonly alarmsSet: number;
  /** Frames, events and gaps received from the adapter. */
  readonly frames: number;
  readonly events: number;
  readonly gaps: number;
  /** The number up to which the adapter's messages are applied. */
  readonly appliedSeq: number;
}

/** What a site's object has stored on disk. */
export interface StorageStats {
  /** The first position (sequence number of a notification) that may still be stored. */
  readonly firstPosition: number;
  readonly segments: number;
  readonly rows: number;
  /** Ended commands that are still known by their name. */
  readonly endedCommands: number;
  readonly bytes: number;
}

interface StartOptions {
  readonly sites?: number;
  readonly heap?: Pick<EdgeOptions, 'inspectorPort' | 'maxHeapMb'>;
}

export class ScaleHarness implements AsyncDisposable {
  readonly port: number;
  readonly edge: ChildProcess;
  readonly #children: ChildProcesses;
  readonly #simulators: ForkedProcess<StartSimulatorsRequest, string[]>;
  readonly #adapters: ForkedProcess<StartAdaptersRequest, string>;
  readonly #clients: ScaleClient[] = [];
  #siteCount = 0;

  private constructor(port: number, edge: ChildProcess, children: ChildProcesses) {
    this.port = port;
    this.edge = edge;
    this.#children = children;
    this.#simulators = new ForkedProcess(children, 'simulators.ts');
    this.#adapters = new ForkedProcess(children, 'adapters.ts');
  }

  /** Starts the edge and a number of sites. */
  static async start({ sites = 1, heap }: StartOptions = {}): Promise<ScaleHarness> {
    const children = new ChildProcesses();
    const port = await findFreePort();
    const entry = 'bench/scale/harness/worker.js';
    // One site may have half of them: all that this machine serves, as nothing else needs descriptors here.
    const secrets = { MAX_SOCKETS: String(2.5 * connectionLimits(descriptorLimit()).edge) };
    const edge = await startEdge({ port, data: children.directory, secrets, entry, ...heap });
    children.add('workerd', edge);
    const harness = new ScaleHarness(port, edge, children);
    await waitUntil('workerd responds', async () => {
      return (await harness.#get<{ status: string }>('healthz', 'none')).status === 'ok';
    });
    await harness.growTo(sites);
    return harness;
  }

  /** The process that runs all adapters. */
  get adapters(): ChildProcess {
    return this.#adapters.child;
  }

  /** Adds sites until there are `sites`, and waits for their adapters. They are named by numbers from 0. */
  async growTo(sites: number): Promise<void> {
    const first = this.#siteCount;
    if (sites <= first) return;
    const addresses = await this.startSimulators(sites - first);
    this.#siteCount = sites;
    await this.#adapters.request({
      adapters: addresses.map((opensips, n) => ({ edge: this.url('adapter', first + n), opensips })),
    });
    for (let site = first; site < sites; site++) await this.waitForAdapter(site);
  }

  /** Adds a process that is killed together with the harness. */
  addProcess(name: string, child: ChildProcess): void {
    this.#children.add(name, child);
  }

  /** Starts more OpenSIPS simulators and returns their MI addresses. */
  startSimulators(count: number): Promise<string[]> {
    return this.#simulators.request({ count });
  }

  /** Waits until an adapter is connected to the site. */
  async waitForAdapter(site: number | string): Promise<void> {
    await waitUntil(`the adapter of site ${site}`, async () => (await this.health(site)).link.connected);
  }

  url(path: string, site: number | string, query = ''): string {
    return `ws://127.0.0.1:${this.port}/${path}?site=${site}${query}`;
  }

  /** Connects a client to a site. */
  async client(site: number | string = 0, query = ''): Promise<ScaleClient> {
    const client = await ScaleClient.connect(this.url('call-api', site, query));
    this.#clients.push(client);
    return client;
  }

  /** Returns the health of a site. Wakes its object. */
  health(site: number | string = 0): Promise<{ link: { connected: boolean }; running: number }> {
    return this.#get('healthz', site);
  }

  /** Returns what a site's object has stored. Wakes the object. */
  storageStats(site: number | string = 0): Promise<StorageStats> {
    return this.#get('storage', site);
  }

  /** Returns the counters of a site's object. Does not wake the object. */
  counters(site: number | string = 0): Promise<ObjectCounters> {
    return this.#get('counters', site);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.#children[Symbol.asyncDispose]();
  }

  async #get<T>(path: string, site: number | string): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.port}/${path}?site=${site}`);
    return (await response.json()) as T;
  }
}
