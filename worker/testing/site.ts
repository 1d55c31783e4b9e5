/** A site's object without the Worker in front: tests connect as any principal. @module */
import { env } from 'cloudflare:workers';
import { Limits, type Policy, SCOPES } from '../../shared/policy/policy.ts';
import type { Connection } from '../auth/principal.ts';
import { CONNECTION_HEADER, type Switchboard } from '../switchboard/switchboard.ts';
import { type Scenario, ScriptedAdapter } from './adapter.ts';
import { Client } from './client.ts';
import { acceptSocket, type TestSocket } from './sockets.ts';

/** The fields of a client principal that a test sets. */
export type ClientOptions = Partial<Omit<Extract<Connection, { role: 'client' }>, 'role'>>;

/** Returns a policy with the given limits and fields, and defaults for the others. */
export function policy(limits: Partial<Limits> = {}, fields: Partial<Policy> = {}): Policy {
  return { version: 1, limits: Limits.parse(limits), rules: [], kept_seconds: 3_600, ...fields };
}

/** How a test connects an adapter. */
interface AdapterOptions {
  readonly key?: string;
  readonly adapter?: string;
  readonly stream?: string;
  readonly base?: number;
  /** Fields of the policy that it brings. */
  readonly fields?: Partial<Policy>;
}

let siteCount = 0;

export class TestSite {
  readonly tenant: string;
  readonly site: string;

  /** By default, the site is a new one. */
  constructor(tenant = `tenant-${++siteCount}`, site = 'main') {
    this.tenant = tenant;
    this.site = site;
  }

  get object(): DurableObjectStub<Switchboard> {
    return env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName(`${this.tenant}/${this.site}`));
  }

  /** Requests a socket, as the Worker does after authentication. */
  async requestSocket(principal: Connection): Promise<Response> {
    const headers = { Upgrade: 'websocket', [CONNECTION_HEADER]: JSON.stringify(principal) };
    return this.object.fetch('https://switchboard/', { headers });
  }

  /** Opens a client's socket, by default with an API key that has all scopes. */
  async openSocket(options: ClientOptions = {}): Promise<TestSocket> {
    return acceptSocket(await this.requestSocket(clientPrincipal(options)));
  }

  async client(options: ClientOptions = {}): Promise<Client> {
    return new Client(await this.openSocket(options));
  }

  async adapter(
    scenario: Scenario,
    {
      key = 'adapter-key',
      adapter = 'test',
      stream = crypto.randomUUID(),
      base = 1,
      fields = {},
    }: AdapterOptions = {},
  ): Promise<ScriptedAdapter> {
    const socket = await acceptSocket(
      await this.requestSocket({ role: 'adapter', key, policy: policy({}, { version: 0, ...fields }) }),
    );
    return ScriptedAdapter.handshake(socket, scenario, { adapter, stream, base });
  }
}

/** Returns the principal with which {@link TestSite.openSocket} connects. */
export function clientPrincipal(options: ClientOptions = {}): Connection {
  const { key = 'key-1' } = options;
  return {
    role: 'client',
    subject: `key:${key}`,
    session: crypto.randomUUID(),
    scopes: SCOPES,
    policy: policy(),
    ...options,
    key,
  };
}
