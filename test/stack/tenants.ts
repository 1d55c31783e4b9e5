/**
 * The deployed configuration on loopback: the Worker's own entry point with secrets of its own, tenants and keys made
 * through `/v1/admin`, and behind each site an adapter and an OpenSIPS of its own.
 * @module
 */
import type { ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEdge } from '../../selfhost/workerd.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../simulator/index.ts';
import { Client } from './client.ts';
import { type Adapter, freePort, kill, spawnAdapter, until } from './stack.ts';

/** Secrets of the tests' deployment: one kid that signs, and an older one that still verifies. */
export const KEY_SECRETS =
  'k2:secret-of-the-tests-secret-of-the-tests-2,k1:secret-of-the-tests-secret-of-the-tests-1';
export const ADMIN_SECRET = 'admin-secret-of-the-tests-0123456789';

/** One site with all that stands behind it. */
export interface Place {
  readonly tenant: string;
  readonly site: string;
  /** `t1-s2`, for what shall be recognised in any text. */
  readonly mark: string;
  /** API key for all sites of the tenant, and for this one. */
  readonly tenantKey: string;
  readonly siteKey: string;
  readonly adapterKey: string;
  readonly simulator: Simulator;
  /** Where its adapter listens for events: a UDP port of 127.0.0.1. */
  readonly eventsPort: number;
  /** Absent where the test brings its own. */
  readonly adapter: Adapter | undefined;
}

/** What may be set. */
export interface TenantsOptions {
  /** Tenants `t1`, `t2`, …, each with sites `s1`, `s2`, …. */
  readonly tenants: number;
  readonly sites: number;
  readonly simulated?: SimulatorOptions;
  /** Of each tenant, as `POST /v1/admin/tenants` takes it. */
  readonly settings?: object;
  /** Sites that get no adapter, such as `t2-s1`. */
  readonly bare?: readonly string[];
  /** Variables of the Worker, beside its secrets. */
  readonly variables?: Readonly<Record<string, string>>;
  /** See `startEdge`. */
  readonly webhooksToPrivate?: boolean;
}

export class Tenants implements AsyncDisposable {
  readonly port: number;
  edge: ChildProcess;
  readonly places: Place[] = [];
  /** The folder that workerd keeps everything in. */
  readonly data: string;
  readonly #clients: Client[] = [];

  readonly #startEdge: () => Promise<ChildProcess>;

  private constructor(port: number, edge: ChildProcess, data: string, start: () => Promise<ChildProcess>) {
    this.port = port;
    this.edge = edge;
    this.data = data;
    this.#startEdge = start;
  }

  /** Brings all of it up; resolves when every adapter is linked. */
  static async start({
    tenants,
    sites,
    simulated,
    settings,
    bare = [],
    variables = {},
    webhooksToPrivate = false,
  }: TenantsOptions): Promise<Tenants> {
    const data = await mkdtemp(join(tmpdir(), 'call-api-'));
    const port = await freePort();
    const secrets = { KEY_SECRETS, ADMIN_SECRET, ...variables };
    const start = () => startEdge({ port, data, entry: 'worker/index.ts', secrets, webhooksToPrivate });
    const all = new Tenants(port, await start(), data, start);
    await until(async () => (await all.get('/healthz')).ok);
    for (let t = 1; t <= tenants; t++) {
      await all.admin('POST', '/tenants', { id: `t${t}`, ...settings });
      for (let s = 1; s <= sites; s++) await all.admin('POST', `/tenants/t${t}/sites`, { id: `s${s}` });
      const tenantKey = await all.makeKey(`t${t}`, { role: 'api' });
      for (let s = 1; s <= sites; s++)
        await all.#open({ tenant: `t${t}`, site: `s${s}`, tenantKey, simulated, bare });
    }
    for (const place of all.places) if (place.adapter) await all.linked(place);
    return all;
  }

