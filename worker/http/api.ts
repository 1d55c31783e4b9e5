/**
 * The HTTP API: serves the routes of `shared/protocol/http/routes.ts`. Each request is parsed here and run by the site's
 * object, with the same dispatcher, authorization and limits as a message over a socket.
 * @module
 */
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { byteLength } from '../../shared/protocol/byte-length.ts';
import { parseJson } from '../../shared/protocol/exact-json.ts';
import type { Problem } from '../../shared/protocol/http/problem.ts';
import { HTTP_SESSION, MAX_BODY_BYTES, type Route, routes } from '../../shared/protocol/http/routes.ts';
import { errorCode, type RpcError, type RpcResponse } from '../../shared/protocol/rpc/jsonrpc.ts';
import { alternatives, quote } from '../../shared/settings/quote.ts';
import type { Authenticated } from '../auth/authenticated.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import type { ClientPrincipal } from '../auth/principal.ts';
import { problemOf, problemResponse, respondWithProblem } from '../errors/problem.ts';
import { MAX_REQUEST_MS } from '../tenant/outbox.ts';
import { respondToPreflight, withCorsHeaders } from './cors.ts';
import { streamEvents } from './event-stream.ts';
import { isProblem, type ParsedRequest, parseRequest } from './parse-request.ts';
import { openSocket, switchboardOf } from './switchboard-client.ts';
import { waitForCommandEnd } from './wait-for-command.ts';

type AppEnv = { Bindings: Env };

/** An authenticated request. */
interface AuthenticatedContext {
  readonly context: Context<AppEnv>;
  readonly client: Authenticated<ClientPrincipal>;
}

export function createApiRoutes(authenticator: Authenticator): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  const allRoutes: readonly Route[] = Object.values(routes);
  const paths = new Set(allRoutes.map(({ path }) => path));
  for (const path of paths) {
    const pathRoutes = allRoutes.filter((route) => route.path === path);
    const methods = pathRoutes.map(({ method }) => method);
    const pattern = path.replace(/\{(\w+)\}/g, ':$1');
    app.options(pattern, ({ req }) => {
      const origin = req.header('Origin');
      return origin === undefined ? methodNotAllowed(methods) : respondToPreflight(origin, methods);
    });
    for (const route of pathRoutes)
      app.on(route.method, pattern, limitBody, (context) => handle(route, context, authenticator));
    app.all(pattern, () => methodNotAllowed(methods));
  }
  return app;
}

/** Stops reading a body that is too long. The tenant's own limit is checked after authentication. */
const limitBody = bodyLimit({ maxSize: MAX_BODY_BYTES, onError: () => bodyTooLong(MAX_BODY_BYTES) });

function bodyTooLong(maxBytes: number): Response {
  return problemResponse(413, `The body has more than ${maxBytes} bytes. Send a shorter one.`);
}

function methodNotAllowed(methods: readonly string[]): Response {
  const allow = methods.join(', ');
  return problemResponse(
    405,
    `This path does not support the method of the request. Use ${alternatives(methods)}.`,
    { Allow: allow },
  );
}

async function handle(
  route: Route,
  context: Context<AppEnv>,
  authenticator: Authenticator,
): Promise<Response> {
  const request = context.req.raw;
  const client = await authenticateWithBody(context, authenticator);
  if ('status' in client) {
    const denial = problemResponse(client.status, client.reason);
    // An invalid credential gets the same response everywhere, so any page may read it.
    return client.status === 401 ? withCorsHeaders(denial, request) : denial;
  }
  return withCorsHeaders(await serve(route, { context, client }), request);
}

/**
 * Authenticates a request, and reads its body. If that takes long, the request is authenticated again: meanwhile the key may have been
 * revoked or the site deleted, and the last notice of that to the site's object is over (`REPEAT_AFTER_MS`).
 */
async function authenticateWithBody({ req, env }: Context<AppEnv>, authenticator: Authenticator) {
  const startedAt = Date.now();
  const client = await authenticator.authenticateClient(req.raw, env);
  if ('status' in client) return client;
  // Read once: later calls return the same text.
  await req.text();
  return Date.now() <= startedAt + MAX_REQUEST_MS ? client : authenticator.authenticateClient(req.raw, env);
}

async function serve(route: Route, authenticated: AuthenticatedContext): Promise<Response> {
  const { context, client } = authenticated;
  const { req } = context;
  const body = await req.text();
  const { message_bytes } = client.principal.policy.limits;
  if (byteLength(body) > message_bytes) return bodyTooLong(message_bytes);
  if (route === routes.rpc) return serveJsonRpc(body, authenticated);
  const request = parseRequest(route, {
    path: req.param(),
    query: req.queries(),
    idempotencyKey: req.header('Idempotency-Key') ?? null,
    body,
  });
  if (isProblem(request)) return respondWithProblem(request);
  if (route === routes.events) return serveEventStream(request, authenticated);
  const { wait } = request.query;
  if (route === routes.command && typeof wait === 'number' && wait > 0) {
    const rejection = await waitForCommand(String(request.params['cmd_id']), wait, authenticated);
    if (rejection) return rejection;
  }
  return callMethod(route, request, authenticated);
}

