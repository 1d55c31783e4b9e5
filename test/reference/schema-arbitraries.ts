/** Generates values that match a JSON Schema, or nearly match it. @module */
import fc from 'fast-check';
import { resolveReference } from './validators.ts';

/** The keywords of JSON Schema that the documents use. */
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

/** Generated strings are not longer. Other tests check length limits. */
const MAX_STRING_LENGTH = 64;
/** Generated arrays are not longer. */
const MAX_ITEMS = 3;
/** Larger numbers test nothing more. */
const MAX_NUMBER = 1_000_000;

const anyJson = fc.jsonValue({ maxDepth: 1 });

/**
 * Returns an arbitrary of values that match a schema. Constraints that a schema cannot express are met by its `examples`.
 *
 * @param document the document that contains the schemas of `$ref`
 * @param mutationRate the share of the value's parts that are replaced by any JSON
 */
export function valuesOf(schema: Schema, document: object, mutationRate = 0): fc.Arbitrary<unknown> {
  const valid = validValuesOf(schema, document, mutationRate);
  if (mutationRate === 0) return valid;
  const parts = Math.round(1 / mutationRate);
  return fc.oneof({ weight: parts - 1, arbitrary: valid }, { weight: 1, arbitrary: anyJson });
}

function validValuesOf(schema: Schema, document: object, mutationRate: number): fc.Arbitrary<unknown> {
  const nested = (part: Schema) => valuesOf(part, document, mutationRate);
  if (schema.examples) return fc.constantFrom(...schema.examples);
  if (schema.$ref !== undefined) return nested(resolveReference(document, schema.$ref) as Schema);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return fc.oneof(...choices.map((choice) => nested(choice)));
  if (schema.allOf) return fc.oneof(...schema.allOf.map((part) => nested(part)));
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  switch (schema.type) {
    case 'string':
      return stringsOf(schema);
    case 'boolean':
      return fc.boolean();
    case 'null':
      return fc.constant(null);
    case 'integer':
      return fc.integer(toIntegerRange(rangeOf(schema)));
    case 'number':
      return fc.oneof(
        fc.integer(toIntegerRange(rangeOf(schema))),
        fc.double({ ...rangeOf(schema), noNaN: true }),
      );
    case 'array':
      return fc.array(nested(schema.items ?? {}), {
        minLength: schema.minItems ?? 0,
        maxLength: Math.min(schema.maxItems ?? MAX_ITEMS, MAX_ITEMS),
      });
    case 'object':
      return objectsOf(schema, nested);
    default:
      return anyJson;
  }
}

function stringsOf({ pattern, minLength = 0, maxLength = MAX_STRING_LENGTH }: Schema): fc.Arbitrary<string> {
  const limit = Math.min(maxLength, MAX_STRING_LENGTH);
  if (pattern === undefined) return fc.string({ minLength, maxLength: limit, unit: 'grapheme' });
  return fc.stringMatching(new RegExp(pattern, 'u'), { maxLength: limit });
}

interface Range {
  readonly min: number;
  readonly max: number;
}

function rangeOf({ minimum = -MAX_NUMBER, maximum = MAX_NUMBER }: Schema): Range {
  return { min: Math.max(minimum, -MAX_NUMBER), max: Math.max(minimum, Math.min(maximum, MAX_NUMBER)) };
}

function toIntegerRange({ min, max }: Range): Range {
  return { min: Math.ceil(min), max: Math.floor(max) };
}

function objectsOf(schema: Schema, nested: (part: Schema) => fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const { properties = {}, required = [] } = schema;
  const members = Object.fromEntries(Object.entries(properties).map(([name, part]) => [name, nested(part)]));
  return fc.record(members, { requiredKeys: required.filter((name) => name in members) });
}
