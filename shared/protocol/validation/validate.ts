/**
 * Validates what clients send, and says what is wrong in sentences of its own: `timeout: 2 is too small. Use a whole
 * number of seconds from 5 to 180.` A schema's own message completes the sentence that begins with the field and its
 * value: `is not a SIP URI. Use one such as sip:alice@example.com.`
 * @module
 */
import type * as z from 'zod';
import { quote } from '../../settings/quote.ts';
import { describeExpected, fieldNames, isSecret, plural, schemasAt, valueAt } from './expectations.ts';

export type Validated<T> =
  | { readonly success: true; readonly data: T }
  /** `error` has a few sentences for each field that is invalid. */
  | { readonly success: false; readonly error: string };

/** The most invalid fields that are described. */
const MAX_DESCRIBED = 5;

/** Where a schema has no message of its own, the message stays empty instead of the library's. */
const OWN_MESSAGES_ONLY = { error: () => '' };

/** The most characters of a value that is shown. */
const MAX_SHOWN = 64;

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'an array',
  object: 'an object',
  record: 'an object',
  null: 'null',
};

/** A field, and what is wrong with it. */
interface FieldError {
  readonly label: string;
  readonly text: string;
}

interface Subject {
  readonly schema: z.core.$ZodType;
  readonly input: unknown;
  /** What is validated, such as `The body`. */
  readonly name: string;
}

/**
 * Validates an input.
 * @param name what the input is, at the beginning of a sentence: `The body`
 */
export function validate<S extends z.ZodType>(
  schema: S,
  input: unknown,
  name: string,
): Validated<z.output<S>> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed;
  // Valid inputs are parsed faster without options.
  const { error } = schema.safeParse(input, OWN_MESSAGES_ONLY);
  const subject = { schema, input, name };
  // What else is wrong with a value is of little use.
  const labels = new Set<string>();
  const errors = (error ?? parsed.error).issues
    .flatMap((issue) => describeIssue(subject, issue, []))
    .filter(({ label }) => !labels.has(label) && labels.add(label));
  const rest = errors.length - MAX_DESCRIBED;
  const described = errors.slice(0, MAX_DESCRIBED).map(({ label, text }) => `${label}${text}`);
  if (rest > 0) described.push(`And ${rest} more ${plural('error', rest)}.`);
  return { success: false, error: described.join(' ') };
}

function describeIssue(
  subject: Subject,
  issue: z.core.$ZodIssue,
  parentPath: readonly PropertyKey[],
): FieldError[] {
  const path = [...parentPath, ...issue.path];
  if (issue.code === 'unrecognized_keys') return describeUnknownFields(subject, path, issue.keys);
  const value = valueAt(subject.input, path);
  if (issue.code === 'invalid_union' && value !== undefined) {
    const option = intendedOption(issue);
    if (option) return option.flatMap((each) => describeIssue(subject, each, path));
  }
  const label = formatPath(path);
  const schemas = schemasAt(subject.schema, subject.input, path);
  const expected = describeExpected(...schemas);
  if (value === undefined && issue.code !== 'custom') {
    const text = `missing.${expected === '' ? '' : ` Give ${expected}.`}`;
    return [path.length === 0 ? { label: subject.name, text: ` is ${text}` } : { label, text: `: ${text}` }];
  }
  const problem = issue.message === '' ? withRemedy(problemOf(issue, value), expected) : issue.message;
  if (path.length === 0) return [{ label: subject.name, text: ` ${problem}` }];
  const shown = schemas.some(isSecret) ? 'the value' : showValue(value);
  return [{ label, text: `: ${shown} ${problem}` }];
}

/** Returns the issues of the only option of a union to which the value belongs by its type. */
function intendedOption({ errors }: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] | undefined {
  const options = errors.filter((issues) =>
    issues.every(
      ({ path, code }) => path.length > 0 || (code !== 'invalid_type' && code !== 'invalid_value'),
    ),
  );
  return options.length === 1 ? options[0] : undefined;
}

function describeUnknownFields(
  { schema, input }: Subject,
  path: readonly PropertyKey[],
  keys: readonly string[],
): FieldError[] {
  const value = valueAt(input, path);
  const known = [...new Set(schemasAt(schema, input, path).flatMap((each) => fieldNames(each, value)))];
  const remedy = known.length === 0 ? 'Remove it.' : `Known fields: ${known.join(', ')}.`;
  return keys.map((key) => ({ label: formatPath([...path, key]), text: `: unknown field. ${remedy}` }));
}

function withRemedy(problem: string, expected: string): string {
  const isObvious = expected === '' || problem === `is not ${expected}`;
  return isObvious ? `${problem}.` : `${problem}. Use ${expected}.`;
}

function problemOf(issue: z.core.$ZodIssue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return `is not ${TYPE_NAMES[issue.expected] ?? 'valid'}`;
    case 'too_small':
      if (value === '' || (Array.isArray(value) && value.length === 0)) return 'is empty';
      return issue.origin === 'string' || issue.origin === 'array'
        ? `has fewer than ${issue.minimum} ${unitOf(issue.origin, Number(issue.minimum))}`
        : 'is too small';
    case 'too_big':
      return issue.origin === 'string' || issue.origin === 'array'
        ? `has more than ${issue.maximum} ${unitOf(issue.origin, Number(issue.maximum))}`
        : 'is too large';
    case 'invalid_format':
      return value === '' ? 'is empty' : 'is not valid';
    default:
      return 'is not allowed';
  }
}

function unitOf(origin: string, count: number): string {
  return plural(origin === 'string' ? 'character' : 'item', count);
}

/** Returns a place within the input: `rules.allow[0]`. */
function formatPath(path: readonly PropertyKey[]): string {
  return path
    .map((segment, index) => {
      if (typeof segment === 'number') return `[${segment}]`;
      const name = String(segment);
      if (/^[A-Za-z_][\w-]{0,63}$/.test(name)) return index === 0 ? name : `.${name}`;
      return index === 0 ? quote(name) : `[${quote(name)}]`;
    })
    .join('');
}

/** Returns a value as JSON, cut at 64 characters, without the passwords of URLs and SIP URIs. */
export function showValue(value: unknown): string {
  if (typeof value === 'string') return quote(withoutPassword(value));
  const json = withoutPassword(toJson(value));
  const characters = [...json.slice(0, 2 * MAX_SHOWN + 2)];
  return characters.length > MAX_SHOWN ? `${characters.slice(0, MAX_SHOWN).join('')}…` : json;
}

function withoutPassword(text: string): string {
  return text.replace(/(:\/\/|sips?:[^:@\s]{0,512}:)[^/?#@\s]{0,512}@/gi, '$1…@');
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'the value';
  } catch {
    // It is nested too deeply.
    return Array.isArray(value) ? 'the array' : 'the object';
  }
}
