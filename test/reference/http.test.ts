/** The HTTP side of the running service and its document agree, whatever is asked. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { callidOf, phone } from '../stack/client.ts';
import { ADMIN_SECRET, idOf, type Place, Tenants } from '../stack/tenants.ts';
import { type Schema, valuesOf } from './arbitrary.ts';
import { closed, judges, referencesOf, resolve } from './validators.ts';

/** Requests of each operation. */
const EACH = 40;
/** What they are is the same each time; a failure names it. */
const SEED = 11;
/** One in so many parts of a request is anything at all. */
const ODDNESS = 1 / 8;

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

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: object;
}

/** Takes webhooks, and says nothing. */
const receiver = createServer((_, response) => response.writeHead(204).end());
let all: Tenants;
let place: Place;
let document: Document;
/** A call that stands, and a command that has ended: so that not all is unknown. */
let known: Known;
beforeAll(async () => {
  const limits = { messages_per_second: 10_000, starts_per_second: 10_000 };
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  all = await Tenants.start({ tenants: 1, sites: 1, settings: { limits }, webhooksToPrivate: true });
  place = all.at('t1-s1');
  document = (await (await all.get('/openapi.json')).json()) as Document;
  const client = await all.connect(place.siteKey);
  const run = await client.run('CallStart', { caller: phone('alice'), callee: phone('bob') });
  const callid = callidOf(await run.ended, 'CalleeAnswered');
  // What is deleted and revoked stands at a tenant of its own.
  known = {
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
  await all?.[Symbol.asyncDispose]();
  receiver.close();
});

it('the document passes its own validator, and refers to nothing that it does not have', async () => {
  expect(await judges['/openapi.json'](document)).toEqual([]);
  expect(await judges['/openapi.json']({ ...document, paths: 'none' })).not.toEqual([]);
  for (const each of new Set(referencesOf(document))) expect(resolve(document, each), each).toBeDefined();
});

it('`rpc.discover` answers whoever is let in, whatever their scopes', async () => {
  const token = await all.mint(place.siteKey, { subject: 'ann', scopes: ['CallEnd'] });
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'rpc.discover' });
  const answer = await (await all.get('/v1/rpc', token, { method: 'POST', body })).json();
  const result = await (await all.get('/openrpc.json')).json();
  expect(answer).toEqual({ jsonrpc: '2.0', id: 1, result });
});

it('requests made of the document, right and nearly right, get only answers that are documented', async () => {
  const faults = faultsOf(document);
  const outcomes = new Set<string>();
  // Another for each, or all commands would have the same Idempotency-Keys.
  let seed = SEED;
  for (const [path, verbs] of Object.entries(document.paths)) {
    for (const [verb, operation] of Object.entries(verbs)) {
      const spare = path.includes('{tenant}') ? await spareTenant() : known;
      for (const request of fc.sample(requestOf(operation, spare), { seed: seed++, numRuns: EACH })) {
        const asked = `${verb.toUpperCase()} ${path} ${JSON.stringify(request)}`;
        const response = await ask(verb, path, request);
        const { status } = response;
        const answer = operation.responses[status];
        // Read only where it is told: a stream has no end.
        if (!answer) expect.unreachable(`${asked} is answered ${status}: ${await response.text()}`);
        const wrong = await faultsOfAnswer(response, answer.content ?? {}, faults);
        expect(wrong, asked).toEqual([]);
        outcomes.add(`${operation.operationId} ${Math.floor(status / 100)}xx`);
      }
    }
  }
  const operations = Object.values(document.paths).flatMap((verbs) => Object.values(verbs));
  // fetch() opens no socket; and this test asks for no file of the console by its name.
  const reached = operations.filter(({ operationId }) => !['socket', 'link', 'asset'].includes(operationId));
  const silent = reached.filter(
    ({ operationId }) => !outcomes.has(`${operationId} 2xx`) && !outcomes.has(`${operationId} 3xx`),
  );
  expect(silent.map(({ operationId }) => operationId)).toEqual([]);
}, 300_000);

/** What is in a path, by its name. */
type Known = Readonly<Record<string, string>>;

let spares = 0;

/** A tenant with a site, a key and a webhook, for one operation: the name of one that was deleted is not given again. */
async function spareTenant(): Promise<Known> {
  const tenant = `spare-${++spares}`;
  await all.admin('POST', '/tenants', { id: tenant });
  await all.admin('POST', `/tenants/${tenant}/sites`, { id: 's1' });
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
  const hooks = `/tenants/${tenant}/sites/s1/webhooks`;
  const { id: webhook } = await all.admin<{ id: string }>('POST', hooks, { url });
  const { n } = await all.admin<{ n: number }>('POST', `${hooks}/${webhook}/test`);
  const key = idOf(await all.makeKey(tenant, { role: 'api' }));
  return { tenant, site: 's1', key, webhook, n: String(n) };
}

