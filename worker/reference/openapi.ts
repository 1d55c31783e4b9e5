/** Creates the OpenAPI document (https://spec.openapis.org/oas/v3.1): the routes with their parameters and responses. @module */
import type * as z from 'zod';
import { requiredRole } from '../../shared/policy/admin-roles.ts';
import { Id, Limits, Rules, Scope } from '../../shared/policy/policy.ts';
import { KeyView, SiteView, TenantView } from '../../shared/protocol/admin/views.ts';
import { Problem } from '../../shared/protocol/http/problem.ts';
import { Started } from '../../shared/protocol/rpc/results.ts';
import { DeliveryView } from '../../shared/protocol/webhooks/deliveries.ts';
import { EndpointView } from '../../shared/protocol/webhooks/endpoints.ts';
import { WebhookHeaders, WebhookPayload } from '../../shared/protocol/webhooks/events.ts';
import { apiInfo } from '../../shared/reference/api-info.ts';
import { type JsonSchema, jsonSchemas, refTo } from '../../shared/reference/json-schema.ts';
import { namedSchemas } from '../../shared/reference/openrpc.ts';
import { Trail } from './admin-operations.ts';
import { type CodeSample, createCodeSamples, type ResponseKind } from './code-samples.ts';
import { exampleBody, exampleValue, type NamedSchemas } from './examples.ts';
import type { Credential, Operation } from './operation.ts';
import { operations, RpcResponse } from './operations.ts';

interface Parameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required: boolean;
  readonly description?: string;
  readonly schema: JsonSchema;
}

interface Content {
  readonly [type: string]: { readonly schema?: JsonSchema; readonly example?: unknown };
}

interface Response {
  readonly description: string;
  readonly headers?: object;
  readonly content?: Content;
}

export interface OpenApiOperation {
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tags: readonly string[];
  readonly security: readonly Readonly<Record<string, readonly never[]>>[];
  readonly parameters: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, Response>>;
  readonly 'x-codeSamples': readonly CodeSample[];
}

/** A request to the receiver of a webhook. It comes from this service, so it has no request samples. */
type WebhookOperation = Omit<OpenApiOperation, 'security' | 'x-codeSamples'>;

export interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, OpenApiOperation>>>>;
  readonly webhooks: Readonly<Record<string, { readonly post: WebhookOperation }>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly securitySchemes: object;
  };
}

/** The security schemes that satisfy each credential. One of them is enough. */
const SECURITY: Readonly<Record<Credential, readonly string[]>> = {
  client: ['bearer', 'query'],
  apiKey: ['bearer'],
  adapterKey: ['bearer'],
  admin: ['adminSecret'],
  none: [],
};

const SECURITY_SCHEMES = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description: 'an API key, a client token, or the key of an adapter',
  },
  query: {
    type: 'apiKey',
    in: 'query',
    name: 'access_token',
    description:
      'an API key or a client token in the URL. URLs are often logged, so use this only where a client cannot send headers',
  },
  adminSecret: {
    type: 'http',
    scheme: 'bearer',
    description: 'the admin secret of the deployment, or the key of an administrator',
  },
} as const;

/** Descriptions of the statuses, for all routes. */
const STATUS_DESCRIPTIONS: Readonly<Record<number, string>> = {
  101: 'The connection is now a WebSocket',
  200: 'Success',
  201: 'Created',
  202: 'The command has started. Its events report the result',
  204: 'The requests are notifications, which get no response',
  302: 'Redirect to `Location`',
  400: 'The request is invalid. `detail` says what is wrong',
  401: 'Missing, invalid or expired credential',
  403: 'The credential lacks the permission, or the tenant does not allow the origin of the page',
  404: 'The resource does not exist, or is no longer stored',
  409: 'The request conflicts with the current state',
  413: 'The body is too large',
  426: 'This path accepts WebSocket connections only',
  429: 'A limit is exceeded. `Retry-After` says when to try again',
  500: 'An unexpected error, which has been logged',
  503: 'Temporarily unavailable. Try again later',
};

/** The schemas that have their own names in the document. */
const ownSchemas: Readonly<Record<string, z.ZodType>> = {
  ...namedSchemas,
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
  RpcResponse,
};

