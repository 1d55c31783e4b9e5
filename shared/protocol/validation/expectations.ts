/** What the fields of requests accept, in words: the remedy in an error message. @module */
import * as z from 'zod';
import { alternatives, quote } from '../../settings/quote.ts';

/** What a schema cannot say itself about its values. */
export interface Expectation {
  /** A noun phrase that completes "Use …". Default: it is derived from the schema. */
  readonly expected?: string;
  /** No error message shows the value. */
  readonly isSecret?: true;
}

/** The expectations of schemas. A registry of its own, so that they do not appear in the generated documents. */
export const expectations = z.registry<Expectation>();

type Schema = z.core.$ZodType;

/** Returns what one of the schemas accepts, as a noun phrase that completes "Use …". Empty if it is anything. */
export function describeExpected(...schemas: readonly Schema[]): string {
  return alternatives([...new Set(schemas.flatMap(expectedChoices))]);
}

/** Returns whether the value of a schema must not be shown. */
export function isSecret(schema: Schema): boolean {
  const inner = innerSchema(schema);
  return expectations.get(schema)?.isSecret === true || (inner !== undefined && isSecret(inner));
}

/** Returns the names of the fields of an object; empty if the schema is not for objects. */
export function fieldNames(schema: Schema, value: unknown): string[] {
  return containersOf(schema, value).flatMap((each) => {
    const { def } = (each as z.core.$ZodTypes)._zod;
    return def.type === 'object' ? Object.keys(def.shape) : [];
  });
}

/**
 * Returns the schemas for a place within a value: none if the place is unknown, several if it is in a union of which the
 * value decides no option.
 */
export function schemasAt(schema: Schema, value: unknown, path: readonly PropertyKey[]): Schema[] {
  const [segment, ...rest] = path;
  if (segment === undefined) return [schema];
  return containersOf(schema, value).flatMap((container) => {
    const child = memberSchema(container, segment);
    return child ? schemasAt(child, valueAt(value, [segment]), rest) : [];
  });
}

/** Returns the value at a place within a value; undefined if there is none. Inherited members do not count. */
export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let current = value;
  for (const segment of path) {
    if (typeof current !== 'object' || current === null || !Object.hasOwn(current, segment)) return undefined;
    current = Reflect.get(current, segment);
  }
  return current;
}

function memberSchema(container: Schema, segment: PropertyKey): Schema | undefined {
  const { def } = (container as z.core.$ZodTypes)._zod;
  if (def.type === 'object')
    return Object.hasOwn(def.shape, segment) ? def.shape[String(segment)] : undefined;
  if (def.type === 'record') return def.valueType;
  return def.type === 'array' ? def.element : undefined;
}

/** Returns the schemas of objects, records and arrays that a schema consists of. */
function containersOf(schema: Schema, value: unknown): Schema[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  if (def.type === 'union') {
    const decided = decidedOption(def, value);
    return (decided ? [decided] : def.options).flatMap((option) => containersOf(option, value));
  }
  // The input has the form of the first schema of a pipe.
  const inner = def.type === 'pipe' && !isTransform(def.in) ? def.in : innerSchema(schema);
  return inner ? containersOf(inner, value) : [schema];
}

/** Returns the option of a discriminated union that a value belongs to. */
function decidedOption(def: z.core.$ZodUnionDef, value: unknown): Schema | undefined {
  if (!('discriminator' in def) || typeof def.discriminator !== 'string') return undefined;
  const { discriminator } = def;
  return def.options.find((option) => {
    const literal = memberSchema(option, discriminator);
    const literalDef = literal && (literal as z.core.$ZodTypes)._zod.def;
    const chosen = valueAt(value, [discriminator]);
    return literalDef?.type === 'literal' && literalDef.values.some((each) => each === chosen);
  });
}

function isTransform(schema: Schema): boolean {
  return schema._zod.def.type === 'transform';
}

