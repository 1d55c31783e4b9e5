/** What a test expects, in runtimes that have no test framework. @module */

/** Throws unless both are the same JSON; members that are undefined are none. */
export function same(actual: unknown, expected: unknown): void {
  const [is, should] = [JSON.stringify(sorted(actual)), JSON.stringify(sorted(expected))];
  if (is !== should) throw new Error(`it is ${is}, not ${should}`);
}

/** The error that it rejects with; throws where it does not reject. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const missing = new Error('it did not reject');
  const error: unknown = await promise.then(
    () => missing,
    (error: unknown) => error,
  );
  if (error === missing) throw missing;
  return error;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, each]) => [name, sorted(each)]),
  );
}
