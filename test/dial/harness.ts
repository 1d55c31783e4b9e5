/** A tenant's site whose adapter is dialed: the edge as it is deployed, with an exception for loopback. @module */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { startEdge } from '../../selfhost/workerd.ts';
import { DialListener } from '../harness/dial-listener.ts';
import { type EdgeToLaunch, MultiTenantStack, type TestSite } from '../harness/multi-tenant-stack.ts';
import { type AdapterProcess, findFreeUdpPort, spawnAdapter } from '../harness/stack.ts';

/** The state of the link in `/healthz`. */
export interface DialedLink {
  readonly connected: boolean;
  readonly dial?: { readonly host: string; readonly state: string; readonly failure?: string };
  readonly adapters?: readonly { readonly adapter: string; readonly role: string }[];
}

/** The setting of the site, except its URL. */
export interface DialSetting {
  readonly idle_s?: number;
  readonly keep?: boolean;
}

/** What the edge is started with, also when it is started again. */
interface Launching {
  allowLoopbackAdapters: boolean;
}

export class DialStack implements AsyncDisposable {
  readonly stack: MultiTenantStack;
  readonly listener: DialListener;
  readonly site: TestSite;
  readonly #adapters: AdapterProcess[] = [];
  readonly #edgeLog: readonly string[];
  readonly #launching: Launching;

  private constructor(
    stack: MultiTenantStack,
    listener: DialListener,
    site: TestSite,
    edgeLog: readonly string[],
    launching: Launching,
  ) {
    this.stack = stack;
    this.listener = listener;
    this.site = site;
    this.#edgeLog = edgeLog;
    this.#launching = launching;
  }

  /** Starts an edge with one site, and a listener that it dials. No adapter is behind the listener yet. */
  static async start(setting: DialSetting = {}, entry = 'worker/index.ts'): Promise<DialStack> {
    const log: string[] = [];
    const launching: Launching = { allowLoopbackAdapters: true };
    const launch = async (options: EdgeToLaunch) => {
      const edge = await startEdge({ ...options, ...launching, entry, log: 'pipe' });
      edge.stderr?.on('data', (chunk: Buffer) => log.push(chunk.toString()));
      return edge;
    };
    const stack = await MultiTenantStack.start({
      tenants: 1,
      sites: 1,
      simulatorOptions: { scriptEvents: true },
      sitesWithoutAdapter: ['t1-s1'],
      launch,
    });
    const site = stack.site('t1-s1');
    const listener = await DialListener.start({ edgePort: stack.port, key: site.adapterKey });
    const dialed = new DialStack(stack, listener, site, log, launching);
    await dialed.setLink({ mode: 'dial', url: listener.url, ...setting });
    return dialed;
  }

  /** Returns the lines that the edge has logged. */
  edgeLog(): string[] {
    return this.#edgeLog
      .join('')
      .split('\n')
      .filter((line) => line !== '');
  }

  /** Starts the edge again, which may no longer dial its own machine. */
  async restartEdgeWithoutLoopback(): Promise<void> {
    this.#launching.allowLoopbackAdapters = false;
    await this.stack.restartEdge();
  }

  setLink(link: object): Promise<unknown> {
    return this.stack.adminRequest('PATCH', '/tenants/t1/sites/s1', { link });
  }

  /** Starts a real adapter, which is connected to the edge when that dials the listener. */
  async startAdapter(): Promise<AdapterProcess> {
    const { simulator, adapterKey } = this.site;
    const adapter = spawnAdapter({
      OPENSIPS_MI: `${simulator.mi.host}:${simulator.mi.port}`,
      EDGE_URL: this.listener.adapterUrl,
      EVI_LISTEN: `127.0.0.1:${await findFreeUdpPort()}`,
      ADAPTER_KEY: adapterKey,
      ADAPTER_NAME: 'dialed',
      SIP_NEXT_HOP: 'sip:127.0.0.1:5060',
    });
    this.#adapters.push(adapter);
    return adapter;
  }

  connectClient(query = ''): ReturnType<MultiTenantStack['connectClient']> {
    return this.stack.connectClient(this.site.siteKey, query);
  }

  async link(): Promise<DialedLink> {
    return (await this.stack.fetchHealth(this.site)).link;
  }

  /** Returns when the alarm of each object of a class is due, as workerd stores it; null for none. */
  alarms(className: 'dialer' | 'switchboard' = 'dialer'): unknown[] {
    const folder = join(this.stack.dataFolder, 'objects', className);
    const files = readdirSync(folder).filter(
      (file) => file.endsWith('.sqlite') && file !== 'metadata.sqlite',
    );
    return files.map((file) => {
      const database = new DatabaseSync(join(folder, file), { readOnly: true });
      // An object that has never had an alarm has no such table.
      const hasTable = database.prepare("SELECT 1 FROM sqlite_master WHERE name = '_cf_METADATA'").get();
      const sql = 'SELECT CAST(value AS TEXT) AS value FROM _cf_METADATA WHERE key = 1';
      const row = hasTable && database.prepare(sql).get();
      database.close();
      return row?.['value'] ?? null;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#adapters.map((adapter) => adapter.stop('SIGKILL')));
    await this.listener[Symbol.asyncDispose]();
    await this.stack[Symbol.asyncDispose]();
  }
}
