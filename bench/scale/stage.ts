/**
 * What is measured: the edge on bare workerd, with sites behind each of which stand an adapter of its own and an
 * OpenSIPS of its own.
 * @module
 */
import type { ChildProcess } from 'node:child_process';
import { startEdge } from '../../selfhost/workerd.ts';
import { freePort } from '../../test/stack/stack.ts';
import { Children } from '../children.ts';
import { until } from '../until.ts';
import type { AdaptersWanted } from './adapters.ts';
import { Client } from './client.ts';
import type { OpenSipsWanted } from './opensips.ts';
import { Helper } from './processes.ts';

/** What `worker.js` counts of a site's object since workerd started. */
export interface Counters {
  /** Constructor runs: one more than it has slept. */
  readonly constructed: number;
  /** Rows written, and alarms set. */
  readonly rows: number;
  readonly alarms: number;
  /** Frames, events and gaps that came from the adapter, and the number up to which its messages are applied. */
  readonly frames: number;
  readonly events: number;
  readonly gaps: number;
  readonly applied: number;
}

/** What a site's object keeps on disk. */
export interface Kept {
  /** The first position, or number of a notification, that may still be kept. */
  readonly first: number;
  readonly segments: number;
  readonly rows: number;
  /** Commands that have ended and are still known by their name. */
  readonly ended: number;
  readonly bytes: number;
}

export class Stage implements AsyncDisposable {
  readonly port: number;
  readonly edge: ChildProcess;
  readonly #children: Children;
  readonly #opensips: Helper<OpenSipsWanted, string[]>;
  readonly #adapters: Helper<AdaptersWanted, string>;
  readonly #clients: Client[] = [];
  #sites = 0;

  private constructor(port: number, edge: ChildProcess, children: Children) {
    this.port = port;
    this.edge = edge;
    this.#children = children;
    this.#opensips = new Helper(children, 'opensips.ts');
    this.#adapters = new Helper(children, 'adapters.ts');
  }

  /** Brings up the edge, and so many sites. */
  static async open({ sites = 1 } = {}): Promise<Stage> {
    const children = new Children();
    const port = await freePort();
    const entry = 'bench/scale/worker.js';
    const edge = await startEdge({ port, data: children.folder, secrets: {}, entry });
    children.add('workerd', edge);
    const stage = new Stage(port, edge, children);
    await until('workerd', async () => {
      return (await stage.#get<{ status: string }>('healthz', 'none')).status === 'ok';
    });
    await stage.grow(sites);
    return stage;
  }

  get adapters(): ChildProcess {
    return this.#adapters.child;
  }

  /** Adds sites until there are so many, each linked. They are named by numbers from 0. */
  async grow(sites: number): Promise<void> {
    const first = this.#sites;
    if (sites <= first) return;
    const addresses = await this.opensips(sites - first);
    this.#sites = sites;
    await this.#adapters.ask({
      sites: addresses.map((opensips, n) => ({ edge: this.url('adapter', first + n), opensips })),
    });
    for (let site = first; site < sites; site++) await this.linked(site);
  }

  /** Takes in a process that shall end with the stage. */
  add(name: string, child: ChildProcess): void {
    this.#children.add(name, child);
  }

  /** Starts so many simulated OpenSIPS and gives their MI addresses. */
  opensips(more: number): Promise<string[]> {
    return this.#opensips.ask({ more });
  }

  /** Waits until an adapter serves the site. */
  async linked(site: number | string): Promise<void> {
    await until(`the adapter of site ${site}`, async () => (await this.health(site)).link.connected);
  }

  url(path: string, site: number | string, query = ''): string {
    return `ws://127.0.0.1:${this.port}/${path}?site=${site}${query}`;
  }

  /** A client at a site. */
  async client(site: number | string = 0, query = ''): Promise<Client> {
    const client = await Client.connect(this.url('call-api', site, query));
    this.#clients.push(client);
    return client;
  }

  /** How a site stands. It wakes the object. */
  health(site: number | string = 0): Promise<{ link: { connected: boolean }; running: number }> {
    return this.#get('healthz', site);
  }

  /** What a site's object keeps. It wakes the object. */
  kept(site: number | string = 0): Promise<Kept> {
    return this.#get('kept', site);
  }

  /** What a site's object has done. It does not wake the object. */
  counters(site: number | string = 0): Promise<Counters> {
    return this.#get('counters', site);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await this.#children[Symbol.asyncDispose]();
  }

  async #get<Answer>(path: string, site: number | string): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${this.port}/${path}?site=${site}`);
    return (await response.json()) as Answer;
  }
}