/** Returns the schema within a wrapper, or the side of a pipe that says more about its values. */
function innerSchema(schema: Schema): Schema | undefined {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'nonoptional':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
      return def.innerType;
    case 'pipe':
      return isTransform(def.out) ? def.in : def.out;
    default:
      return undefined;
  }
}

/** Schemas are constants, and clients may send many invalid requests. */
const knownChoices = new WeakMap<Schema, string[]>();

function expectedChoices(schema: Schema): string[] {
  const known = knownChoices.get(schema);
  if (known) return known;
  const choices = listChoices(schema);
  knownChoices.set(schema, choices);
  return choices;
}

function listChoices(schema: Schema): string[] {
  const registered = expectations.get(schema)?.expected;
  if (registered !== undefined) return [registered];
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'union':
      if ('discriminator' in def) return [`an object with the field ${def.discriminator}`];
      return def.options.flatMap(expectedChoices);
    case 'nullable':
      return [...expectedChoices(def.innerType), 'null'];
    case 'enum':
      return Object.values(def.entries).map((each) => quote(String(each)));
    case 'literal':
      return def.values.map((each) => (typeof each === 'string' ? quote(each) : String(each)));
    case 'boolean':
      return ['true', 'false'];
    case 'null':
      return ['null'];
    case 'number':
      return [numberPhrase(schema)];
    case 'string':
      return [countPhrase('a string', schema, 'character')];
    case 'array': {
      const element = describeExpected(def.element);
      return [`${countPhrase('an array', schema, 'item')}${element === '' ? '' : `, each ${element}`}`];
    }
    case 'object': {
      const names = Object.keys(def.shape);
      return [
        names.length === 0
          ? 'an object'
          : `an object with the ${plural('field', names.length)} ${names.join(', ')}`,
      ];
    }
    case 'record':
      return ['an object'];
    default: {
      const inner = innerSchema(schema);
      return inner ? expectedChoices(inner) : [];
    }
  }
}

/** Returns the bounds of a schema: of a number, or of the number of characters or items. */
function boundsOf(schema: Schema): { readonly min?: number; readonly max?: number } {
  let bounds: { readonly min?: number; readonly max?: number } = {};
  for (const check of checksOf(schema)) {
    if (check.check === 'greater_than') bounds = { ...bounds, min: Number(check.value) };
    if (check.check === 'less_than') bounds = { ...bounds, max: Number(check.value) };
    if (check.check === 'min_length') bounds = { ...bounds, min: check.minimum };
    if (check.check === 'max_length') bounds = { ...bounds, max: check.maximum };
  }
  return bounds.max === Number.MAX_SAFE_INTEGER ? { min: bounds.min ?? 0 } : bounds;
}

function checksOf(schema: Schema): z.core.$ZodChecks['_zod']['def'][] {
  return (schema._zod.def.checks ?? []).map((check) => (check as z.core.$ZodChecks)._zod.def);
}

function numberPhrase(schema: Schema): string {
  const { min, max } = boundsOf(schema);
  const noun = checksOf(schema).some(({ check }) => check === 'number_format')
    ? 'a whole number'
    : 'a number';
  if (min !== undefined && max !== undefined) return `${noun} from ${min} to ${max}`;
  if (min !== undefined) return `${noun} of at least ${min}`;
  return max === undefined ? noun : `${noun} of at most ${max}`;
}

function countPhrase(noun: string, schema: Schema, unit: string): string {
  const { min = 0, max } = boundsOf(schema);
  if (max === undefined) return min === 0 ? noun : `${noun} of at least ${min} ${plural(unit, min)}`;
  return min === 0 ? `${noun} of up to ${max} ${unit}s` : `${noun} of ${min} to ${max} ${unit}s`;
}

/** Returns a noun for a number of things. */
export function plural(noun: string, count: number): string {
  return count === 1 ? noun : `${noun}s`;
}
