/** Values that a JSON Schema lets through, and ones that are near. @module */
import fc from 'fast-check';
import { resolve } from './validators.ts';

/** As much of a JSON Schema as the documents use. */
export interface Schema {
  readonly $ref?: string;
  readonly allOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly examples?: readonly unknown[];
  readonly type?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
}

/** No string and no array is longer: what is longer is tried where lengths are. */
const LONGEST = 64;

/** Anything at all. */
const anything = fc.jsonValue({ maxDepth: 1 });

/**
 * Values of that schema. One in `1 / oddness` parts of it is anything at all, so that most of it is right and some is not.
 * What a pattern or words demand beyond a schema is known by its examples.
 */
export function valuesOf(schema: Schema, document: object, oddness = 0): fc.Arbitrary<unknown> {
  const right = rightOf(schema, document, oddness);
  if (oddness === 0) return right;
  const odds = Math.round(1 / oddness);
  return fc.oneof({ weight: odds - 1, arbitrary: right }, { weight: 1, arbitrary: anything });
}

function rightOf(schema: Schema, document: object, oddness: number): fc.Arbitrary<unknown> {
  const within = (each: Schema) => valuesOf(each, document, oddness);
  if (schema.examples) return fc.constantFrom(...schema.examples);
  if (schema.$ref !== undefined) return within(resolve(document, schema.$ref) as Schema);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return fc.oneof(...choices.map((each) => within(each)));
  if (schema.allOf) return fc.oneof(...schema.allOf.map((each) => within(each)));
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'string':
      return textOf(schema);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'integer':
      return fc.integer(whole(bounds(schema)));
    case 'number':
      return fc.oneof(fc.integer(whole(bounds(schema))), fc.double({ ...bounds(schema), noNaN: true }));
    case 'array':
      return fc.array(within(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? 3, 3),
      });
    case 'object':
      return objectOf(schema, within);
    default:
      return anything;
  }
}

function textOf({ pattern, minLength = 0, maxLength = LONGEST }: Schema): fc.Arbitrary<string> {
  const most = Math.min(maxLength, LONGEST);
  if (pattern === undefined) return fc.string({ minLength, maxLength: most, unit: 'grapheme' });
  return fc.stringMatching(new RegExp(pattern, 'u'), { maxLength: most });
}

/** Numbers beyond JavaScript's exact ones say nothing more. */
function bounds({ minimum = -1_000_000, maximum = 1_000_000 }: Schema): { min: number; max: number } {
  return { min: Math.max(minimum, -1_000_000), max: Math.min(maximum, 1_000_000) };
}

function whole({ min, max }: { min: number; max: number }): { min: number; max: number } {
  return { min: Math.ceil(min), max: Math.floor(max) };
}

function objectOf(schema: Schema, within: (each: Schema) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const { properties = {}, required = [] } = schema;
  const members = Object.fromEntries(Object.entries(properties).map(([name, each]) => [name, within(each)]));
  return fc.record(members, { requiredKeys: required.filter((name) => name in members) });
}
