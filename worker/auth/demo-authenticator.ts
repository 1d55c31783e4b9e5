/** Authenticates for local development: loopback requests have full access to the open tenant `demo`. @module */
import type { ActiveAdapters } from '../../shared/policy/adapters-setting.ts';
import { type DialTarget, IDLE_S } from '../../shared/policy/link-setting.ts';
import { type Policy, SCOPES } from '../../shared/policy/policy.ts';
import { DEMO_KEY_ID } from '../../shared/protocol/dial.ts';
import { quote } from '../../shared/settings/quote.ts';
import { type AccessDenied, type Authenticated, INVALID_CREDENTIAL } from './authenticated.ts';
import type { Authenticator } from './authenticator.ts';
import { extractCredential } from './credentials.ts';
import type { AdapterPrincipal, ClientPrincipal } from './principal.ts';
import { timingSafeEqual } from './timing-safe-equal.ts';

/** The highest limits there are: developers load their own machine as they like. */
export const UNLIMITED_POLICY: Policy = {
  version: 0,
  limits: {
    messages_per_second: 10_000,
    tenant_messages_per_second: 100_000,
    replayed_bytes_per_minute: 64 * 1_024 ** 3,
    tenant_replayed_bytes_per_minute: 640 * 1_024 ** 3,
    written_bytes_per_minute: 4 * 1_024 ** 3,
    tenant_written_bytes_per_minute: 40 * 1_024 ** 3,
    connections_per_minute: 60_000,
    tenant_connections_per_minute: 600_000,
    commands_in_flight: 100_000,
    starts_per_second: 10_000,
    standing_calls: 1_000_000,
    message_bytes: 65_536,
    // As for any tenant: a developer's disk has an end, too.
    stored_bytes: 1_073_741_824,
    sessions_per_subject: 10_000,
    unread_bytes: 16 * 1_024 ** 2,
    stream_unread_bytes: 8 * 1_024 ** 2,
  },
  rules: [],
  kept_seconds: 3_600,
};

/** The name of the only site. */
export const DEMO_SITE = 'demo/demo';

/** What `ADAPTERS` may be, if one adapter does not serve the whole site. */
const ACTIVE_ADAPTERS: Readonly<Record<string, ActiveAdapters>> = {
  active: { replicated_dialogs: false },
  replicated: { replicated_dialogs: true },
};

/**
 * Returns the policy of the site. Its adapters are dialed if `DIAL_URL` says where: one URL, or several with commas between them. All of
 * them serve it if `ADAPTERS` is `active`, or `replicated` if each OpenSIPS has the dialogs of the others.
 */
export function demoPolicy({ DIAL_URL, ADAPTERS = '' }: Pick<Env, 'DIAL_URL' | 'ADAPTERS'>): Policy {
  const active_adapters = ACTIVE_ADAPTERS[ADAPTERS];
  return {
    ...UNLIMITED_POLICY,
    ...(DIAL_URL ? { link: dialTargetOf(DIAL_URL) } : {}),
    ...(active_adapters ? { active_adapters } : {}),
  };
}

function dialTargetOf(urls: string): DialTarget {
  const [url = urls, ...more_urls] = urls.split(',');
  return { url, more_urls, idle_s: IDLE_S.default, keep: false, siteName: DEMO_SITE };
}

function clientOf(env: Env): Authenticated<ClientPrincipal> {
  const policy = demoPolicy(env);
  const principal = { role: 'client', subject: 'demo', key: 'demo', scopes: SCOPES, policy } as const;
  return { siteName: DEMO_SITE, principal };
}

function adapterOf(env: Env): Authenticated<AdapterPrincipal> {
  const principal = { role: 'adapter', key: DEMO_KEY_ID, policy: demoPolicy(env) } as const;
  return { siteName: DEMO_SITE, principal };
}

/**
 * Accepts requests to a loopback Host only, and from web pages only if their origin is loopback too. So no other web page
 * can dial through it, not even under a domain name of its own that resolves to this machine (DNS rebinding). The adapter
 * must also present the secret `ADAPTER_KEY`.
 */
export const demoAuthenticator: Authenticator = {
  authenticateClient: async (request, env) => denyUnlessLoopback(request) ?? clientOf(env),
  authenticateAdapter: async (request, env) => {
    const { ADAPTER_KEY } = env;
    const credential = extractCredential(request);
    if (!ADAPTER_KEY || credential === undefined || !(await timingSafeEqual(credential, ADAPTER_KEY)))
      return INVALID_CREDENTIAL;
    return denyUnlessLoopback(request) ?? adapterOf(env);
  },
};

function denyUnlessLoopback(request: Request): AccessDenied | undefined {
  const origin = request.headers.get('Origin');
  const host = request.headers.get('Host') ?? new URL(request.url).host;
  const urls = [`http://${host}`, ...(origin === null ? [] : [origin])];
  if (urls.every(isLoopback)) return undefined;
  const reason = `This edge serves only its own machine, not ${origin === null ? '' : `pages of ${quote(origin)} on `}the host ${quote(host)}. Use http://localhost.`;
  return { status: 403, reason };
}

function isLoopback(url: string): boolean {
  return URL.canParse(url) && ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname);
}
