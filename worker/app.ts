/** The routes of the Worker. @module */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { version } from '../package.json';
import { JWKS_PATH, KNOCK_PATH } from '../shared/protocol/dial.ts';
import { ConnectQuery } from '../shared/protocol/rpc/connect-query.ts';
import { validate } from '../shared/protocol/validation/validate.ts';
import { alternatives, quote } from '../shared/settings/quote.ts';
import { type AccessDenied, type Authenticated, INVALID_CREDENTIAL } from './auth/authenticated.ts';
import type { Authenticator } from './auth/authenticator.ts';
import { namedSubprotocols, SUBPROTOCOLS, selectSubprotocol } from './auth/credentials.ts';
import { GrantCache } from './auth/grant-cache.ts';
import type { Connection } from './auth/principal.ts';
import { TenantAuthenticator } from './auth/tenant-authenticator.ts';
import { problemResponse } from './errors/problem.ts';
import { createAdminRoutes } from './http/admin/routes.ts';
import { createApiRoutes } from './http/api.ts';
import { fetchConsoleFile } from './http/console-files.ts';
import { respondToPreflight, withCorsHeaders } from './http/cors.ts';
import { CANNOT_STORE, healthOf } from './http/health.ts';
import { respondWithKeys } from './http/jwks.ts';
import { MAX_KNOCK_BYTES, respondToKnock, tooLong } from './http/knock.ts';
import { describePrincipal } from './http/me.ts';
import { redact } from './http/redact.ts';
import { limitRequests } from './http/request-limit.ts';
import { securityHeaders } from './http/security-headers.ts';
import { openSocket, switchboardOf } from './http/switchboard-client.ts';
import { issueClientToken, MAX_TOKEN_BODY_BYTES } from './http/tokens.ts';
import { createReferenceRoutes } from './reference/routes.ts';

/**
 * Returns the Worker.
 * @param authenticator authenticates clients and adapters
 * @param tenants verifies the API keys that request tokens, which only tenants have
 */
