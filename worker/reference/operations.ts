/** Each route with what it takes and what it answers, as documents tell it. @module */
import * as z from 'zod';
import { answers } from '../../shared/answers.ts';
import { IdempotencyKey, kinds, routes as ofCalls, type Route } from '../../shared/http.ts';
import { MAX_BATCH, RpcError, RpcId, RpcRequest } from '../../shared/jsonrpc.ts';
import { OpenSips } from '../../shared/link.ts';
import { Id } from '../../shared/policy.ts';
import { SocketQuery } from '../../shared/socket-query.ts';
import { Minted, Wish } from '../door/minting.ts';
import { Me } from '../me.ts';
import {
  KeyBody,
  ListQuery,
  RotateBody,
  SiteBody,
  SiteChange,
  TenantBody,
  TenantChange,
  TrailQuery,
} from '../tenant/bodies.ts';
import { KeyView, SiteView, TenantView } from '../tenant/views.ts';

/** What opens a route: a key or a token, an API key, an adapter's key, the admin secret, or nothing. */
export type Opener = 'client' | 'apiKey' | 'adapterKey' | 'admin' | 'nothing';

/** A route. */
export interface Operation {
  readonly verb: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  /** With `{name}` for each of its params. */
  readonly path: string;
  /** What it does, in a few words. */
  readonly means: string;
  readonly group: string;
  readonly opener: Opener;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly headers?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly isBodyOptional?: true;
  /** The status where it goes well. */
  readonly status: number;
  /** What is answered then; absent: no JSON. */
  readonly answer?: z.ZodType;
  /** Content type of that answer, where it is not `application/json`. */
  readonly type?: string;
  /** Headers of that answer, by what they say. */
  readonly says?: Readonly<Record<string, string>>;
  /** What else may be answered, by its status; null: without a body. */
  readonly also?: Readonly<Record<number, z.ZodType | null>>;
  /** Statuses of what may go wrong: each is answered with a `Problem`. */
  readonly problems: readonly number[];
}

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

const untold = z.array(z.string()).meta({
  description: 'sites that could not be told yet; the edge tries again until they are',
});

/** The answer to a change. */
const changed = (view: z.ZodObject) => view.extend({ untold });

const Listed = z.object({ id: Id, created: z.iso.datetime(), deleted: z.iso.datetime().nullable() });
const Entry = z.object({
  n: z.number().int(),
  at: z.iso.datetime(),
  actor: z.string(),
  from: z.string(),
  action: z.string(),
  target: z.string(),
  outcome: z.string(),
});
export const Trail = z.object({
  entries: z.array(Entry),
  next: z.number().int().optional().meta({ description: 'give it as `before` for the next page' }),
});
const ShownOnce = changed(KeyView).extend({
  key: z.string().meta({ description: 'the key: it is shown this once' }),
});

const OfTenant = z.object({ tenant: Id });
const OfSite = OfTenant.extend({ site: Id });
const OfKey = OfTenant.extend({ key: Id });

