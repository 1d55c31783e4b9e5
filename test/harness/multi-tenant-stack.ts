/**
 * A stack with several tenants on loopback, as it is deployed: the Worker's production entry point with its secrets,
 * tenants and keys created through `/v1/admin`, and an adapter and a simulated OpenSIPS for each site.
 * @module
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEdge } from '../../selfhost/workerd.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../simulator/index.ts';
import { Client } from './client.ts';
import {
  type AdapterProcess,
  findFreePort,
  findFreeUdpPort,
  spawnAdapter,
  stopProcess,
  waitUntil,
} from './stack.ts';

/** The first key signs. The second is older and still verifies. */
export const KEY_SECRETS =
  'k2:secret-of-the-tests-secret-of-the-tests-2,k1:secret-of-the-tests-secret-of-the-tests-1';
export const ADMIN_SECRET = 'admin-secret-of-the-tests-0123456789';

/** A site with its keys, its adapter and its OpenSIPS. */
export interface TestSite {
  readonly tenant: string;
  readonly site: string;
  /** A text such as `t1-s2`, by which data of this site is recognized. */
  readonly marker: string;
  /** An API key for all sites of the tenant. */
  readonly tenantKey: string;
  /** An API key for this site only. */
  readonly siteKey: string;
  readonly adapterKey: string;
  readonly simulator: Simulator;
  /** The UDP port of 127.0.0.1 on which its adapter receives events. */
  readonly eventsPort: number;
  /** Absent for a site without an adapter. */
  readonly adapter: AdapterProcess | undefined;
}

export interface MultiTenantStackOptions {
  /** The number of tenants: `t1`, `t2`, … */
  readonly tenants: number;
  /** The number of sites of each tenant: `s1`, `s2`, … */
  readonly sites: number;
  readonly simulatorOptions?: SimulatorOptions;
  /** The settings of each tenant for `POST /v1/admin/tenants`. */
  readonly tenantSettings?: object;
  /** The marks of sites without an adapter, such as `t2-s1`. */
  readonly sitesWithoutAdapter?: readonly string[];
  /** Whether the edge dials the adapters; by default they connect to it. */
  readonly isDialed?: boolean;
  /** Variables of the Worker, in addition to its secrets. */
  readonly variables?: Readonly<Record<string, string>>;
  /** See `startEdge`. */
  readonly webhooksToPrivate?: boolean;
  readonly inspectorPort?: number;
  /** Starts the edge in another way than `startEdge`. */
  readonly launch?: (edge: EdgeToLaunch) => Promise<ChildProcess>;
}

/** What an edge is started with. */
export interface EdgeToLaunch {
  readonly port: number;
  /** The folder for its data. */
  readonly data: string;
  readonly secrets: Readonly<Record<string, string>>;
}

export class MultiTenantStack implements AsyncDisposable {
  readonly port: number;
  edgeProcess: ChildProcess;
  readonly sites: TestSite[] = [];
  /** The folder with workerd's databases. */
  readonly dataFolder: string;
  readonly #clients: Client[] = [];

  readonly #startEdge: () => Promise<ChildProcess>;

  private constructor(
    port: number,
    edgeProcess: ChildProcess,
    dataFolder: string,
    startEdgeProcess: () => Promise<ChildProcess>,
  ) {
    this.port = port;
    this.edgeProcess = edgeProcess;
    this.dataFolder = dataFolder;
    this.#startEdge = startEdgeProcess;
  }

