/** The OpenAPI document (https://spec.openapis.org/oas/v3.1): each route, what it takes and what it answers. @module */
import type * as z from 'zod';
import { Started } from '../../shared/answers.ts';
import { Problem } from '../../shared/http.ts';
import { Id, Limits, Rules, Scope } from '../../shared/policy.ts';
import { about } from '../../shared/reference/about.ts';
import { type JsonSchema, jsonSchemas, refTo } from '../../shared/reference/json-schema.ts';
import { named } from '../../shared/reference/openrpc.ts';
import { DeliveryView, EndpointView, WebhookHeaders, WebhookPayload } from '../../shared/webhooks.ts';
import { KeyView, SiteView, TenantView } from '../tenant/views.ts';
import { Trail } from './admin-operations.ts';
import type { Opener, Operation } from './operation.ts';
import { operations, RpcAnswer } from './operations.ts';

/** A param in the path, in the query or in a header. */
interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

interface Content {
  readonly [type: string]: { readonly schema?: JsonSchema };
}

interface Response {
  readonly description: string;
  readonly headers?: object;
  readonly content?: Content;
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, readonly never[]>>[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, Response>>;
}

export interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly webhooks: Readonly<Record<string, { readonly post: Omit<OpenApiOperation, 'security'> }>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly securitySchemes: object;
  };
}

/** What opens a route, as OpenAPI has it: one of these is enough. */
const SECURITY: Readonly<Record<Opener, readonly string[]>> = {
  client: ['bearer', 'query'],
  apiKey: ['bearer'],
  adapterKey: ['bearer'],
  admin: ['adminSecret'],
  nothing: [],
};

const SCHEMES = {
  bearer: { type: 'http', scheme: 'bearer', description: 'an API key, a client token, or an adapter’s key' },
  query: {
    type: 'apiKey',
    in: 'query',
    name: 'access_token',
    description: 'the same in the URL, where it is easily logged: for those that can send no header',
  },
  adminSecret: { type: 'http', scheme: 'bearer', description: 'the deployment’s admin secret' },
} as const;

/** What each status says, wherever it is answered. */
const STATUSES: Readonly<Record<number, string>> = {
  101: 'It is a WebSocket from now on',
  200: 'It went well',
  201: 'It was made',
  202: 'The command has been started; what comes of it is told later',
  204: 'Nothing was to be answered',
  302: 'It is elsewhere; `Location` says where',
  400: 'Something is missing or not of its shape; `detail` says what',
  401: 'No key or token, or none that holds; which of the two, and why, is not told',
  403: 'What was sent may not do this, or the page’s origin is not on the tenant’s list',
  404: 'There is no such thing, or it is no longer kept',
  409: 'It contradicts what there is already',
  413: 'The body is too long',
  426: 'This is a WebSocket: connect with an Upgrade',
  429: 'Too many; `Retry-After` says when to try again',
  500: 'Something broke here, and has been logged',
  503: 'Not now; try again later',
};

/** Shapes that stand under names of their own, wherever they are taken or answered. */
const shapes: Readonly<Record<string, z.ZodType>> = {
  ...named,
  Id,
  Started,
  Scope,
  Limits,
  Rules,
  Tenant: TenantView,
  Site: SiteView,
  Key: KeyView,
  Trail,
  Webhook: EndpointView,
  Delivery: DeliveryView,
  RpcResponse: RpcAnswer,
};

/** The document of that version of the service. */
export function openApi(version: string): OpenApi {
  const all = Object.entries(operations);
  const inputs = jsonSchemas(
    {
      ...shapes,
      ...shapesOf(all, 'Body', ({ body }) => body),
      ...shapesOf(all, 'Params', ({ params }) => params),
      ...shapesOf(all, 'Query', ({ query }) => query),
      ...shapesOf(all, 'Headers', ({ headers }) => headers),
    },
    'input',
    'draft-2020-12',
  );
  const outputs = jsonSchemas(
    { ...shapes, Problem, WebhookPayload, ...shapesOf(all, 'Answer', ({ answer }) => answer) },
    'output',
    'draft-2020-12',
  );
  const inBodies = Object.entries(inputs).filter(([name]) => !/(Params|Query|Headers)$/.test(name));
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const [name, operation] of all) {
    const documentedOne = documented(name, operation, inputs);
    paths[operation.path] = { ...paths[operation.path], [operation.verb.toLowerCase()]: documentedOne };
  }
  return {
    openapi: '3.1.0',
    info: { ...about, version },
    paths,
    webhooks: { happened: { post: delivered() } },
    components: { schemas: { ...Object.fromEntries(inBodies), ...outputs }, securitySchemes: SCHEMES },
  };
}

