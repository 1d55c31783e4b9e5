/** Each route there is, by name. @module */
import * as z from 'zod';
import { answers } from '../../shared/answers.ts';
import { IdempotencyKey, kinds, routes as ofCalls, type Route } from '../../shared/http.ts';
import { MAX_BATCH, RpcError, RpcId, RpcRequest } from '../../shared/jsonrpc.ts';
import { OpenSips } from '../../shared/link.ts';
import { SocketQuery } from '../../shared/socket-query.ts';
import { Minted, Wish } from '../door/wish.ts';
import { Me } from '../me.ts';
import { ofAdministrators } from './admin-operations.ts';
import type { Operation } from './operation.ts';

const Link = z.object({
  connected: z.boolean(),
  adapter: z.string().optional(),
  opensips: OpenSips.optional(),
  seconds: z.number().int().optional().meta({ description: 'since the adapter connected' }),
});

const Health = z.object({
  status: z.literal('ok'),
  version: z.string(),
  site: z.string().optional().meta({ description: 'this and what follows: for those who may read' }),
  link: Link.optional(),
  running: z.number().int().optional().meta({ description: 'commands that run' }),
});

const page = { group: 'Documents', opener: 'nothing', status: 200, problems: [] } as const;

const Anything = z.looseObject({});

const others = {
  socket: {
    verb: 'GET',
    path: '/call-api',
    means: 'The socket of a client: JSON-RPC, see /openrpc.json and /asyncapi.json',
    group: 'Sockets',
    opener: 'client',
    query: SocketQuery,
    status: 101,
    problems: [400, 401, 403, 426, 429, 503],
  },
  link: {
    verb: 'GET',
    path: '/adapter',
    means: 'The socket of the adapter beside OpenSIPS',
    group: 'Sockets',
    opener: 'adapterKey',
    status: 101,
    problems: [400, 401, 403, 426, 503],
  },
  mint: {
    verb: 'POST',
    path: '/v1/tokens',
    means: 'Trades an API key for a client token',
    group: 'Access',
    opener: 'apiKey',
    body: Wish,
    status: 200,
    answer: Minted,
    problems: [400, 401, 403, 413],
  },
  me: {
    verb: 'GET',
    path: '/v1/me',
    means: 'Who asks, and what they may do',
    group: 'Access',
    opener: 'client',
    status: 200,
    answer: Me,
    problems: [400, 401, 403],
  },
  health: {
    verb: 'GET',
    path: '/healthz',
    means: 'Whether the edge is well; for those who may read, how the site stands',
    group: 'Access',
    opener: 'nothing',
    status: 200,
    answer: Health,
    problems: [400],
  },
  openapi: { ...page, verb: 'GET', path: '/openapi.json', means: 'This document', answer: Anything },
  openrpc: {
    ...page,
    verb: 'GET',
    path: '/openrpc.json',
    means: 'The methods of the socket, as OpenRPC',
    answer: Anything,
  },
  asyncapi: {
    ...page,
    verb: 'GET',
    path: '/asyncapi.json',
    means: 'The messages of the socket, as AsyncAPI',
    answer: Anything,
  },
  docs: { ...page, verb: 'GET', path: '/docs', means: 'All of it, to be read', type: 'text/html' },
  docsOfErrors: {
    ...page,
    verb: 'GET',
    path: '/docs/errors',
    means: 'Where the `type` of a problem points: on to /docs',
    status: 302,
  },
  console: { ...page, verb: 'GET', path: '/', means: 'The console', type: 'text/html' },
  icon: { ...page, verb: 'GET', path: '/favicon.svg', means: 'Its icon', type: 'image/svg+xml' },
  asset: {
    ...page,
    verb: 'GET',
    path: '/assets/{file}',
    means: 'Its scripts and styles',
    params: z.object({ file: z.string() }),
    type: 'application/octet-stream',
    problems: [404],
  },
} as const satisfies Record<string, Operation>;

/** The answer to one JSON-RPC request. */
export const RpcAnswer = z.union([
  z.object({ jsonrpc: z.literal('2.0'), id: RpcId, result: z.unknown() }),
  z.object({ jsonrpc: z.literal('2.0'), id: RpcId, error: RpcError }),
]);

/** JSON-RPC over HTTP: one request that fails does so with the status of its error. */
const rpc = {
  ...operationOf(ofCalls.rpc),
  body: z.union([RpcRequest, z.array(RpcRequest).min(1).max(MAX_BATCH)]),
  answer: z.union([RpcAnswer, z.array(RpcAnswer)]),
  // Whoever is not let in, or asks for too much at once, is not answered in JSON-RPC.
  problems: [400, 401, 403, 413, 429, 503],
  also: {
    204: null,
    ...Object.fromEntries(Object.values(kinds).map(({ status }) => [status, RpcAnswer])),
  },
} satisfies Operation;

/** All of them, by name. */
export const operations: Readonly<Record<string, Operation>> = {
  ...Object.fromEntries(Object.entries<Route>(ofCalls).map(([name, route]) => [name, operationOf(route)])),
  ...others,
  ...ofAdministrators,
  rpc,
};

/** What asks for a method answers with the method's own result. */
function operationOf({ asks, isCommand, ...route }: Route): Operation {
  const { verb, path, means, query, status, problems } = route;
  return {
    ...{ verb, path, means, query, status, problems },
    group: 'Calls',
    opener: 'client',
    ...(route.params ? { params: route.params } : {}),
    ...(route.body ? { body: route.body } : {}),
    ...(route.isBodyOptional ? { isBodyOptional: true } : {}),
    ...(route.type ? { type: route.type } : {}),
    ...(asks ? { answer: answers[asks] } : {}),
    ...(isCommand
      ? {
          headers: z.object({ 'Idempotency-Key': IdempotencyKey.optional() }),
          says: { Location: 'where the command can be read' },
        }
      : {}),
  };
}
