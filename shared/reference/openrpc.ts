/** Creates the OpenRPC document (https://spec.open-rpc.org): the JSON-RPC methods with their params and results. @module */
import type * as z from 'zod';
import { CallView } from '../protocol/rpc/call-view.ts';
import { commandParams, isCommandMethod } from '../protocol/rpc/commands.ts';
import { type CodeDescription, requestErrors } from '../protocol/rpc/error-codes.ts';
import { CallId, CommandId, LegName, Metadata, SipUri } from '../protocol/rpc/field-types.ts';
import { isQueryMethod, queryParams } from '../protocol/rpc/queries.ts';
import { results } from '../protocol/rpc/results.ts';
import {
  ACKNOWLEDGE,
  AcknowledgeParams,
  AUTHORIZE,
  AuthorizeParams,
  DIAGNOSE,
  DISCOVER,
  DiagnoseParams,
  DiscoverParams,
} from '../protocol/rpc/service-methods.ts';
import { apiInfo } from './api-info.ts';
import { type JsonSchema, jsonSchemas } from './json-schema.ts';

/** The params of every method, in the order in which the methods are documented. */
export const paramSchemas: Readonly<Record<string, z.ZodType>> = {
  ...commandParams,
  ...queryParams,
  [AUTHORIZE]: AuthorizeParams,
  [ACKNOWLEDGE]: AcknowledgeParams,
  [DIAGNOSE]: DiagnoseParams,
  [DISCOVER]: DiscoverParams,
};

/** The schemas that have their own names in the documents. */
export const namedSchemas = {
  SipUri,
  CallId,
  Leg: LegName,
  CommandId,
  Metadata,
  Call: CallView,
} as const;

/** Params of all commands. They are listed last. */
const COMMON_PARAMS = ['cmd_id', 'metadata'];

/** A param or a result (OpenRPC §Content Descriptor Object). */
export interface ContentDescriptor {
  readonly name: string;
  readonly description?: string;
  readonly required?: boolean;
  readonly schema: JsonSchema;
  readonly 'x-added'?: true;
}

export interface OpenRpcMethod {
  readonly name: string;
  readonly summary: string;
  readonly paramStructure: 'by-name';
  readonly params: readonly ContentDescriptor[];
  readonly result: ContentDescriptor;
  readonly errors: readonly { readonly $ref: string }[];
  readonly 'x-added'?: true;
}

export interface OpenRpc {
  readonly openrpc: string;
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly methods: readonly OpenRpcMethod[];
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly errors: Readonly<Record<string, { readonly code: number; readonly message: string }>>;
  };
}

/** Returns the document for a version of the service. */
export function createOpenRpc(version: string): OpenRpc {
  const inputs = jsonSchemas({ ...namedSchemas, ...addSuffix(paramSchemas, 'Params') }, 'input', 'draft-07');
  const outputs = jsonSchemas({ ...namedSchemas, ...addSuffix(results, 'Result') }, 'output', 'draft-07');
  const schemas = Object.fromEntries(Object.keys(namedSchemas).map((name) => [name, inputs[name] ?? {}]));
  const errors = Object.entries<CodeDescription>(requestErrors).map(([name, { code, description }]) => [
    name,
    { code, message: description },
  ]);
  return {
    openrpc: '1.3.2',
    info: { ...apiInfo, version },
    methods: Object.keys(paramSchemas).map((name) =>
      describeMethod(name, inputs[`${name}Params`], outputs[`${name}Result`]),
    ),
    components: { schemas, errors: Object.fromEntries(errors) },
  };
}

function describeMethod(name: string, params: JsonSchema = {}, result: JsonSchema = {}): OpenRpcMethod {
  const { description = '', properties = {}, required = [] } = params;
  return {
    name,
    summary: description,
    paramStructure: 'by-name',
    params: Object.entries(properties)
      .map(([param, schema]) => describeParam(param, schema as JsonSchema, required.includes(param)))
      .sort((a, b) => COMMON_PARAMS.indexOf(a.name) - COMMON_PARAMS.indexOf(b.name)),
    result: { name: 'result', schema: result },
    errors: errorsOf(name).map((error) => ({ $ref: `#/components/errors/${error}` })),
    ...('x-added' in params ? { 'x-added': true } : {}),
  };
}

function describeParam(name: string, schema: JsonSchema, required: boolean): ContentDescriptor {
  const { description, 'x-added': isAdded, ...rest } = schema;
  const [reference, ...others] = rest.allOf ?? [];
  const isReference = reference !== undefined && others.length === 0 && Object.keys(rest).length === 1;
  return {
    name,
    ...(description === undefined ? {} : { description }),
    required,
    schema: isReference ? reference : rest,
    ...(isAdded === true ? { 'x-added': true } : {}),
  };
}

/** Returns the errors that a method may respond with, except those of invalid messages. */
function errorsOf(name: string): (keyof typeof requestErrors)[] {
  if (name === DISCOVER) return ['TooMany'];
  if (name === DIAGNOSE) return ['NotAllowed', 'TooMany'];
  if (name === ACKNOWLEDGE) return ['InvalidParams', 'TooMany'];
  if (name === AUTHORIZE) return ['InvalidParams', 'NotAllowed', 'TooMany'];
  if (name === 'CallGet') return ['InvalidParams', 'NotAllowed', 'TooMany', 'Gone'];
  if (name === 'CommandGet') return ['InvalidParams', 'TooMany', 'Gone'];
  if (isQueryMethod(name)) return ['InvalidParams', 'NotAllowed', 'TooMany'];
  if (name === 'Echo') return ['InvalidParams', 'TooMany'];
  if (!isCommandMethod(name)) return [];
  return ['InvalidParams', 'NotAllowed', 'NoAdapter', 'TooMany', 'Conflict', 'InternalError'];
}

/** Appends a suffix to all names, because a document has the params and the result of a method side by side. */
export function addSuffix<T>(entries: Readonly<Record<string, T>>, suffix: string): Record<string, T> {
  return Object.fromEntries(Object.entries(entries).map(([name, value]) => [name + suffix, value]));
}
