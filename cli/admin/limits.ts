/** Reads `--limit NAME=N`. Pure. @module */
import type * as z from 'zod';
import { Limits } from '../../shared/policy/policy.ts';
import { alternatives, quote } from '../../shared/settings/quote.ts';
import { EXIT, Failure } from '../exit.ts';

/** Adds a limit as `NAME=N` to those before it; null resets it to its default. */
export function collectLimit(
  text: string,
  previous: Readonly<Record<string, number | null>> = {},
): Readonly<Record<string, number | null>> {
  const fail = (fault: string) => {
    throw new Failure(EXIT.usage, `--limit: ${quote(text)} ${fault}`);
  };
  const [, name = '', value = ''] = /^([^=]+)=(.+)$/s.exec(text) ?? [];
  if (name === '') fail('is not NAME=N. Write it like starts_per_second=10, or starts_per_second=default.');
  const limits: Readonly<Record<string, z.ZodType>> = Limits.shape;
  const limit = Object.hasOwn(limits, name) ? limits[name] : undefined;
  if (!limit) return fail(`is not a limit. Use ${alternatives(Object.keys(limits))}.`);
  if (value === 'default') return { ...previous, [name]: null };
  const number = /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  if (!limit.safeParse(number).success) fail(`is out of range. Use ${rangeOf(name)}, or default.`);
  return { ...previous, [name]: number };
}

/** Returns the values of a limit, such as `1 to 10000`. */
function rangeOf(name: string): string {
  const { minValue, maxValue, isInt } = Limits.shape[name as keyof Limits].unwrap();
  return `${isInt ? 'a whole number' : 'a number'} from ${minValue} to ${maxValue}`;
}