interface Request {
  readonly path: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** Half of them are right, as far as the document says; of the others parts are not. */
function requestOf(operation: Operation, there: Known): fc.Arbitrary<Request> {
  return fc.oneof(like(operation, there, false), like(operation, there, true));
}

function like(
  { parameters, requestBody, security }: Operation,
  there: Known,
  isOdd: boolean,
): fc.Arbitrary<Request> {
  const place = (wanted: 'path' | 'query' | 'header') => {
    const here = parameters.filter((each) => each.in === wanted);
    const members = here.map(({ name, schema }) => [name, textOf(schema, there[name], isOdd)] as const);
    const requiredKeys = here.filter(({ required }) => required).map(({ name }) => name);
    return fc.record(Object.fromEntries(members), { requiredKeys }) as fc.Arbitrary<Record<string, string>>;
  };
  const secret = seldom(isOdd, credentialFor(security), ['', 'ca.k1.api.made.up.key', ADMIN_SECRET]);
  const origin = seldom(isOdd, '', ['https://not-on-the-list.example']);
  return fc.record({
    path: place('path'),
    query: place('query'),
    headers: fc.tuple(place('header'), secret, origin).map(([headers, key, from]) => ({
      ...headers,
      ...(from === '' ? {} : { Origin: from }),
      ...(key === '' ? {} : { Authorization: `Bearer ${key}` }),
    })),
    body: requestBody
      ? bodyOf(requestBody.content['application/json'].schema, isOdd)
      : fc.constant(undefined),
  });
}

function seldom(isOdd: boolean, usual: string, others: readonly string[]): fc.Arbitrary<string> {
  if (!isOdd) return fc.constant(usual);
  return fc.oneof(
    { weight: 7, arbitrary: fc.constant(usual) },
    { weight: 1, arbitrary: fc.constantFrom(...others) },
  );
}

function credentialFor(security: Operation['security']): string {
  const [first] = security.flatMap((each) => Object.keys(each));
  if (first === undefined) return '';
  return first === 'adminSecret' ? ADMIN_SECRET : place.siteKey;
}

/** As a URL and a header can have it: what there is, what the schema lets through, or any text. */
function textOf(schema: Schema, there: string | undefined, isOdd: boolean): fc.Arbitrary<string> {
  const values = valuesOf(schema, document).map(String);
  const known = there === undefined ? values : fc.constant(there);
  if (!isOdd) return known;
  const any = fc.string({ minLength: 1, maxLength: 20 }).map((text) => text.replace(/[^\w~-]/g, '~'));
  return fc.oneof(
    { weight: 4, arbitrary: known },
    { weight: 2, arbitrary: values },
    { weight: 1, arbitrary: any },
  );
}

function bodyOf(schema: Schema, isOdd: boolean): fc.Arbitrary<string> {
  const json = (oddness: number) => valuesOf(schema, document, oddness).map((value) => JSON.stringify(value));
  if (!isOdd) return json(0);
  return fc.oneof(
    { weight: 4, arbitrary: json(ODDNESS) },
    { weight: 1, arbitrary: fc.constantFrom('', '{', 'null', '[]', '"', `"${'x'.repeat(70_000)}"`) },
  );
}

function ask(verb: string, path: string, { path: named, query, headers, body }: Request): Promise<Response> {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(named[name] ?? ''));
  const search = new URLSearchParams(query).toString();
  return fetch(`http://127.0.0.1:${all.port}${filled}${search === '' ? '' : `?${search}`}`, {
    method: verb.toUpperCase(),
    headers,
    redirect: 'manual',
    ...(body === undefined ? {} : { body }),
  });
}

/** What is wrong with an answer by its document. A stream is left at once. */
async function faultsOfAnswer(
  response: Response,
  documented: Readonly<Record<string, { readonly schema?: object }>>,
  faults: (schema: object, value: unknown) => string[],
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
  return content.schema ? faults(content.schema, value) : [];
}

/** What is wrong with a value by a schema of that document, in which nothing may be that is not documented. */
function faultsOf({ components }: Document): (schema: object, value: unknown) => string[] {
  const ajv = new Ajv2020({ strict: false });
  addFormats.default(ajv);
  const compiled = new Map<object, ReturnType<typeof ajv.compile>>();
  return (schema, value) => {
    const validate = compiled.get(schema) ?? ajv.compile(closed({ ...schema, components }));
    compiled.set(schema, validate);
    return validate(value) ? [] : [ajv.errorsText(validate.errors), JSON.stringify(value)];
  };
}
