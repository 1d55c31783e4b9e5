/** The edge's routes. @module */
import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { version } from '../package.json';
import { issues } from '../shared/jsonrpc.ts';
import { SocketQuery } from '../shared/socket-query.ts';
import { admin } from './admin.ts';
import type { Admitted } from './admitted.ts';
import { consoleFile } from './console.ts';
import { TenantsDoor } from './door/admission.ts';
import { Admissions } from './door/admissions.ts';
import { offersProtocol, PROTOCOL } from './door/credentials.ts';
import type { Door } from './door/door.ts';
import { MAX_BODY_BYTES, mint } from './door/minting.ts';
import { redacted } from './door/redact.ts';
import { securityHeaders } from './door/security-headers.ts';
import type { Client, Refusal, Visitor } from './door/visitor.ts';
import type { Env } from './env.ts';
import { api } from './http/api.ts';
import { preflight, readable } from './http/cors.ts';
import { me } from './me.ts';
import { problem } from './problem.ts';
import { reference } from './reference/routes.ts';
import { siteOf, socketOf } from './site.ts';

/** The Worker. Tokens are minted by tenants' keys, whoever else the door lets in. */
export function app(
  door: Door,
  tenants: TenantsDoor = new TenantsDoor(new Admissions()),
): Hono<{ Bindings: Env }> {
  return new Hono<{ Bindings: Env }>()
    .use(async ({ req }, next) => {
      // Its host is whatever the Host headers say, where no platform stands before us.
      if (URL.canParse(req.url)) return next();
      return problem(400, 'this is no URL; send one Host header, with the name of this host');
    })
    .use(securityHeaders)
    .get('/call-api', async ({ env, req }) => {
      const visitor = await door.client(req.raw, env);
      if ('status' in visitor) return refuse(visitor);
      const asked = SocketQuery.safeParse(req.query());
      if (!asked.success) return problem(400, issues(asked.error));
      const { session = crypto.randomUUID(), since } = asked.data;
      const resumed = since === undefined ? {} : { since: Number(since) };
      return connect(req.raw, env, visitor, { ...visitor.who, session, ...resumed });
    })
    .get('/adapter', async ({ env, req }) => {
      const visitor = await door.adapter(req.raw, env);
      return 'status' in visitor ? refuse(visitor) : connect(req.raw, env, visitor, visitor.who);
    })
    .get('/healthz', async ({ env, req }) => {
      const visitor = await door.client(req.raw, env);
      if ('status' in visitor && visitor.status === 400) return refuse(visitor);
      const health = 'status' in visitor ? {} : await healthOf(env, visitor);
      // Cloudflare dates every answer, bare workerd none; by it a client sees whether its own clock is right.
      const headers = { Date: new Date().toUTCString() };
      return Response.json({ status: 'ok', version, ...health }, { headers });
    })
    .get('/v1/me', async ({ env, req }) => {
      const visitor = await door.client(req.raw, env);
      return 'status' in visitor ? refuse(visitor) : readable(Response.json(me(visitor)), req.raw);
    })
    .options('/v1/me', ({ req }) => {
      const origin = req.header('Origin');
      return origin === undefined ? nothing() : preflight(origin, ['GET']);
    })
    .post(
      '/v1/tokens',
      bodyLimit({
        maxSize: MAX_BODY_BYTES,
        onError: () => problem(413, `the body is longer than ${MAX_BODY_BYTES} bytes`),
      }),
      async ({ env, req }) => {
        const minted = await mint(req.raw, env, tenants);
        return minted instanceof Response ? minted : refuse(minted);
      },
    )
    .route('/v1/admin', admin())
    .route('/', api(door))
    .route('/', reference())
    .get('/', ({ env, req }) => file(req.raw, env))
    .get('/favicon.svg', ({ env, req }) => file(req.raw, env))
    .get('/assets/*', ({ env, req }) => file(req.raw, env))
    .onError((error, { req }) => {
      // The query and the headers may hold a token, so neither is told.
      console.error(redacted(`${req.method} ${req.path} failed: ${error.stack ?? error}`));
      if (isPassing(error)) return problem(503, 'too busy just now; try again', { 'Retry-After': '1' });
      return problem(500, 'something went wrong here, and has been logged; try again later');
    })
    .notFound(nothing);
}

function nothing(): Response {
  return problem(404, 'there is nothing here; the WebSocket is at /call-api, the HTTP API at /v1');
}

async function file(request: Request, env: Env): Promise<Response> {
  return (await consoleFile(request, env)) ?? nothing();
}

/** What the platform says of an object that it moves, or that has too much to do (its docs: "Error handling"). */
function isPassing(error: Error): boolean {
  return ['retryable', 'overloaded'].some((name) => Reflect.get(error, name) === true);
}

/** How the site stands, for those who may read it. */
async function healthOf(env: Env, visitor: Visitor<Client>): Promise<object> {
  if (!visitor.who.scopes.includes('read')) return {};
  const { link, running } = await siteOf(env, visitor).health();
  return { site: visitor.place, link, running };
}

/** Forwards an upgrade to the site's object. */
async function connect(
  request: Request,
  env: Env,
  visitor: Visitor<unknown>,
  admitted: Admitted,
): Promise<Response> {
  if (request.headers.get('Upgrade')?.toLowerCase() !== 'websocket') {
    return problem(426, 'this is a WebSocket: connect with an Upgrade', { Upgrade: 'websocket' });
  }
  const response = await socketOf(env, visitor, admitted);
  if (response.status !== 101 || !offersProtocol(request)) return response;
  const selected = { 'Sec-WebSocket-Protocol': PROTOCOL };
  return new Response(null, { status: 101, webSocket: response.webSocket, headers: selected });
}

function refuse({ status, reason }: Refusal): Response {
  return problem(status, reason);
}