  /** Starts the stack. Resolves when every adapter is connected. */
  static async start({
    tenants,
    sites,
    simulatorOptions,
    tenantSettings,
    sitesWithoutAdapter = [],
    isDialed = false,
    variables = {},
    webhooksToPrivate = false,
    inspectorPort,
    launch,
  }: MultiTenantStackOptions): Promise<MultiTenantStack> {
    const dataFolder = await mkdtemp(join(tmpdir(), 'call-api-'));
    const port = await findFreePort();
    const secrets = { KEY_SECRETS, ADMIN_SECRET, ...variables };
    const inspector = inspectorPort === undefined ? {} : { inspectorPort };
    const startWorkerd = (edge: EdgeToLaunch) =>
      startEdge({
        ...edge,
        entry: 'worker/index.ts',
        webhooksToPrivate,
        allowLoopbackAdapters: isDialed,
        ...inspector,
      });
    const start = () => (launch ?? startWorkerd)({ port, data: dataFolder, secrets });
    const stack = new MultiTenantStack(port, await start(), dataFolder, start);
    await waitUntil(async () => (await stack.fetch('/healthz')).ok);
    for (let t = 1; t <= tenants; t++) {
      await stack.adminRequest('POST', '/tenants', { id: `t${t}`, ...tenantSettings });
      for (let s = 1; s <= sites; s++)
        await stack.adminRequest('POST', `/tenants/t${t}/sites`, { id: `s${s}` });
      const tenantKey = await stack.createKey(`t${t}`, { role: 'api' });
      for (let s = 1; s <= sites; s++)
        await stack.#startSite({
          tenant: `t${t}`,
          site: `s${s}`,
          tenantKey,
          simulatorOptions,
          hasAdapter: !sitesWithoutAdapter.includes(`t${t}-s${s}`),
          isDialed,
        });
    }
    for (const site of stack.sites) if (site.adapter) await stack.waitForLink(site);
    return stack;
  }

  async #startSite({
    tenant,
    site,
    tenantKey,
    simulatorOptions = {},
    hasAdapter,
    isDialed,
  }: {
    readonly tenant: string;
    readonly site: string;
    readonly tenantKey: string;
    readonly simulatorOptions: SimulatorOptions | undefined;
    readonly hasAdapter: boolean;
    readonly isDialed: boolean;
  }): Promise<void> {
    const marker = `${tenant}-${site}`;
    const [siteKey, adapterKey, simulator, eventsPort] = await Promise.all([
      this.createKey(tenant, { role: 'api', site }),
      this.createKey(tenant, { role: 'adapter', site }),
      startSimulator(simulatorOptions),
      findFreeUdpPort(),
    ]);
    const env = {
      OPENSIPS_MI: `${simulator.mi.host}:${simulator.mi.port}`,
      EDGE_URL: `ws://127.0.0.1:${this.port}/adapter`,
      EVI_LISTEN: `127.0.0.1:${eventsPort}`,
      ADAPTER_KEY: adapterKey,
      ADAPTER_NAME: `adapter-${marker}`,
      SIP_NEXT_HOP: `sip:${marker}.test:5060`,
    };
    const listenEnv = isDialed ? await this.#dial(tenant, site) : {};
    const adapter = hasAdapter ? spawnAdapter({ ...env, ...listenEnv }) : undefined;
    this.sites.push({
      tenant,
      site,
      marker,
      tenantKey,
      siteKey,
      adapterKey,
      simulator,
      eventsPort,
      adapter,
    });
  }

  /** Has the edge dial the adapter of a site. Returns the adapter's settings for that. */
  async #dial(tenant: string, site: string): Promise<Record<string, string>> {
    const address = `127.0.0.1:${await findFreePort()}`;
    const url = `http://${address}/adapter`;
    const link = { mode: 'dial', url, keep: true };
    await this.adminRequest('PATCH', `/tenants/${tenant}/sites/${site}`, { link });
    return { ADAPTER_LISTEN: address, ADAPTER_PUBLIC_URL: url };
  }

  /** Kills the edge and starts it again with the same data. */
  async restartEdge(): Promise<void> {
    await stopProcess(this.edgeProcess, 'SIGKILL');
    this.edgeProcess = await this.#startEdge();
    await waitUntil(async () => (await this.fetch('/healthz')).ok);
  }

  /** Returns the site with that marker. */
  site(marker: string): TestSite {
    const site = this.sites.find((candidate) => candidate.marker === marker);
    if (!site) throw new Error(`there is no site ${marker}`);
    return site;
  }

  /** Sends an HTTP request to the edge. */
  fetch(path: string, credential?: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (credential !== undefined) headers.set('Authorization', `Bearer ${credential}`);
    return fetch(`http://127.0.0.1:${this.port}${path}`, { ...init, headers });
  }

  /** Sends a request to `/v1/admin`. Throws if it is refused. */
  async adminRequest<Result>(method: string, path: string, body?: object): Promise<Result> {
    const init = { method, ...(body ? { body: JSON.stringify(body) } : {}) };
    const response = await this.fetch(`/v1/admin${path}`, ADMIN_SECRET, init);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Result;
  }

  async createKey(tenant: string, body: object): Promise<string> {
    return (await this.adminRequest<{ key: string }>('POST', `/tenants/${tenant}/keys`, body)).key;
  }

  /** Mints a client token. */
  async mintToken(key: string, claims: object): Promise<string> {
    const response = await this.fetch('/v1/tokens', key, { method: 'POST', body: JSON.stringify(claims) });
    if (!response.ok) throw new Error(`no token: ${response.status} ${await response.text()}`);
    return ((await response.json()) as { token: string }).token;
  }

  /** Connects a client that sends its key or token in a header, like a server. `query` is such as `?session=a`. */
  async connectClient(credential: string, query = ''): Promise<Client> {
    const headers = { Authorization: `Bearer ${credential}` };
    const client = await Client.connect(`ws://127.0.0.1:${this.port}/call-api${query}`, { headers });
    this.#clients.push(client);
    return client;
  }

  /** Returns the response of `/healthz` for a key with the scope `read`. */
  async fetchHealth({ siteKey }: TestSite): Promise<{
    readonly site: string;
    readonly link: { readonly connected: boolean; readonly adapter?: string };
    readonly running: number;
  }> {
    const response = await this.fetch('/healthz', siteKey);
    return (await response.json()) as Awaited<ReturnType<MultiTenantStack['fetchHealth']>>;
  }

  /** Waits until the site's adapter is connected. */
  waitForLink(site: TestSite): Promise<void> {
    return waitUntil(async () => (await this.fetchHealth(site)).link.connected);
  }

  /** Returns the paths of the objects' databases. */
  async objectDatabases(): Promise<string[]> {
    const files = await readdir(join(this.dataFolder, 'objects'), { recursive: true });
    return files.filter((file) => file.endsWith('.sqlite')).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await Promise.all(this.sites.map(({ adapter }) => adapter?.stop('SIGKILL')));
    await stopProcess(this.edgeProcess, 'SIGKILL');
    await Promise.all(this.sites.map(({ simulator }) => simulator.close()));
    await rm(this.dataFolder, { recursive: true, force: true });
  }
}

/** Returns the id in an API key: `ca.<kid>.<role>.<tenant>.<id>.<secret>.<mac>`. */
export function keyId(key: string): string {
  const [, , , , id] = key.split('.');
  if (id === undefined) throw new Error('not an API key');
  return id;
}
