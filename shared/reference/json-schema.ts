/** zod's shapes as JSON Schemas that stand in a document and refer to one another by name. @module */
import * as z from 'zod';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** Which side of a shape: what may be sent, or what comes of it once it is checked. */
export type Side = 'input' | 'output';

/** JSON Schema has several editions: OpenAPI 3.1 takes the newest, OpenRPC and AsyncAPI draft 7. */
export type Edition = 'draft-2020-12' | 'draft-07';

/** Where a document has its named schemas. */
const PLACE = '#/components/schemas/';

/** A reference to a named schema. */
export function refTo(name: string): { readonly $ref: string } {
  return { $ref: PLACE + name };
}

/** Each shape as a JSON Schema under its name; where one is within another, a reference stands. */
export function jsonSchemas(
  shapes: Readonly<Record<string, z.ZodType>>,
  side: Side,
  edition: Edition,
): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, shape] of Object.entries(shapes)) registry.add(shape, { id });
  const { schemas } = z.toJSONSchema(registry, {
    io: side,
    target: edition,
    uri: (id) => PLACE + id,
    override: ({ zodSchema, jsonSchema }) => {
      leaveOpen(zodSchema, jsonSchema);
      leaveOut(jsonSchema);
    },
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _, $id: __, ...schema }]) => [name, schema]),
  );
}

/** What is answered may have more fields one day, so only what refuses others says so. */
function leaveOpen(shape: z.core.$ZodTypes, schema: JsonSchema): void {
  if (shape._zod.def.type === 'object' && shape._zod.def.catchall === undefined)
    delete schema['additionalProperties'];
}

/** What every JSON number of ours is anyway, a pattern that says no more than its format, and a format of zod's own. */
function leaveOut(schema: JsonSchema): void {
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if (schema.format === 'date-time') delete schema.pattern;
  if (schema.format === 'starts_with') delete schema.format;
}
