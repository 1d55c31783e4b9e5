/**
 * The open tenant of a developer's own machine, `demo`. Whoever reaches the machine by loopback may do all.
 * @module
 */
import { type Policy, SCOPES } from '../../shared/policy.ts';
import { credentialOf } from './credentials.ts';
import type { Door } from './door.ts';
import { sameSecret } from './same-secret.ts';
import { type Adapter, type Client, type Refusal, UNKNOWN, type Visitor } from './visitor.ts';

/** The highest limits there are: the machine is its user's own, and what it can do is theirs to find out. */
export const UNBOUNDED: Policy = {
  version: 0,
  limits: {
    messages_per_second: 10_000,
    commands_in_flight: 100_000,
    starts_per_second: 10_000,
    standing_calls: 1_000_000,
    message_bytes: 65_536,
    sessions_per_subject: 10_000,
  },
  rules: [],
  kept_seconds: 3_600,
};

const PLACE = 'demo/demo';
const CLIENT: Visitor<Client> = {
  place: PLACE,
  who: { role: 'client', subject: 'demo', key: 'demo', scopes: SCOPES, policy: UNBOUNDED },
};
const ADAPTER: Visitor<Adapter> = {
  place: PLACE,
  who: { role: 'adapter', key: 'demo-adapter', policy: UNBOUNDED },
};

/**
 * Only requests to a loopback Host, and from no page or a loopback one: no web page elsewhere can dial through
 * it, not even by a name of its own that points here. The adapter shows the secret `ADAPTER_KEY`.
 */
export const demo: Door = {
  client: async (request) => atLoopback(request) ?? CLIENT,
  adapter: async (request, { ADAPTER_KEY }) => {
    const given = credentialOf(request);
    if (!ADAPTER_KEY || given === undefined || !(await sameSecret(given, ADAPTER_KEY))) return UNKNOWN;
    return atLoopback(request) ?? ADAPTER;
  },
};

function atLoopback(request: Request): Refusal | undefined {
  const origin = request.headers.get('Origin');
  const host = request.headers.get('Host') ?? new URL(request.url).host;
  const hosts = [`http://${host}`, ...(origin === null ? [] : [origin])];
  if (hosts.every(isLoopback)) return undefined;
  return { status: 403, reason: 'this edge serves its own machine only: Host and Origin must be loopback' };
}

function isLoopback(url: string): boolean {
  return URL.canParse(url) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname);
}
