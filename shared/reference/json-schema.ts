/** Converts zod schemas to JSON Schemas that are part of a document and refer to one another by name. @module */
import * as z from 'zod';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Which values a schema describes: those before validation, or those after it. */
export type Side = 'input' | 'output';

/** OpenAPI 3.1 uses the latest version of JSON Schema, OpenRPC and AsyncAPI use draft 7. */
export type JsonSchemaVersion = 'draft-2020-12' | 'draft-07';

/** Where all documents have their named schemas. */
const SCHEMAS_PATH = '#/components/schemas/';

/** Returns a reference to a named schema. */
export function refTo(name: string): { readonly $ref: string } {
  return { $ref: SCHEMAS_PATH + name };
}

/** Returns the JSON Schema of each zod schema, by name. A schema within another one becomes a reference. */
export function jsonSchemas(
  schemas: Readonly<Record<string, z.ZodType>>,
  side: Side,
  version: JsonSchemaVersion,
): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(schemas)) registry.add(schema, { id });
  const { schemas: converted } = z.toJSONSchema(registry, {
    io: side,
    target: version,
    uri: (id) => SCHEMAS_PATH + id,
    override: ({ zodSchema, jsonSchema }) => {
      allowAdditionalProperties(zodSchema, jsonSchema);
      dropRedundant(jsonSchema);
    },
  });
  return Object.fromEntries(
    Object.entries(converted).map(([name, { $schema: _, $id: __, ...schema }]) => [name, schema]),
  );
}

/** Results may get more properties one day, so only schemas that reject unknown properties forbid them. */
function allowAdditionalProperties(zodSchema: z.core.$ZodTypes, jsonSchema: JsonSchema): void {
  if (zodSchema._zod.def.type === 'object' && zodSchema._zod.def.catchall === undefined)
    delete jsonSchema['additionalProperties'];
}

/** Drops the bounds of all safe integers, a pattern that says no more than its format, and a format that only zod knows. */
function dropRedundant(jsonSchema: JsonSchema): void {
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
  if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
  if (jsonSchema.format === 'starts_with') delete jsonSchema.format;
}