/** One part of each operation, under the operation's name; what has a name of its own is left to that. */
function shapesOf(
  all: readonly (readonly [string, Operation])[],
  suffix: string,
  part: (operation: Operation) => z.ZodType | undefined,
): Record<string, z.ZodType> {
  const own = all.flatMap(([name, operation]) => {
    const shape = part(operation);
    const schema = shape && nameOf(shape, name, suffix);
    return shape && schema === capital(name) + suffix ? [[schema, shape] as const] : [];
  });
  return Object.fromEntries(own);
}

/** The name of a shape: its own, or that of the operation that takes or answers it. */
function nameOf(shape: z.ZodType, operation: string, suffix: string): string {
  const known = Object.entries(shapes).find(([, each]) => each === shape)?.[0];
  return known ?? capital(operation) + suffix;
}

function capital(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}

/** What a webhook's receiver gets, and what it answers. */
function delivered(): Omit<OpenApiOperation, 'security'> {
  const { WebhookHeaders: headers } = jsonSchemas({ WebhookHeaders }, 'input', 'draft-2020-12');
  return {
    operationId: 'receive',
    summary: 'Something has happened at a site: to a command, to a call or to the link',
    tags: ['Webhooks'],
    parameters: parameters('header', headers).filter(({ name }) => name !== 'content-type'),
    requestBody: { required: true, content: json(refTo('WebhookPayload')) },
    responses: {
      '2XX': { description: 'It is taken: any other answer, or none within the time, and it is sent again' },
    },
  };
}

function documented(
  name: string,
  operation: Operation,
  inputs: Readonly<Record<string, JsonSchema>>,
): OpenApiOperation {
  const { means, group, opener, body, isBodyOptional = false, status } = operation;
  return {
    operationId: name,
    summary: means,
    tags: [group],
    security: SECURITY[opener].map((scheme) => ({ [scheme]: [] })),
    parameters: [
      ...parameters('path', inputs[`${capital(name)}Params`]),
      ...parameters('query', inputs[`${capital(name)}Query`]).filter(
        (each) => each.name !== SCHEMES.query.name,
      ),
      ...parameters('header', inputs[`${capital(name)}Headers`]),
    ],
    ...(body
      ? { requestBody: { required: !isBodyOptional, content: json(refTo(nameOf(body, name, 'Body'))) } }
      : {}),
    responses: {
      [status]: success(name, operation),
      ...Object.fromEntries(statusesBeside(operation).map((each) => [each, other(each, operation)])),
    },
  };
}

function success(name: string, { status, answer, type, says = {} }: Operation): Response {
  const headers = Object.entries(says).map(([header, description]) => [
    header,
    { description, schema: { type: 'string' } },
  ]);
  const content = answer
    ? json(refTo(nameOf(answer, name, 'Answer')))
    : type === undefined
      ? undefined
      : { [type]: {} };
  return {
    description: STATUSES[status] ?? '',
    ...(headers.length > 0 ? { headers: Object.fromEntries(headers) } : {}),
    ...(content ? { content } : {}),
  };
}

function statusesBeside({ also = {}, problems }: Operation): number[] {
  return [...new Set([...Object.keys(also).map(Number), ...problems])];
}

function other(status: number, { also = {}, problems }: Operation): Response {
  const shape = also[status];
  const content = {
    ...(shape ? json(refTo(nameOf(shape, '', ''))) : {}),
    ...(problems.includes(status) ? { 'application/problem+json': { schema: refTo('Problem') } } : {}),
  };
  const description = STATUSES[status] ?? '';
  return Object.keys(content).length === 0 ? { description } : { description, content };
}

function json(schema: JsonSchema): Content {
  return { 'application/json': { schema } };
}

function parameters(place: Parameter['in'], schema: JsonSchema | undefined): Parameter[] {
  const { properties = {}, required = [] } = schema ?? {};
  return Object.entries(properties).map(([name, each]) => {
    const { description, ...rest } = each as JsonSchema;
    return {
      name,
      in: place,
      required: required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}
