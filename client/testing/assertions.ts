/** Assertions for tests that run in runtimes without a test framework. @module */

/** Throws unless both values are the same JSON. Members that are undefined do not count. */
export function assertEqual(actual: unknown, expected: unknown): void {
  const [actualJson, expectedJson] = [JSON.stringify(sorted(actual)), JSON.stringify(sorted(expected))];
  if (actualJson !== expectedJson) throw new Error(`expected ${expectedJson}, got ${actualJson}`);
}

/** Returns the error that the promise rejects with; throws if it resolves. */
export async function rejectionOf(promise: Promise<unknown>): Promise<unknown> {
  const resolved = new Error('expected a rejection, but the promise resolved');
  const error: unknown = await promise.then(
    () => resolved,
    (error: unknown) => error,
  );
  if (error === resolved) throw resolved;
  return error;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, member]) => [name, sorted(member)]),
  );
}
