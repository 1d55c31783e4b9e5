/** Validates each API document with the validator or meta-schema that its format's authors publish. @module */
import { createRequire } from 'node:module';
import { Validator as OpenApiValidator } from '@seriousme/openapi-schema-validator';
import { Ajv, type AnySchemaObject } from 'ajv';
import addFormats from 'ajv-formats';

const require = createRequire(import.meta.url);

// These packages are CommonJS. @asyncapi/specs contains the schemas of all versions of AsyncAPI.
const { schemasWithoutId } = require('@asyncapi/specs') as {
  readonly schemasWithoutId: Readonly<Record<string, AnySchemaObject>>;
};
const { openrpcDocument } = require('@open-rpc/meta-schema') as { readonly openrpcDocument: AnySchemaObject };
const { jsonSchema } = require('@json-schema-tools/meta-schema') as { readonly jsonSchema: AnySchemaObject };

/** Returns a sentence for each error in a document, none if it is valid. */
export type DocumentValidator = (document: object) => string[] | Promise<string[]>;

/** By the path of the document. */
export const documentValidators = {
  '/openrpc.json': openRpcErrors,
  '/asyncapi.json': asyncApiErrors,
  '/openapi.json': openApiErrors,
} as const satisfies Record<string, DocumentValidator>;

/** The meta-schema of OpenRPC refers to the meta-schema of JSON Schema by a URL of its own. */
function openRpcErrors(document: object): string[] {
  const ajv = new Ajv({ strict: false, allErrors: true });
  const withoutDialect = ({ $schema: _, ...schema }: AnySchemaObject) => schema;
  addFormats.default(ajv);
  ajv.addSchema(withoutDialect(jsonSchema));
  // The reference lacks the trailing slash of the schema's $id.
  ajv.addSchema({ $ref: 'https://meta.json-schema.tools/' }, 'https://meta.json-schema.tools');
  const validate = ajv.compile(withoutDialect(openrpcDocument));
  validate(document);
  return sentences(validate.errors);
}

function asyncApiErrors(document: object): string[] {
  const schema = schemasWithoutId['3.0.0'];
  if (!schema) throw new Error('@asyncapi/specs has no schema of AsyncAPI 3.0.0');
  const ajv = new Ajv({ strict: false, allErrors: true });
  addFormats.default(ajv);
  const validate = ajv.compile(schema);
  validate(document);
  return sentences(validate.errors);
}

async function openApiErrors(document: object): Promise<string[]> {
  const { valid, errors } = await new OpenApiValidator().validate({ ...document });
  return valid ? [] : [JSON.stringify(errors)];
}

function sentences(
  errors: readonly { readonly instancePath: string; readonly message?: string }[] | null | undefined,
): string[] {
  return (errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** Returns all `$ref` values of a document. */
export function referencesIn(document: unknown): string[] {
  if (typeof document !== 'object' || document === null) return [];
  return Object.entries(document).flatMap(([name, value]) =>
    name === '$ref' && typeof value === 'string' ? [value] : referencesIn(value),
  );
}

/** Returns what `#/a/b` refers to, or undefined if nothing is there. */
export function resolveReference(document: unknown, reference: string): unknown {
  const path = reference.replace(/^#\//, '').split('/');
  return path.reduce<unknown>(
    (value, name) =>
      typeof value === 'object' && value !== null
        ? Reflect.get(value, name.replaceAll('~1', '/').replaceAll('~0', '~'))
        : undefined,
    document,
  );
}

/** Returns a function that validates values by schemas of a document, and rejects undocumented properties. */
export function createValueValidator(
  ajv: Ajv,
  { components }: { readonly components: object },
): (schema: object, value: unknown) => string[] {
  addFormats.default(ajv);
  const compiled = new Map<object, ReturnType<typeof ajv.compile>>();
  return (schema, value) => {
    const validate = compiled.get(schema) ?? ajv.compile(closeSchema({ ...schema, components }));
    compiled.set(schema, validate);
    return validate(value) ? [] : [ajv.errorsText(validate.errors), JSON.stringify(value)];
  };
}

/** Returns a schema with `additionalProperties: false` wherever it is missing. */
function closeSchema<T>(schema: T): T {
  if (typeof schema !== 'object' || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(closeSchema) as T;
  const members = Object.fromEntries(
    Object.entries(schema).map(([name, value]) => [name, closeSchema(value)]),
  );
  const isOpen = 'properties' in members && 'type' in members && !('additionalProperties' in members);
  return (isOpen ? { ...members, additionalProperties: false } : members) as T;
}
