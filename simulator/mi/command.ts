/** An MI command: its parameters, how long it takes, and its result or error. @module */
import type { OpenSips } from '../opensips/opensips.ts';
import { isSince } from '../opensips/version.ts';
import type { Delays } from '../timing/delays.ts';

/** Parameters by name; none of them is null. */
export type Params = Readonly<Record<string, unknown>>;

export type MiCommand = {
  /** The accepted sets of parameters, as in OpenSIPS's source. They are matched by name and number. */
  readonly recipes: readonly (readonly string[])[];
  /** Additional sets since OpenSIPS 3.6. */
  readonly recipesSince36?: readonly (readonly string[])[];
  /** Additional sets since OpenSIPS 4.0. */
  readonly recipesSince4?: readonly (readonly string[])[];
  /** The delay of a successful reply. An error is sent at once (`blind-busy`: 491). */
  readonly replyDelay?: keyof Delays;
  /** Returns the result, or throws an MiError. */
  readonly run: (opensips: OpenSips, params: Params) => unknown;
};

/** An error reply of MI. The code is one of JSON-RPC's, or positive and similar to a SIP status. */
export class MiError extends Error {
  readonly code: number;
  readonly data: string | undefined;

  constructor(code: number, message: string, data?: string) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** -32602: the parameters do not match the command. */
export const invalidParams = (data: string): MiError => new MiError(-32602, 'Invalid params', data);

/** -32000: the command has failed. */
export const serverError = (data: string): MiError => new MiError(-32000, 'Server error', data);

/** Returns the parameters of a request. Throws if they match none of the command's recipes. */
export function matchParams(command: MiCommand, version: string, received: unknown): Params {
  if (Array.isArray(received)) throw invalidParams('Command only supports named parameters');
  const params = new Map(Object.entries(received ?? {}).filter(([, value]) => value !== null));
  const nullCount = Object.keys(received ?? {}).length - params.size;
  const recipes = [
    ...command.recipes,
    ...(isSince(version, 3, 6) ? (command.recipesSince36 ?? []) : []),
    ...(isSince(version, 4, 0) ? (command.recipesSince4 ?? []) : []),
  ];
  const sameNumber = recipes.filter((recipe) => recipe.length === params.size);
  if (nullCount > 0 || sameNumber.length === 0) throw invalidParams('Too few or too many parameters');
  if (!sameNumber.some((recipe) => recipe.every((name) => params.has(name)))) {
    throw invalidParams('Named parameters do not match');
  }
  return Object.fromEntries(params);
}

/** Returns a string parameter. */
export function stringParam(params: Params, name: string): string {
  const value = params[name];
  if (typeof value !== 'string') throw invalidParams(`Bad type for parameter '${name}'`);
  return value;
}

/** Returns an integer parameter. Like OpenSIPS, it accepts digits in a string. */
export function integerParam(params: Params, name: string): number {
  const value = params[name];
  const number = typeof value === 'string' ? Number.parseInt(value, 10) : value;
  if (typeof number !== 'number' || !Number.isInteger(number)) {
    throw invalidParams(`Bad type for parameter '${name}'`);
  }
  return number;
}