  async #open({
    tenant,
    site,
    tenantKey,
    simulated = {},
    bare,
  }: {
    readonly tenant: string;
    readonly site: string;
    readonly tenantKey: string;
    readonly simulated: SimulatorOptions | undefined;
    readonly bare: readonly string[];
  }): Promise<void> {
    const mark = `${tenant}-${site}`;
    const [siteKey, adapterKey, simulator, eventsPort] = await Promise.all([
      this.makeKey(tenant, { role: 'api', site }),
      this.makeKey(tenant, { role: 'adapter', site }),
      startSimulator(simulated),
      freePort(),
    ]);
    const env = {
      OPENSIPS_MI: `${simulator.mi.host}:${simulator.mi.port}`,
      EDGE_URL: `ws://127.0.0.1:${this.port}/adapter`,
      EVI_LISTEN: `127.0.0.1:${eventsPort}`,
      ADAPTER_KEY: adapterKey,
      ADAPTER_NAME: `adapter-${mark}`,
      SIP_NEXT_HOP: `sip:${mark}.test:5060`,
    };
    const adapter = bare.includes(mark) ? undefined : spawnAdapter(env);
    this.places.push({
      tenant,
      site,
      mark,
      tenantKey,
      siteKey,
      adapterKey,
      simulator,
      eventsPort,
      adapter,
    });
  }

  /** Kills the edge and starts it anew, with what is on its disk. */
  async restart(): Promise<void> {
    await kill(this.edge, 'SIGKILL');
    this.edge = await this.#startEdge();
    await until(async () => (await this.get('/healthz')).ok);
  }

  /** The place of that mark. */
  at(mark: string): Place {
    const place = this.places.find((each) => each.mark === mark);
    if (!place) throw new Error(`there is no ${mark}`);
    return place;
  }

  /** Asks a route over HTTP. */
  get(path: string, credential?: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers);
    if (credential !== undefined) headers.set('Authorization', `Bearer ${credential}`);
    return fetch(`http://127.0.0.1:${this.port}${path}`, { ...init, headers });
  }

  /** Asks as the administrator; throws where it is refused. */
  async admin<Answer>(method: string, path: string, body?: object): Promise<Answer> {
    const init = { method, ...(body ? { body: JSON.stringify(body) } : {}) };
    const response = await this.get(`/v1/admin${path}`, ADMIN_SECRET, init);
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as Answer;
  }

  async makeKey(tenant: string, body: object): Promise<string> {
    return (await this.admin<{ key: string }>('POST', `/tenants/${tenant}/keys`, body)).key;
  }

  /** Mints a client token. */
  async mint(key: string, wish: object): Promise<string> {
    const response = await this.get('/v1/tokens', key, { method: 'POST', body: JSON.stringify(wish) });
    if (!response.ok) throw new Error(`no token: ${response.status} ${await response.text()}`);
    return ((await response.json()) as { token: string }).token;
  }

  /** A client that shows its key or token as a server does; `query` such as `?session=a`. */
  async connect(credential: string, query = ''): Promise<Client> {
    const headers = { Authorization: `Bearer ${credential}` };
    const client = await Client.connect(`ws://127.0.0.1:${this.port}/call-api${query}`, { headers });
    this.#clients.push(client);
    return client;
  }

  /** What `/healthz` says to one who may read. */
  async health(place: Place): Promise<{
    readonly site: string;
    readonly link: { readonly connected: boolean; readonly adapter?: string };
    readonly running: number;
  }> {
    const response = await this.get('/healthz', place.siteKey);
    return (await response.json()) as Awaited<ReturnType<Tenants['health']>>;
  }

  /** Waits until a site's adapter is linked. */
  linked(place: Place): Promise<void> {
    return until(async () => (await this.health(place)).link.connected);
  }

  /** Databases of objects on disk. */
  async objects(): Promise<string[]> {
    const files = await readdir(join(this.data, 'objects'), { recursive: true });
    return files.filter((file) => file.endsWith('.sqlite')).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    await Promise.all(this.places.map(({ adapter }) => adapter?.stop('SIGKILL')));
    await kill(this.edge, 'SIGKILL');
    await Promise.all(this.places.map(({ simulator }) => simulator.close()));
    await rm(this.data, { recursive: true, force: true });
  }
}

/** The id in the text of a key: `ca.<kid>.<role>.<tenant>.<id>.<secret>.<mac>`. */
export function idOf(key: string): string {
  const [, , , , id] = key.split('.');
  if (id === undefined) throw new Error('no key');
  return id;
}