export function createApp(
  authenticator: Authenticator,
  tenants: TenantAuthenticator = new TenantAuthenticator(new GrantCache()),
): Hono<{ Bindings: Env }> {
  return new Hono<{ Bindings: Env }>()
    .use(async ({ req }, next) => {
      // Without a platform in front, the host of the URL is whatever the Host headers say.
      if (URL.canParse(req.url)) return next();
      return problemResponse(400, 'The URL is invalid. Send one Host header, with the name of this server.');
    })
    .use(securityHeaders)
    .use(limitRequests)
    .get('/call-api', async ({ env, req }) => {
      const client = await authenticator.authenticateClient(req.raw, env);
      if ('status' in client) return deny(client);
      const query = validate(ConnectQuery, req.query(), 'The query');
      if (!query.success) return problemResponse(400, query.error);
      const { session = crypto.randomUUID(), since, events, ack, batch } = query.data;
      const resume = since === undefined ? {} : { since: Number(since) };
      const filter = events === 'original' ? { events } : {};
      const proof = ack === undefined ? {} : { acknowledges: true as const };
      const batches = batch === undefined ? {} : { batches: true as const };
      const connection = { ...client.principal, session, ...resume, ...filter, ...proof, ...batches };
      return upgrade(req.raw, env, client, connection);
    })
    .get('/adapter', async ({ env, req }) => {
      const adapter = await authenticator.authenticateAdapter(req.raw, env);
      return 'status' in adapter ? deny(adapter) : upgrade(req.raw, env, adapter, adapter.principal);
    })
    .post(KNOCK_PATH, bodyLimit({ maxSize: MAX_KNOCK_BYTES, onError: tooLong }), async ({ env, req }) => {
      const adapter = await authenticator.authenticateAdapter(req.raw, env);
      return 'status' in adapter ? deny(adapter) : respondToKnock(req.raw, env, adapter);
    })
    .get(JWKS_PATH, ({ env }) => respondWithKeys(env))
    .get('/healthz', async ({ env, req }) => {
      const client = await authenticator.authenticateClient(req.raw, env);
      if ('status' in client && client.status === 400) return deny(client);
      const health = await healthOf(env, 'status' in client ? undefined : client);
      // Cloudflare adds a Date to every response, workerd alone does not. Clients check their own clock with it.
      const headers = { Date: new Date().toUTCString() };
      return health
        ? Response.json({ status: 'ok', version, ...health }, { headers })
        : problemResponse(503, CANNOT_STORE, { ...headers, 'Retry-After': '5' });
    })
    .get('/v1/me', async ({ env, req }) => {
      const client = await authenticator.authenticateClient(req.raw, env);
      if ('status' in client) return deny(client);
      // The grant may have been cached before the key was revoked.
      const site = switchboardOf(env, client);
      if (await site.isRevoked(client.principal.key)) return deny(INVALID_CREDENTIAL);
      return withCorsHeaders(Response.json(describePrincipal(client, await site.usage())), req.raw);
    })
    .options('/v1/me', ({ req }) => {
      const origin = req.header('Origin');
      return origin === undefined ? notFound() : respondToPreflight(origin, ['GET']);
    })
    .post(
      '/v1/tokens',
      bodyLimit({
        maxSize: MAX_TOKEN_BODY_BYTES,
        onError: () =>
          problemResponse(413, `The body has more than ${MAX_TOKEN_BODY_BYTES} bytes. Send a shorter one.`),
      }),
      async ({ env, req }) => {
        const issued = await issueClientToken(req.raw, env, tenants);
        return issued instanceof Response ? issued : deny(issued);
      },
    )
    .route('/v1/admin', createAdminRoutes())
    .route('/', createApiRoutes(authenticator))
    .route('/', createReferenceRoutes())
    .get('/', ({ env, req }) => consoleFile(req.raw, env))
    .get('/favicon.svg', ({ env, req }) => consoleFile(req.raw, env))
    .get('/docs/search.js', ({ env, req }) => consoleFile(req.raw, env))
    .get('/THIRD-PARTY-NOTICES.txt', ({ env, req }) => consoleFile(req.raw, env))
    .get('/assets/*', ({ env, req }) => consoleFile(req.raw, env))
    .onError((error, { req }) => {
      // The query and the headers may contain a token, so they are not logged.
      console.error(redact(`${req.method} ${req.path} failed: ${error.stack ?? error}`));
      if (isTemporary(error))
        return problemResponse(503, 'The service is overloaded. Try again in a second.', {
          'Retry-After': '1',
        });
      return problemResponse(500, 'An unexpected error occurred and was logged. Try again later.');
    })
    .notFound(notFound);
}

function notFound(): Response {
  return problemResponse(
    404,
    'There is nothing at this path. The WebSocket API is at /call-api, the HTTP API at /v1, and the documentation at /docs.',
  );
}

async function consoleFile(request: Request, env: Env): Promise<Response> {
  return (await fetchConsoleFile(request, env)) ?? notFound();
}

/** Returns whether the platform moves an object or finds it overloaded (its documentation: "Error handling"). */
function isTemporary(error: Error): boolean {
  return ['retryable', 'overloaded'].some((name) => Reflect.get(error, name) === true);
}

/** Forwards a WebSocket upgrade to the site's object. */
async function upgrade(
  request: Request,
  env: Env,
  authenticated: Authenticated<unknown>,
  principal: Connection,
): Promise<Response> {
  if (request.headers.get('Upgrade')?.toLowerCase() !== 'websocket') {
    return problemResponse(
      426,
      'This path accepts WebSocket connections only. Connect with a WebSocket client.',
      { Upgrade: 'websocket' },
    );
  }
  const subprotocol = selectSubprotocol(request);
  const offered = namedSubprotocols(request);
  if (subprotocol === undefined && offered.length > 0) {
    const names = offered.map(quote).join(', ');
    return problemResponse(
      400,
      `Sec-WebSocket-Protocol: the edge has none of ${names}. Offer ${alternatives(SUBPROTOCOLS)}, or none.`,
    );
  }
  const response = await openSocket(env, authenticated, principal);
  if (response.status !== 101 || subprotocol === undefined) return response;
  const headers = { 'Sec-WebSocket-Protocol': subprotocol };
  return new Response(null, { status: 101, webSocket: response.webSocket, headers });
}

function deny({ status, reason }: AccessDenied): Response {
  return problemResponse(status, reason);
}
