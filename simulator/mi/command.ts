/** What an MI command is: which parameters it takes, how long it takes, what it answers. */
import type { Gaps } from '../gaps.ts';
import type { Opensips } from '../opensips.ts';

/** Parameters by name; none of them is null. */
export type Params = Readonly<Record<string, unknown>>;

/** One MI command. */
export type Command = {
  /** The sets of parameters that it takes, as in OpenSIPS's source: matched by name and number. */
  readonly recipes: readonly (readonly string[])[];
  /** More of them from OpenSIPS 4.0 on. */
  readonly recipesOf4?: readonly (readonly string[])[];
  /** How long from the request to its result; an error takes no time (`blind-busy`: 491). */
  readonly takes?: keyof Gaps;
  /** Returns the result, or throws an MiError. */
  readonly run: (opensips: Opensips, params: Params) => unknown;
};

/** An error reply of MI (README, MI point 5). */
export class MiError extends Error {
  readonly code: number;
  readonly data: string | undefined;

  constructor(code: number, message: string, data?: string) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** -32602: the parameters are not what the command takes. */
export const invalidParams = (data: string): MiError => new MiError(-32602, 'Invalid params', data);

/** -32000: the command has failed. */
export const serverError = (data: string): MiError => new MiError(-32000, 'Server error', data);

/** The parameters of a request, if they match one of the command's recipes. */
export function matchParams(command: Command, version: string, given: unknown): Params {
  if (Array.isArray(given)) throw invalidParams('Command only supports named parameters');
  const params = new Map(Object.entries(given ?? {}).filter(([, value]) => value !== null));
  const nulls = Object.keys(given ?? {}).length - params.size;
  const recipes = [...command.recipes, ...(isVersion4(version) ? (command.recipesOf4 ?? []) : [])];
  const sameNumber = recipes.filter((recipe) => recipe.length === params.size);
  if (nulls > 0 || sameNumber.length === 0) throw invalidParams('Too few or too many parameters');
  if (!sameNumber.some((recipe) => recipe.every((name) => params.has(name)))) {
    throw invalidParams('Named parameters do not match');
  }
  return Object.fromEntries(params);
}

const isVersion4 = (version: string): boolean => /\(4\./.test(version);

/** A parameter that must be a string. */
export function text(params: Params, name: string): string {
  const value = params[name];
  if (typeof value !== 'string') throw invalidParams(`Bad type for parameter '${name}'`);
  return value;
}

/** A parameter that must be a whole number; digits in a string will do, as they do for OpenSIPS. */
export function wholeNumber(params: Params, name: string): number {
  const value = params[name];
  const number = typeof value === 'string' ? Number.parseInt(value, 10) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) {
    throw invalidParams(`Bad type for parameter '${name}'`);
  }
  return number;
}