/**
 * Runs a JSON-RPC message. The status is 200 for a response to a request, with a result or an error: clients of JSON-RPC read errors from
 * the body, and some of them do not read it with another status. A message of which no request could be read gets 400.
 */
async function serveJsonRpc(message: string, authenticated: AuthenticatedContext): Promise<Response> {
  const reply = await runMessage(message, authenticated);
  if (isProblem(reply)) return respondWithProblem(reply);
  const { responses, batch } = reply;
  const [first] = responses;
  if (first === undefined) return new Response(null, { status: 204 });
  const status = !batch && isUnreadable(first) ? 400 : 200;
  const headers = { 'Content-Type': 'application/json' };
  return new Response(batch ? `[${responses.join()}]` : first, { status, headers });
}

/** Returns whether a response is to a message of which no request could be read: it has an error without an id (§5). */
function isUnreadable(text: string): boolean {
  if (!text.startsWith('{"jsonrpc":"2.0","id":null,"error"')) return false;
  const { error } = JSON.parse(text) as { readonly error: RpcError };
  return error.code === errorCode.parseError || error.code === errorCode.invalidRequest;
}

/** Runs the JSON-RPC method of a route. */
async function callMethod(
  route: Route,
  { params }: ParsedRequest,
  authenticated: AuthenticatedContext,
): Promise<Response> {
  const message = { jsonrpc: '2.0', id: 1, method: route.rpcMethod, params };
  const reply = await runMessage(JSON.stringify(message), authenticated);
  if (isProblem(reply)) return respondWithProblem(reply);
  const [text] = reply.responses;
  if (text === undefined)
    return respondWithProblem(problemOf({ code: errorCode.internalError, message: 'Internal error' }));
  const response = parseJson(text) as RpcResponse;
  if ('error' in response) return respondWithProblem(problemOf(response.error));
  const { result } = response;
  const headers = route.isCommand ? locationHeader(result, authenticated) : {};
  return Response.json(result, { status: route.status, headers });
}

/** Returns where a started command can be read, with the site of a key that is for several. */
function locationHeader(result: unknown, { context: { req } }: AuthenticatedContext): Record<string, string> {
  const { cmd_id: cmdId } = result as { readonly cmd_id: string };
  const site = req.query('site');
  const query = site === undefined ? '' : `?${new URLSearchParams({ site })}`;
  return { Location: `${routes.command.path.replace('{cmd_id}', cmdId)}${query}` };
}

/** Opens an event stream, or responds why there is none. */
async function serveEventStream(
  { query }: ParsedRequest,
  { context, client }: AuthenticatedContext,
): Promise<Response> {
  const { req, env } = context;
  if (req.raw.method === 'HEAD') return methodNotAllowed(['GET']);
  const lastEventId = req.header('Last-Event-ID');
  if (lastEventId !== undefined && !/^\d{1,15}$/.test(lastEventId))
    return problemResponse(
      400,
      `Last-Event-ID: ${quote(lastEventId)} is not the id of an event. Send the id of the last event that you have received.`,
    );
  const since = lastEventId === undefined ? query['since'] : Number(lastEventId);
  const resume = typeof since === 'number' ? { since } : {};
  const response = await openSocket(env, client, {
    ...client.principal,
    ...resume,
    session: newSession(),
    stream: { kind: 'events' },
    acknowledges: true,
    batches: true,
  });
  const { stream_unread_bytes } = client.principal.policy.limits;
  return response.webSocket ? streamEvents(response.webSocket, stream_unread_bytes) : response;
}

/** Waits for the end of a command. Returns at once where there is no such command, or why waiting is not possible. */
async function waitForCommand(
  cmdId: string,
  seconds: number,
  { context, client }: AuthenticatedContext,
): Promise<Response | undefined> {
  const response = await openSocket(context.env, client, {
    ...client.principal,
    session: newSession(),
    stream: { kind: 'command', cmdId },
  });
  if (response.webSocket) await waitForCommandEnd(response.webSocket, seconds * 1_000);
  return response.ok || response.webSocket ? undefined : response;
}

/** Returns a session for one stream only, so that no stream supersedes another. */
function newSession(): string {
  return crypto.randomUUID();
}

/** Has the site's object run a JSON-RPC message. */
async function runMessage(
  message: string,
  { context, client }: AuthenticatedContext,
): Promise<{ readonly responses: readonly string[]; readonly batch: boolean } | Problem> {
  const principal = { ...client.principal, session: HTTP_SESSION };
  const result = await switchboardOf(context.env, client).handleHttpMessage(principal, message);
  return 'problem' in result ? result.problem : result;
}