const ofAdmin = { group: 'Administration', opener: 'admin', status: 200 } as const;
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
  createTenant: {
    ...ofAdmin,
    verb: 'POST',
    path: '/v1/admin/tenants',
    means: 'Makes a tenant',
    body: TenantBody,
    status: 201,
    answer: changed(TenantView),
    problems: [400, 401, 409],
  },
  listTenants: {
    ...ofAdmin,
    verb: 'GET',
    path: '/v1/admin/tenants',
    means: 'Lists tenants, 1,000 at a time',
    query: ListQuery,
    answer: z.object({
      tenants: z.array(Listed),
      next: Id.optional().meta({ description: 'give it as `after` for the next page' }),
    }),
    problems: [400, 401],
  },
  adminAudit: {
    ...ofAdmin,
    verb: 'GET',
    path: '/v1/admin/audit',
    means: 'Who made and deleted tenants, the newest first',
    query: TrailQuery,
    answer: Trail,
    problems: [400, 401],
  },
  showTenant: {
    ...ofAdmin,
    verb: 'GET',
    path: '/v1/admin/tenants/{tenant}',
    means: 'Shows a tenant',
    params: OfTenant,
    answer: TenantView,
    problems: [401, 404],
  },
  changeTenant: {
    ...ofAdmin,
    verb: 'PATCH',
    path: '/v1/admin/tenants/{tenant}',
    means: 'Changes what is given, at once and everywhere',
    params: OfTenant,
    body: TenantChange,
    answer: changed(TenantView),
    problems: [400, 401, 404, 409],
  },
  deleteTenant: {
    ...ofAdmin,
    verb: 'DELETE',
    path: '/v1/admin/tenants/{tenant}',
    means: 'Deletes a tenant with all its sites and keys',
    params: OfTenant,
    answer: z.object({ untold }),
    problems: [401, 404],
  },
  createSite: {
    ...ofAdmin,
    verb: 'POST',
    path: '/v1/admin/tenants/{tenant}/sites',
    means: 'Makes a site',
    params: OfTenant,
    body: SiteBody,
    status: 201,
    answer: changed(SiteView),
    problems: [400, 401, 404, 409],
  },
  listSites: {
    ...ofAdmin,
    verb: 'GET',
    path: '/v1/admin/tenants/{tenant}/sites',
    means: 'Lists the sites',
    params: OfTenant,
    answer: z.object({ sites: z.array(SiteView) }),
    problems: [401, 404],
  },
  changeSite: {
    ...ofAdmin,
    verb: 'PATCH',
    path: '/v1/admin/tenants/{tenant}/sites/{site}',
    means: 'Changes what is given',
    params: OfSite,
    body: SiteChange,
    answer: changed(SiteView),
    problems: [400, 401, 404, 409],
  },
  deleteSite: {
    ...ofAdmin,
    verb: 'DELETE',
    path: '/v1/admin/tenants/{tenant}/sites/{site}',
    means: 'Deletes a site with all that it keeps',
    params: OfSite,
    answer: z.object({ untold }),
    problems: [401, 404],
  },
  createKey: {
    ...ofAdmin,
    verb: 'POST',
    path: '/v1/admin/tenants/{tenant}/keys',
    means: 'Makes a key, and shows it this once',
    params: OfTenant,
    body: KeyBody,
    status: 201,
    answer: ShownOnce,
    problems: [400, 401, 404, 409, 503],
  },
  listKeys: {
    ...ofAdmin,
    verb: 'GET',
    path: '/v1/admin/tenants/{tenant}/keys',
    means: 'Lists the keys, without what opens a door',
    params: OfTenant,
    answer: z.object({ keys: z.array(KeyView) }),
    problems: [401, 404],
  },
  revokeKey: {
    ...ofAdmin,
    verb: 'DELETE',
    path: '/v1/admin/tenants/{tenant}/keys/{key}',
    means: 'Revokes a key, and closes what came in by it',
    params: OfKey,
    answer: changed(KeyView),
    problems: [401, 404],
  },
  rotateKey: {
    ...ofAdmin,
    verb: 'POST',
    path: '/v1/admin/tenants/{tenant}/keys/{key}/rotate',
    means: 'Makes a key that may do the same; the old one holds for `grace` more seconds',
    params: OfKey,
    body: RotateBody,
    isBodyOptional: true,
    status: 201,
    answer: ShownOnce,
    problems: [400, 401, 404, 409, 503],
  },
  tenantAudit: {
    ...ofAdmin,
    verb: 'GET',
    path: '/v1/admin/tenants/{tenant}/audit',
    means: 'Who did what, the newest first',
    params: OfTenant,
    query: TrailQuery,
    answer: Trail,
    problems: [400, 401, 404],
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
  also: {
    204: null,
    ...Object.fromEntries(Object.values(kinds).map(({ status }) => [status, RpcAnswer])),
  },
} satisfies Operation;

/** All of them, by name. */
export const operations: Readonly<Record<string, Operation>> = {
  ...Object.fromEntries(Object.entries<Route>(ofCalls).map(([name, route]) => [name, operationOf(route)])),
  ...others,
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
