/** The HTTP API of the running service conforms to its OpenAPI document. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callidOf, phoneUri } from '../harness/client.ts';
import { HIGH_LIMITS } from '../harness/high-limits.ts';
import { ADMIN_SECRET, keyId, MultiTenantStack, type TestSite } from '../harness/multi-tenant-stack.ts';
import { type Schema, valuesOf } from './schema-arbitraries.ts';
import { createValueValidator, documentValidators, referencesIn, resolveReference } from './validators.ts';

const REQUESTS_PER_OPERATION = 40;
/** The requests are the same in every run. A failure prints them. */
const SEED = 11;
/** The share of a body's parts that are any JSON. */
const MUTATION_RATE = 1 / 8;

interface Operation {
  readonly operationId: string;
  readonly security: readonly Readonly<Record<string, unknown>>[];
  readonly parameters: readonly {
    readonly name: string;
    readonly in: 'path' | 'query' | 'header';
    readonly required: boolean;
    readonly schema: Schema;
  }[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Schema } } };
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema?: object }>> }>
  >;
}

interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: object;
}

/** Accepts all webhooks. */
const receiver = createServer((_, response) => response.writeHead(204).end());
let stack: MultiTenantStack;
let site: TestSite;
let document: OpenApiDocument;
/** Names of an active call and an ended command, so that not all requests refer to something unknown. */
let existingNames: PathNames;
beforeAll(async () => {
  const limits = HIGH_LIMITS;
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  stack = await MultiTenantStack.start({
    tenants: 1,
    sites: 1,
    tenantSettings: { limits },
    webhooksToPrivate: true,
  });
  site = stack.site('t1-s1');
  document = (await (await stack.fetch('/openapi.json')).json()) as OpenApiDocument;
  const client = await stack.connectClient(site.siteKey);
  const run = await client.start('CallStart', { caller: phoneUri('alice'), callee: phoneUri('bob') });
  const callid = callidOf(await run.ended, 'CalleeAnswered');
  // What requests delete and revoke belongs to a tenant of its own.
  existingNames = {
    callid,
    callidA: callid,
    cmd_id: run.cmdId,
    tenant: 'spare',
    site: 's1',
    key: '',
    file: 'none.js',
  };
}, 60_000);
afterAll(async () => {
  await stack?.[Symbol.asyncDispose]();
  receiver.close();
});

it('the document is valid, and contains everything that it refers to', async () => {
  expect(await documentValidators['/openapi.json'](document)).toEqual([]);
  expect(await documentValidators['/openapi.json']({ ...document, paths: 'none' })).not.toEqual([]);
  for (const reference of new Set(referencesIn(document)))
    expect(resolveReference(document, reference), reference).toBeDefined();
});

it('`rpc.discover` is answered for every authenticated client, whatever its scopes', async () => {
  const token = await stack.mintToken(site.siteKey, { subject: 'ann', scopes: ['CallEnd'] });
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'rpc.discover' });
  const response = await (await stack.fetch('/v1/rpc', token, { method: 'POST', body })).json();
  const result = await (await stack.fetch('/openrpc.json')).json();
  expect(response).toEqual({ jsonrpc: '2.0', id: 1, result });
});

