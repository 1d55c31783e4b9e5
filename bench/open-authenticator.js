// The authenticator of the benchmarks' Workers: it accepts every client and adapter, to the site of `?site=N`.
// Plain JavaScript, because the types of the platform and of Node exclude each other in one TypeScript program.
import { SCOPES } from '../shared/policy/policy.ts';
import { UNLIMITED_POLICY } from '../worker/auth/demo-authenticator.ts';

/** Returns the name of the site, and of its Switchboard, that serves a request. */
export const siteNameOf = ({ url }) => `bench/${new URL(url).searchParams.get('site') ?? '0'}`;

const accept = (principal) => async (request) => ({
  siteName: siteNameOf(request),
  principal: { ...principal, policy: UNLIMITED_POLICY },
});

export const openAuthenticator = {
  authenticateClient: accept({ role: 'client', subject: 'bench', key: 'bench', scopes: SCOPES }),
  authenticateAdapter: accept({ role: 'adapter', key: 'bench-adapter' }),
};
