/** The interface through which the routes authenticate requests. @module */
import type { AccessDenied, Authenticated } from './authenticated.ts';
import type { AdapterPrincipal, ClientPrincipal } from './principal.ts';

export interface Authenticator {
  authenticateClient(request: Request, env: Env): Promise<Authenticated<ClientPrincipal> | AccessDenied>;
  authenticateAdapter(request: Request, env: Env): Promise<Authenticated<AdapterPrincipal> | AccessDenied>;
}
