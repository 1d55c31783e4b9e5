/** All routes of the Worker, by operation id. @module */
import * as z from 'zod';
import { LinkView } from '../../shared/protocol/http/link-view.ts';
import { Me } from '../../shared/protocol/http/me.ts';
import { routes as apiRoutes, IdempotencyKey, type Route } from '../../shared/protocol/http/routes.ts';
import { IssuedToken, TokenRequest } from '../../shared/protocol/http/token-request.ts';
import { ConnectQuery } from '../../shared/protocol/rpc/connect-query.ts';
import { MAX_BATCH, RpcError, RpcId, RpcRequest } from '../../shared/protocol/rpc/jsonrpc.ts';
import { results } from '../../shared/protocol/rpc/results.ts';
import { adminOperations } from './admin-operations.ts';
import { dialOperations } from './dial-operations.ts';
import { manageOperations } from './manage-operations.ts';
import type { Operation } from './operation.ts';

const Health = z.object({
  status: z.literal('ok'),
  version: z.string(),
  site: z
    .string()
    .optional()
    .meta({ description: 'this and the following members require the scope `read`' }),
  link: LinkView.optional(),
  running: z.number().int().optional().meta({ description: 'the number of running commands' }),
});

const DOCUMENT = { tag: 'Documents', credential: 'none', status: 200, problems: [] } as const;

const AnyObject = z.looseObject({});

const otherOperations = {
  socket: {
    method: 'GET',
    path: '/call-api',
    summary: 'Opens the WebSocket of a client, which carries JSON-RPC: see `/docs`',
    tag: 'Sockets',
    credential: 'client',
    query: ConnectQuery,
    status: 101,
    problems: [400, 401, 403, 426, 429, 503],
  },
  link: {
    method: 'GET',
    path: '/adapter',
    summary: 'Opens the WebSocket of the adapter beside OpenSIPS',
    tag: 'Sockets',
    credential: 'adapterKey',
    status: 101,
    problems: [400, 401, 403, 426, 503],
  },
  mint: {
    method: 'POST',
    path: '/v1/tokens',
    summary: 'Issues a client token for an API key',
    tag: 'Access',
    credential: 'apiKey',
    body: TokenRequest,
    status: 200,
    response: IssuedToken,
    problems: [400, 401, 403, 413],
  },
  me: {
    method: 'GET',
    path: '/v1/me',
    summary: 'Describes the API key or token of the request, and what it permits',
    tag: 'Access',
    credential: 'client',
    status: 200,
    response: Me,
    problems: [400, 401, 403],
  },
  health: {
    method: 'GET',
    path: '/healthz',
    summary: 'Reports whether the service is up and, to clients with the scope `read`, the state of the site',
    tag: 'Access',
    credential: 'none',
    status: 200,
    response: Health,
    problems: [400, 503],
  },
  openapi: {
    ...DOCUMENT,
    method: 'GET',
    path: '/openapi.json',
    summary: 'The OpenAPI document of these routes',
    response: AnyObject,
  },
  openrpc: {
    ...DOCUMENT,
    method: 'GET',
    path: '/openrpc.json',
    summary: 'The OpenRPC document: the methods of the WebSocket',
    response: AnyObject,
  },
  asyncapi: {
    ...DOCUMENT,
    method: 'GET',
    path: '/asyncapi.json',
    summary: 'The AsyncAPI document: the messages of the WebSocket',
    response: AnyObject,
  },
  docs: {
    ...DOCUMENT,
    method: 'GET',
    path: '/docs',
    summary: 'The reference: methods, events, errors and schemas',
    contentType: 'text/html',
  },
  httpDocs: {
    ...DOCUMENT,
    method: 'GET',
    path: '/docs/http',
    summary: 'The reference of the HTTP API, with request samples',
    contentType: 'text/html',
  },
  searchScript: {
    ...DOCUMENT,
    method: 'GET',
    path: '/docs/search.js',
    summary: 'The script of the search in the reference',
    contentType: 'text/javascript',
  },
  docsOfErrors: {
    ...DOCUMENT,
    method: 'GET',
    path: '/docs/errors',
    summary: 'Redirects the `type` of a problem to its description in `/docs`',
    status: 302,
  },
  console: { ...DOCUMENT, method: 'GET', path: '/', summary: 'The console', contentType: 'text/html' },
  icon: {
    ...DOCUMENT,
    method: 'GET',
    path: '/favicon.svg',
    summary: 'The icon of the console',
    contentType: 'image/svg+xml',
  },
  asset: {
    ...DOCUMENT,
    method: 'GET',
    path: '/assets/{file}',
    summary: 'The scripts and styles of the console',
    pathParams: z.object({ file: z.string() }),
    contentType: 'application/octet-stream',
    problems: [404],
  },
  notices: {
    ...DOCUMENT,
    method: 'GET',
    path: '/THIRD-PARTY-NOTICES.txt',
    summary: 'The licenses of the third-party packages in the console',
    contentType: 'text/plain',
  },
} as const satisfies Record<string, Operation>;

/** The response to one JSON-RPC request. */
export const RpcResponse = z.union([
  z.object({ jsonrpc: z.literal('2.0'), id: RpcId, result: z.unknown() }),
  z.object({ jsonrpc: z.literal('2.0'), id: RpcId, error: RpcError }),
]);

/** JSON-RPC over HTTP. Only a message of which no request can be read has another status than 200. */
const rpc = {
  ...operationOf(apiRoutes.rpc),
  body: z.union([RpcRequest, z.array(RpcRequest).min(1).max(MAX_BATCH)]),
  response: z.union([RpcResponse, z.array(RpcResponse)]),
  // Requests that are denied or exceed a limit as a whole get a problem instead of a JSON-RPC response.
  problems: [400, 401, 403, 413, 429, 503],
  otherResponses: { 204: null, 400: RpcResponse },
} satisfies Operation;

/** All operations, by id. */
export const operations: Readonly<Record<string, Operation>> = {
  ...Object.fromEntries(Object.entries<Route>(apiRoutes).map(([id, route]) => [id, operationOf(route)])),
  ...otherOperations,
  ...manageOperations,
  ...adminOperations,
  ...dialOperations,
  rpc,
};

/** Describes a route of the HTTP API. A route that runs a method responds with the result of the method. */
function operationOf({ rpcMethod, isCommand, ...route }: Route): Operation {
  const { method, path, description, query, status, problems } = route;
  return {
    ...{ method, path, summary: description, query, status, problems },
    tag: 'Calls',
    credential: 'client',
    ...(route.pathParams ? { pathParams: route.pathParams } : {}),
    ...(route.body ? { body: route.body } : {}),
    ...(route.isBodyOptional ? { isBodyOptional: true } : {}),
    ...(route.contentType ? { contentType: route.contentType } : {}),
    ...(rpcMethod ? { response: results[rpcMethod] } : {}),
    ...(isCommand
      ? {
          headers: z.object({ 'Idempotency-Key': IdempotencyKey.optional() }),
          responseHeaders: { Location: 'the URL of the command' },
        }
      : {}),
  };
}