/** Returns the document for a version of the service. */
export function createOpenApi(version: string): OpenApi {
  const entries = Object.entries(operations);
  const inputs = jsonSchemas(
    {
      ...ownSchemas,
      ...operationSchemas(entries, 'Body', ({ body }) => body),
      ...operationSchemas(entries, 'Params', ({ pathParams }) => pathParams),
      ...operationSchemas(entries, 'Query', ({ query }) => query),
      ...operationSchemas(entries, 'Headers', ({ headers }) => headers),
    },
    'input',
    'draft-2020-12',
  );
  const outputs = jsonSchemas(
    {
      ...ownSchemas,
      Problem,
      WebhookPayload,
      ...operationSchemas(entries, 'Result', ({ response }) => response),
    },
    'output',
    'draft-2020-12',
  );
  const inBodies = Object.entries(inputs).filter(([name]) => !/(Params|Query|Headers)$/.test(name));
  const paths: Record<string, Record<string, OpenApiOperation>> = {};
  for (const [name, operation] of entries) {
    const documented = describeOperation(name, operation, inputs);
    paths[operation.path] = { ...paths[operation.path], [operation.method.toLowerCase()]: documented };
  }
  return {
    openapi: '3.1.0',
    info: { ...apiInfo, version },
    paths,
    webhooks: { happened: { post: describeWebhook() } },
    components: {
      schemas: { ...Object.fromEntries(inBodies), ...outputs },
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

/** Returns one part of each operation as a schema that is named after the operation, unless it has its own name. */
function operationSchemas(
  operationEntries: readonly (readonly [string, Operation])[],
  suffix: string,
  partOf: (operation: Operation) => z.ZodType | undefined,
): Record<string, z.ZodType> {
  const schemas = operationEntries.flatMap(([name, operation]) => {
    const schema = partOf(operation);
    const schemaName = schema && nameOf(schema, name, suffix);
    return schema && schemaName === capitalize(name) + suffix ? [[schemaName, schema] as const] : [];
  });
  return Object.fromEntries(schemas);
}

/** Returns the name of a schema: its own, or one after the operation that uses it. */
function nameOf(schema: z.ZodType, operation: string, suffix: string): string {
  const ownName = Object.entries(ownSchemas).find(([, ownSchema]) => ownSchema === schema)?.[0];
  return ownName ?? capitalize(operation) + suffix;
}

function capitalize(name: string): string {
  return name.slice(0, 1).toUpperCase() + name.slice(1);
}

/** Describes what the receiver of a webhook gets, and how it responds. */
function describeWebhook(): WebhookOperation {
  const { WebhookHeaders: headers } = jsonSchemas({ WebhookHeaders }, 'input', 'draft-2020-12');
  return {
    operationId: 'receive',
    summary: 'An event of a command, of a call or of the link',
    tags: ['Webhooks'],
    parameters: parameters('header', headers).filter(({ name }) => name !== 'content-type'),
    requestBody: { required: true, content: jsonContent(refTo('WebhookPayload')) },
    responses: {
      '2XX': {
        description: 'The event was received. After any other response or a timeout, it is sent again',
      },
    },
  };
}

function describeOperation(
  name: string,
  operation: Operation,
  inputs: Readonly<Record<string, JsonSchema>>,
): OpenApiOperation {
  const { summary, tag, credential, body, isBodyOptional = false, status } = operation;
  const pathParameters = parameters('path', inputs[`${capitalize(name)}Params`]);
  const bodySchema = body && refTo(nameOf(body, name, 'Body'));
  const example = bodySchema && exampleBody(name, bodySchema, inputs);
  return {
    operationId: name,
    summary,
    ...(credential === 'admin' ? { description: describeRole(operation) } : {}),
    tags: [tag],
    security: SECURITY[credential].map((scheme) => ({ [scheme]: [] })),
    parameters: [
      ...pathParameters,
      ...parameters('query', inputs[`${capitalize(name)}Query`]).filter(
        (parameter) => parameter.name !== SECURITY_SCHEMES.query.name,
      ),
      ...parameters('header', inputs[`${capitalize(name)}Headers`]),
    ],
    ...(bodySchema
      ? {
          requestBody: {
            required: !isBodyOptional,
            content: { 'application/json': { schema: bodySchema, example } },
          },
        }
      : {}),
    responses: {
      [status]: successResponse(name, operation),
      ...Object.fromEntries(
        otherStatuses(operation).map((other) => [other, otherResponse(other, operation)]),
      ),
    },
    'x-codeSamples': createCodeSamples({
      method: operation.method,
      path: examplePath(operation.path, pathParameters, inputs),
      credential,
      // An optional body that would be empty is left out.
      ...(isBodyOptional ? {} : { body: example }),
      responseKind: responseKindOf(operation),
    }),
  };
}

/** Returns which administrators may use a route. */
function describeRole({ method, path }: Operation): string {
  return `Requires the role \`${requiredRole(method, path.replace(/^\/v1\/admin/, ''))}\` or a more powerful one.`;
}

/** Returns a path with an example in place of each parameter. */
function examplePath(path: string, pathParameters: readonly Parameter[], schemas: NamedSchemas): string {
  return pathParameters.reduce(
    (filled, { name, schema }) =>
      filled.replace(`{${name}}`, encodeURIComponent(String(exampleValue(name, schema, schemas)))),
    path,
  );
}

function responseKindOf({ status, contentType }: Operation): ResponseKind {
  if (status === 101) return 'socket';
  if (contentType === 'text/event-stream') return 'stream';
  return contentType === undefined && status !== 302 ? 'json' : 'text';
}

function successResponse(
  name: string,
  { status, response, contentType, responseHeaders = {} }: Operation,
): Response {
  const headers = Object.entries(responseHeaders).map(([header, description]) => [
    header,
    { description, schema: { type: 'string' } },
  ]);
  const content = response
    ? jsonContent(refTo(nameOf(response, name, 'Result')))
    : contentType === undefined
      ? undefined
      : { [contentType]: {} };
  return {
    description: STATUS_DESCRIPTIONS[status] ?? '',
    ...(headers.length > 0 ? { headers: Object.fromEntries(headers) } : {}),
    ...(content ? { content } : {}),
  };
}

function otherStatuses({ otherResponses = {}, problems }: Operation): number[] {
  return [...new Set([...Object.keys(otherResponses).map(Number), ...problems])];
}

function otherResponse(status: number, { otherResponses = {}, problems }: Operation): Response {
  const schema = otherResponses[status];
  const content = {
    ...(schema ? jsonContent(refTo(nameOf(schema, '', ''))) : {}),
    ...(problems.includes(status) ? { 'application/problem+json': { schema: refTo('Problem') } } : {}),
  };
  const description = STATUS_DESCRIPTIONS[status] ?? '';
  return Object.keys(content).length === 0 ? { description } : { description, content };
}

function jsonContent(schema: JsonSchema): Content {
  return { 'application/json': { schema } };
}

function parameters(location: Parameter['in'], schema: JsonSchema | undefined): Parameter[] {
  const { properties = {}, required = [] } = schema ?? {};
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...rest } = property as JsonSchema;
    return {
      name,
      in: location,
      required: required.includes(name),
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
}
