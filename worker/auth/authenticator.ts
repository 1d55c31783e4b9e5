/** The interface through which the routes authenticate requests. @module */
import type { AccessDenied, AdapterPrincipal, Authenticated, ClientPrincipal } from './authenticated.ts';

export interface Authenticator {
  authenticateClient(request: Request, env: Env): Promise<Authenticated<ClientPrincipal> | AccessDenied>;
  authenticateAdapter(request: Request, env: Env): Promise<Authenticated<AdapterPrincipal> | AccessDenied>;
}
