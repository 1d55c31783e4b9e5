/** The validators that the makers of each format publish. @module */
import { createRequire } from 'node:module';
import { Validator as OpenApiValidator } from '@seriousme/openapi-schema-validator';
import { Ajv, type AnySchemaObject } from 'ajv';
import addFormats from 'ajv-formats';

const require = createRequire(import.meta.url);

/** CommonJS, and as large as its format is old. */
const { schemasWithoutId } = require('@asyncapi/specs') as {
  readonly schemasWithoutId: Readonly<Record<string, AnySchemaObject>>;
};
const { openrpcDocument } = require('@open-rpc/meta-schema') as { readonly openrpcDocument: AnySchemaObject };
const { jsonSchema } = require('@json-schema-tools/meta-schema') as { readonly jsonSchema: AnySchemaObject };

/** What is wrong with a document, in a sentence each; nothing where it is valid. */
export type Judge = (document: object) => string[] | Promise<string[]>;

export const judges = {
  '/openrpc.json': openRpcFaults,
  '/asyncapi.json': asyncApiFaults,
  '/openapi.json': openApiFaults,
} as const satisfies Record<string, Judge>;

/** The meta-schema of OpenRPC, which refers to that of JSON Schema by an address of its own. */
function openRpcFaults(document: object): string[] {
  const ajv = new Ajv({ strict: false, allErrors: true });
  const asDraft7 = ({ $schema: _, ...schema }: AnySchemaObject) => schema;
  addFormats.default(ajv);
  ajv.addSchema(asDraft7(jsonSchema));
  // It is referred to without the slash at its end.
  ajv.addSchema({ $ref: 'https://meta.json-schema.tools/' }, 'https://meta.json-schema.tools');
  const validate = ajv.compile(asDraft7(openrpcDocument));
  validate(document);
  return sentences(validate.errors);
}

function asyncApiFaults(document: object): string[] {
  const schema = schemasWithoutId['3.0.0'];
  if (!schema) throw new Error('@asyncapi/specs has no schema of AsyncAPI 3.0.0');
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  const validate = ajv.compile(schema);
  validate(document);
  return sentences(validate.errors);
}

async function openApiFaults(document: object): Promise<string[]> {
  const { valid, errors } = await new OpenApiValidator().validate({ ...document });
  return valid ? [] : [JSON.stringify(errors)];
}

function sentences(
  errors: readonly { readonly instancePath: string; readonly message?: string }[] | null | undefined,
): string[] {
  return (errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** The same document with every reference in its place: dangling ones throw. */
export function referencesOf(document: unknown): string[] {
  if (typeof document !== 'object' || document === null) return [];
  return Object.entries(document).flatMap(([name, value]) =>
    name === '$ref' && typeof value === 'string' ? [value] : referencesOf(value),
  );
}

/** What `#/a/b` stands for; undefined where there is none. */
export function resolve(document: unknown, reference: string): unknown {
  const path = reference.replace(/^#\//, '').split('/');
  return path.reduce<unknown>(
    (at, name) =>
      typeof at === 'object' && at !== null
        ? Reflect.get(at, name.replaceAll('~1', '/').replaceAll('~0', '~'))
        : undefined,
    document,
  );
}

/** The same schema, by which nothing is right that it does not name. */
export function closed<T>(schema: T): T {
  if (typeof schema !== 'object' || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(closed) as T;
  const members = Object.fromEntries(Object.entries(schema).map(([name, value]) => [name, closed(value)]));
  const isOpen = 'properties' in members && 'type' in members && !('additionalProperties' in members);
  return (isOpen ? { ...members, additionalProperties: false } : members) as T;
}