it('answers valid and nearly valid requests as documented', async () => {
  const validate = createValueValidator(new Ajv2020({ strict: false }), document);
  const outcomes = new Set<string>();
  // A different seed for each operation, or all commands would have the same Idempotency-Keys.
  let seed = SEED;
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const [verb, operation] of Object.entries(operations)) {
      const names = await namesFor(path);
      const requests = { seed: seed++, numRuns: REQUESTS_PER_OPERATION };
      for (const request of fc.sample(requestsOf(operation, names), requests)) {
        const description = `${verb.toUpperCase()} ${path} ${JSON.stringify(request)}`;
        const response = await send(verb, path, request);
        const { status } = response;
        const documented = operation.responses[status];
        // The body is read only in case of an error, because a stream does not end.
        if (!documented) expect.unreachable(`${description} is answered ${status}: ${await response.text()}`);
        const errors = await validateResponse(response, documented.content ?? {}, validate);
        expect(errors, description).toEqual([]);
        outcomes.add(`${operation.operationId} ${Math.floor(status / 100)}xx`);
      }
    }
  }
  const operations = Object.values(document.paths).flatMap((verbs) => Object.values(verbs));
  // fetch() cannot open a WebSocket, the name of a console file is not known here, and the site's adapter does not listen.
  const others = ['socket', 'link', 'asset', 'knock'];
  const expected = operations.filter(({ operationId }) => !others.includes(operationId));
  const neverSuccessful = expected.filter(
    ({ operationId }) => !outcomes.has(`${operationId} 2xx`) && !outcomes.has(`${operationId} 3xx`),
  );
  expect(neverSuccessful.map(({ operationId }) => operationId)).toEqual([]);
}, 300_000);

/** Values of path parameters by name, and `manager`: the API key with which a tenant manages itself. */
type PathNames = Readonly<Record<string, string>>;

/** Returns names of what a path refers to. What requests delete and revoke is created for one operation only. */
async function namesFor(path: string): Promise<PathNames> {
  if (path.includes('{tenant}') || path.startsWith('/v1/manage')) return createSpareTenant();
  if (!path.includes('/administrators/{name}')) return existingNames;
  const name = `spare-${++spareTenants}`;
  await stack.adminRequest('POST', '/administrators', { name, role: 'read' });
  return { name };
}

let spareTenants = 0;

/**
 * Creates a tenant with a site, a key and a webhook for one operation. Each gets a new name, because the name of a deleted
 * tenant cannot be reused.
 */
async function createSpareTenant(): Promise<PathNames> {
  const tenant = `spare-${++spareTenants}`;
  await stack.adminRequest('POST', '/tenants', { id: tenant });
  await stack.adminRequest('POST', `/tenants/${tenant}/sites`, { id: 's1' });
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  const webhooks = `/tenants/${tenant}/sites/s1/webhooks`;
  const { id: webhook } = await stack.adminRequest<{ id: string }>('POST', webhooks, { url });
  const { n } = await stack.adminRequest<{ n: number }>('POST', `${webhooks}/${webhook}/test`);
  const key = keyId(await stack.createKey(tenant, { role: 'api' }));
  const manager = await stack.createKey(tenant, { role: 'api', scopes: ['manage'] });
  return { tenant, site: 's1', key, webhook, n: String(n), manager };
}

