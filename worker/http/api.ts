/**
 * The HTTP API: the routes of `shared/http.ts`. Each reads its request here and has it run by the site's object, by
 * the same dispatcher, authorisation and limits as what comes over a socket.
 * @module
 */
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTP_SESSION, kinds, MAX_BODY_BYTES, type Problem, type Route, routes } from '../../shared/http.ts';
import { code, type RpcResponse } from '../../shared/jsonrpc.ts';
import type { Door } from '../door/door.ts';
import type { Client, Visitor } from '../door/visitor.ts';
import type { Env } from '../env.ts';
import { problem, problemOf, respond } from '../problem.ts';
import { siteOf, socketOf } from '../site.ts';
import { type Asked, isProblem, read } from './asked.ts';
import { preflight, readable } from './cors.ts';
import { eventStream } from './events.ts';
import { told } from './waiting.ts';

type Within = { Bindings: Env };

/** One who asks, and where. */
interface Asking {
  readonly context: Context<Within>;
  readonly visitor: Visitor<Client>;
}

/** The routes, behind that door. */
export function api(door: Door): Hono<Within> {
  const app = new Hono<Within>();
  const all: readonly Route[] = Object.values(routes);
  const paths = new Set(all.map(({ path }) => path));
  for (const path of paths) {
    const here = all.filter((route) => route.path === path);
    const verbs = here.map(({ verb }) => verb);
    const at = path.replace(/\{(\w+)\}/g, ':$1');
    app.options(at, ({ req }) => {
      const origin = req.header('Origin');
      return origin === undefined ? other(verbs) : preflight(origin, verbs);
    });
    for (const route of here) app.on(route.verb, at, limited, (context) => come(route, context, door));
    app.all(at, () => other(verbs));
  }
  return app;
}

/** The body is not read further. A tenant's own limit is looked at when it is known whose request it is. */
const limited = bodyLimit({ maxSize: MAX_BODY_BYTES, onError: () => tooLong(MAX_BODY_BYTES) });

function tooLong(most: number): Response {
  return problem(413, `the body is longer than ${most} bytes`);
}

function other(verbs: readonly string[]): Response {
  const allow = verbs.join(', ');
  return problem(405, `this takes ${allow}`, { Allow: allow });
}

async function come(route: Route, context: Context<Within>, door: Door): Promise<Response> {
  const request = context.req.raw;
  const visitor = await door.client(request, context.env);
  if ('status' in visitor) {
    const refusal = problem(visitor.status, visitor.reason);
    // That no key holds is told to everybody alike, so any page may read it.
    return visitor.status === 401 ? readable(refusal, request) : refusal;
  }
  return readable(await serve(route, { context, visitor }), request);
}

async function serve(route: Route, asking: Asking): Promise<Response> {
  const { context, visitor } = asking;
  const { req } = context;
  const body = await req.text();
  const { message_bytes } = visitor.who.policy.limits;
  if (new TextEncoder().encode(body).length > message_bytes) return tooLong(message_bytes);
  if (route === routes.rpc) return rpc(body, asking);
  const asked = read(route, {
    path: req.param(),
    query: req.queries(),
    idempotencyKey: req.header('Idempotency-Key') ?? null,
    body,
  });
  if (isProblem(asked)) return respond(asked);
  if (route === routes.events) return events(asked, asking);
  const { wait } = asked.query;
  if (route === routes.command && typeof wait === 'number' && wait > 0) {
    const refused = await end(String(asked.params['cmd_id']), wait, asking);
    if (refused) return refused;
  }
  return call(route, asked, asking);
}

/** A JSON-RPC message as it is. The status of an answer to one request says how that went. */
async function rpc(body: string, asking: Asking): Promise<Response> {
  const answer = await ask(body, asking);
  if (isProblem(answer)) return respond(answer);
  const [first] = answer.responses;
  if (!first) return new Response(null, { status: 204 });
  if (answer.batch) return Response.json(answer.responses);
  if (!('error' in first)) return Response.json(first);
  const { status = 500 } = kinds[first.error.code] ?? {};
  const { retry_after } = problemOf(first.error);
  const later = retry_after === undefined ? {} : { 'Retry-After': String(retry_after) };
  return Response.json(first, { status, headers: later });
}

/** A route that is a request for a method. */
async function call(route: Route, { params }: Asked, asking: Asking): Promise<Response> {
  const message = { jsonrpc: '2.0', id: 1, method: route.asks, params };
  const answer = await ask(JSON.stringify(message), asking);
  if (isProblem(answer)) return respond(answer);
  const [response] = answer.responses;
  if (!response) return respond(problemOf({ code: code.internalError, message: 'Internal error' }));
  if ('error' in response) return respond(problemOf(response.error));
  const { result } = response;
  const { status } = route;
  return Response.json(result, { status, headers: route.isCommand ? whereIs(result, asking) : {} });
}

/** Where a command that was started can be read: at the same site, for a key that is for several. */
function whereIs(result: unknown, { context: { req } }: Asking): Record<string, string> {
  const { cmd_id: cmdId } = result as { readonly cmd_id: string };
  const site = req.query('site');
  const query = site === undefined ? '' : `?${new URLSearchParams({ site })}`;
  return { Location: `${routes.command.path.replace('{cmd_id}', cmdId)}${query}` };
}

/** Opens a stream, or says why there is none. */
async function events({ query }: Asked, { context, visitor }: Asking): Promise<Response> {
  const { req, env } = context;
  if (req.raw.method === 'HEAD') return other(['GET']);
  const last = req.header('Last-Event-ID');
  if (last !== undefined && !/^\d{1,15}$/.test(last))
    return problem(400, 'Last-Event-ID takes the id of an event');
  const since = last === undefined ? query['since'] : Number(last);
  const resumed = typeof since === 'number' ? { since } : {};
  const stream = { of: 'events' } as const;
  const response = await socketOf(env, visitor, { ...visitor.who, ...resumed, session: fresh(), stream });
  return response.webSocket ? eventStream(response.webSocket) : response;
}

/** Waits for the end of a command, or says why that cannot be; one that is not known is not waited for. */
async function end(
  cmdId: string,
  seconds: number,
  { context, visitor }: Asking,
): Promise<Response | undefined> {
  const stream = { of: 'command', cmdId } as const;
  const response = await socketOf(context.env, visitor, { ...visitor.who, session: fresh(), stream });
  if (response.webSocket) await told(response.webSocket, seconds * 1_000);
  return response.ok || response.webSocket ? undefined : response;
}

/** A stream belongs to no session: none supersedes another. */
function fresh(): string {
  return crypto.randomUUID();
}

/** Has the site's object answer a JSON-RPC message. */
async function ask(
  message: string,
  { context, visitor }: Asking,
): Promise<{ readonly responses: readonly RpcResponse[]; readonly batch: boolean } | Problem> {
  const asked = await siteOf(context.env, visitor).ask({ ...visitor.who, session: HTTP_SESSION }, message);
  if ('refused' in asked) return asked.refused;
  return { responses: JSON.parse(asked.responses) as RpcResponse[], batch: asked.batch };
}
