/** The OpenRPC document (https://spec.open-rpc.org): what may be asked on the socket, and what is answered. @module */
import type * as z from 'zod';
import { answers } from '../answers.ts';
import { type Meaning, requestErrors } from '../meanings.ts';
import {
  AUTHORIZE,
  AuthorizeParams,
  CallId,
  CommandId,
  DIAGNOSE,
  DISCOVER,
  DiagnoseParams,
  DiscoverParams,
  isMethod,
  isQuery,
  LegName,
  Metadata,
  methods,
  queries,
  Uri,
} from '../methods.ts';
import { CallView } from '../notifications.ts';
import { about } from './about.ts';
import { type JsonSchema, jsonSchemas } from './json-schema.ts';

/** Every method's params, by its name, in the order in which they are documented. */
export const asked: Readonly<Record<string, z.ZodType>> = {
  ...methods,
  ...queries,
  [AUTHORIZE]: AuthorizeParams,
  [DIAGNOSE]: DiagnoseParams,
  [DISCOVER]: DiscoverParams,
};

/** Shapes that documents of the socket name. */
export const named = { SipUri: Uri, CallId, Leg: LegName, CommandId, Metadata, Call: CallView } as const;

/** Params that commands take beside their own: they are listed last. */
const COMMON = ['cmd_id', 'metadata'];

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

/** The document of that version of the service. */
export function openRpc(version: string): OpenRpc {
  const params = jsonSchemas({ ...named, ...suffixed(asked, 'Params') }, 'input', 'draft-07');
  const results = jsonSchemas({ ...named, ...suffixed(answers, 'Result') }, 'output', 'draft-07');
  const schemas = Object.fromEntries(Object.keys(named).map((name) => [name, params[name] ?? {}]));
  return {
    openrpc: '1.3.2',
    info: { ...about, version },
    methods: Object.keys(asked).map((name) =>
      method(name, params[`${name}Params`], results[`${name}Result`]),
    ),
    components: { schemas, errors: mapped(requestErrors, ({ code, means }) => ({ code, message: means })) },
  };
}

function method(name: string, params: JsonSchema = {}, result: JsonSchema = {}): OpenRpcMethod {
  const { description = '', properties = {}, required = [] } = params;
  return {
    name,
    summary: description,
    paramStructure: 'by-name',
    params: Object.entries(properties)
      .map(([each, schema]) => descriptor(each, schema as JsonSchema, required.includes(each)))
      .sort((one, other) => COMMON.indexOf(one.name) - COMMON.indexOf(other.name)),
    result: { name: 'result', schema: result },
    errors: errorsOf(name).map((error) => ({ $ref: `#/components/errors/${error}` })),
    ...('x-added' in params ? { 'x-added': true } : {}),
  };
}

function descriptor(name: string, schema: JsonSchema, required: boolean): ContentDescriptor {
  const { description, 'x-added': isAdded, ...rest } = schema;
  const [only, ...others] = rest.allOf ?? [];
  const isReference = only !== undefined && others.length === 0 && Object.keys(rest).length === 1;
  return {
    name,
    ...(description === undefined ? {} : { description }),
    required,
    schema: isReference ? only : rest,
    ...(isAdded === true ? { 'x-added': true } : {}),
  };
}

/** Which errors a method may be answered with, beside those of messages that are no request. */
function errorsOf(name: string): (keyof typeof requestErrors)[] {
  if (name === DISCOVER) return ['TooMany'];
  if (name === DIAGNOSE) return ['NotAllowed', 'TooMany'];
  if (name === AUTHORIZE) return ['InvalidParams', 'NotAllowed', 'TooMany'];
  if (name === 'CallGet') return ['InvalidParams', 'NotAllowed', 'TooMany', 'Gone'];
  if (name === 'CommandGet') return ['InvalidParams', 'TooMany', 'Gone'];
  if (isQuery(name)) return ['InvalidParams', 'NotAllowed', 'TooMany'];
  if (name === 'Echo') return ['InvalidParams', 'TooMany', 'Conflict', 'InternalError'];
  if (!isMethod(name)) return [];
  return ['InvalidParams', 'NotAllowed', 'NoAdapter', 'TooMany', 'Conflict', 'InternalError'];
}

/** The same by longer names: params and results of a method stand beside each other. */
export function suffixed<T>(shapes: Readonly<Record<string, T>>, suffix: string): Record<string, T> {
  return Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name + suffix, shape]));
}

function mapped<T>(
  meanings: Readonly<Record<string, Meaning>>,
  of: (meaning: Meaning) => T,
): Record<string, T> {
  return Object.fromEntries(Object.entries(meanings).map(([name, meaning]) => [name, of(meaning)]));
}