interface GeneratedRequest {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** Half of the requests are valid as far as the document says. In the others, parts are replaced. */
function requestsOf(operation: Operation, names: PathNames): fc.Arbitrary<GeneratedRequest> {
  return fc.oneof(requests(operation, names, false), requests(operation, names, true));
}

function requests(
  { parameters, requestBody, security }: Operation,
  names: PathNames,
  isMutated: boolean,
): fc.Arbitrary<GeneratedRequest> {
  const parametersIn = (location: 'path' | 'query' | 'header') => {
    const selected = parameters.filter((parameter) => parameter.in === location);
    const members = selected.map(
      ({ name, schema }) => [name, parameterTexts(schema, names[name], isMutated)] as const,
    );
    const requiredKeys = selected.filter(({ required }) => required).map(({ name }) => name);
    return fc.record(Object.fromEntries(members), { requiredKeys }) as fc.Arbitrary<Record<string, string>>;
  };
  const invalidCredentials = ['', 'ca.k1.api.made.up.key', ADMIN_SECRET];
  const credentials = mostly(isMutated, credentialFor(security, names), invalidCredentials);
  const origins = mostly(isMutated, '', ['https://not-on-the-list.example']);
  return fc.record({
    path: parametersIn('path'),
    query: parametersIn('query'),
    headers: fc.tuple(parametersIn('header'), credentials, origins).map(([headers, credential, origin]) => ({
      ...headers,
      ...(origin === '' ? {} : { Origin: origin }),
      ...(credential === '' ? {} : { Authorization: `Bearer ${credential}` }),
    })),
    body: requestBody
      ? bodies(requestBody.content['application/json'].schema, isMutated)
      : fc.constant(undefined),
  });
}

function mostly(isMutated: boolean, usual: string, others: readonly string[]): fc.Arbitrary<string> {
  if (!isMutated) return fc.constant(usual);
  return fc.oneof(
    { weight: 7, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
}

function credentialFor(security: Operation['security'], { manager, tenant }: PathNames): string {
  const [scheme] = security.flatMap((requirement) => Object.keys(requirement));
  if (scheme === undefined) return '';
  if (scheme === 'adminSecret') return ADMIN_SECRET;
  return tenant === 'spare' ? site.siteKey : (manager ?? site.siteKey);
}

/** Texts that a URL and a header can contain: an existing name, what the schema allows, or any text. */
function parameterTexts(
  schema: Schema,
  existingName: string | undefined,
  isMutated: boolean,
): fc.Arbitrary<string> {
  const allowed = valuesOf(schema, document).map(String);
  const usual = existingName === undefined ? allowed : fc.constant(existingName);
  if (!isMutated) return usual;
  const anyText = fc.string({ minLength: 1, maxLength: 20 }).map((text) => text.replace(/[^\w~-]/g, '~'));
  return fc.oneof(
    { weight: 4, arbitrary: usual },
    { weight: 2, arbitrary: allowed },
    { weight: 1, arbitrary: anyText },
  );
}

function bodies(schema: Schema, isMutated: boolean): fc.Arbitrary<string> {
  const json = (mutationRate: number) =>
    valuesOf(schema, document, mutationRate).map((value) => JSON.stringify(value));
  if (!isMutated) return json(0);
  return fc.oneof(
    { weight: 4, arbitrary: json(MUTATION_RATE) },
    { weight: 1, arbitrary: fc.constantFrom('', '{', 'null', '[]', '"', `"${'x'.repeat(70_000)}"`) },
  );
}

/** More bytes of a refused body are not read (workerd's HTTP server): the connection is closed, which may cut off the response. */
const MAX_BODY_READ_AFTER_RESPONSE = 65_536;
/** How often a request is sent whose response may be cut off. */
const MAX_ATTEMPTS = 5;

async function send(verb: string, path: string, request: GeneratedRequest): Promise<Response> {
  const mayBeCutOff = (request.body?.length ?? 0) > MAX_BODY_READ_AFTER_RESPONSE;
  for (let attempt = 1; ; attempt++) {
    try {
      return await sendOnce(verb, path, request);
    } catch (error) {
      if (!mayBeCutOff || attempt === MAX_ATTEMPTS)
        throw new Error(`${verb} ${path} ${JSON.stringify(request)}`.slice(0, 1_000), { cause: error });
    }
  }
}

function sendOnce(
  verb: string,
  path: string,
  { path: pathNames, query, headers, body }: GeneratedRequest,
): Promise<Response> {
  const pathname = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(pathNames[name] ?? ''));
  const search = new URLSearchParams(query).toString();
  return fetch(`http://127.0.0.1:${stack.port}${pathname}${search === '' ? '' : `?${search}`}`, {
    method: verb.toUpperCase(),
    headers,
    redirect: 'manual',
    ...(body === undefined ? {} : { body }),
  });
}

/** Returns the deviations of a response from its documentation. Cancels a stream immediately. */
async function validateResponse(
  response: Response,
  documented: Readonly<Record<string, { readonly schema?: object }>>,
  validate: (schema: object, value: unknown) => string[],
): Promise<string[]> {
  const type = response.headers.get('Content-Type')?.split(';')[0] ?? '';
  const content = documented[type];
  if (!type.endsWith('json')) {
    await response.body?.cancel();
    return type === '' || content || Object.keys(documented).length === 0
      ? []
      : [`${type} is not documented`];
  }
  const value: unknown = await response.json();
  if (!content) return [`${type} is not documented`, JSON.stringify(value)];
  return content.schema ? validate(content.schema, value) : [];
}
