/** Authenticates for local development: loopback requests have full access to the open tenant `demo`. @module */
import { type Policy, SCOPES } from '../../shared/policy/policy.ts';
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

const SITE_NAME = 'demo/demo';
const CLIENT: Authenticated<ClientPrincipal> = {
  siteName: SITE_NAME,
  principal: { role: 'client', subject: 'demo', key: 'demo', scopes: SCOPES, policy: UNLIMITED_POLICY },
};
const ADAPTER: Authenticated<AdapterPrincipal> = {
  siteName: SITE_NAME,
  principal: { role: 'adapter', key: 'demo-adapter', policy: UNLIMITED_POLICY },
};

/**
 * Accepts requests to a loopback Host only, and from web pages only if their origin is loopback too. So no other web page
 * can dial through it, not even under a domain name of its own that resolves to this machine (DNS rebinding). The adapter
 * must also present the secret `ADAPTER_KEY`.
 */
export const demoAuthenticator: Authenticator = {
  authenticateClient: async (request) => denyUnlessLoopback(request) ?? CLIENT,
  authenticateAdapter: async (request, { ADAPTER_KEY }) => {
    const credential = extractCredential(request);
    if (!ADAPTER_KEY || credential === undefined || !(await timingSafeEqual(credential, ADAPTER_KEY)))
      return INVALID_CREDENTIAL;
    return denyUnlessLoopback(request) ?? ADAPTER;
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
