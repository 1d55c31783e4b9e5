/** A site's object without the Worker before it: whoever the test says comes in. @module */
import { env } from 'cloudflare:workers';
import { Limits, type Policy, SCOPES } from '../../shared/policy.ts';
import type { Admitted } from '../admitted.ts';
import { CALLER_HEADER, type Switchboard } from '../switchboard.ts';
import { type Scenario, ScriptedAdapter } from './adapter.ts';
import { Client } from './client.ts';
import { type TestSocket, taken } from './sockets.ts';

/** What a client is but for what the test says of it. */
export type Who = Partial<Omit<Extract<Admitted, { role: 'client' }>, 'role'>>;

/** A policy with these limits; what is not said is as by default. */
export function policy(limits: Partial<Limits> = {}, more: Partial<Policy> = {}): Policy {
  return { version: 1, limits: Limits.parse(limits), rules: [], kept_seconds: 3_600, ...more };
}

let sites = 0;

export class Site {
  readonly tenant: string;
  readonly site: string;

  /** Fresh unless it is named. */
  constructor(tenant = `tenant-${++sites}`, site = 'main') {
    this.tenant = tenant;
    this.site = site;
  }

  /** Its object. */
  get object(): DurableObjectStub<Switchboard> {
    return env.SWITCHBOARD.get(env.SWITCHBOARD.idFromName(`${this.tenant}/${this.site}`));
  }

  /** Asks for a socket, as the Worker does for whom it has let in. */
  async knock(admitted: Admitted): Promise<Response> {
    const headers = { Upgrade: 'websocket', [CALLER_HEADER]: JSON.stringify(admitted) };
    return this.object.fetch('https://switchboard/', { headers });
  }

  /** A client's socket; one of an API key that may do all, unless it is said otherwise. */
  async open(who: Who = {}): Promise<TestSocket> {
    return taken(await this.knock(client(who)));
  }

  async client(who: Who = {}): Promise<Client> {
    return new Client(await this.open(who));
  }

  async adapter(
    scenario: Scenario,
    { key = 'adapter-key', stream = crypto.randomUUID(), base = 1 } = {},
  ): Promise<ScriptedAdapter> {
    const socket = await taken(
      await this.knock({ role: 'adapter', key, policy: policy({}, { version: 0 }) }),
    );
    return ScriptedAdapter.greet(socket, scenario, { stream, base });
  }
}

/** As {@link Site.open} lets it in. */
export function client(who: Who = {}): Admitted {
  const { key = 'key-1' } = who;
  return {
    role: 'client',
    subject: `key:${key}`,
    session: crypto.randomUUID(),
    scopes: SCOPES,
    policy: policy(),
    ...who,
    key,
  };
}
