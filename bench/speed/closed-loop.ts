/** A closed-loop load generator: a fixed number of concurrent operations, each started when another has ended. @module */

/** The measurements of one round. */
export interface Sample {
  /** The duration of each operation. */
  readonly durationsMs: readonly number[];
  /** From the start of the first operation to the end of the last one. */
  readonly elapsedMs: number;
}

/** When to give up on a round. The longest takes a few seconds. */
const TIMEOUT_MS = 120_000;

/** A round ends with whichever limit is reached first. */
export interface RoundLimits {
  /** Maximum number of operations. */
  readonly count: number;
  /** No operation starts later than this after the start of the round. */
  readonly limitMs: number;
}

/** Runs operations 0, 1, … Rejects as soon as one of them rejects, or after {@link TIMEOUT_MS}. */
export async function runClosedLoop(
  { count, limitMs }: RoundLimits,
  inFlight: number,
  run: (k: number) => Promise<unknown>,
): Promise<Sample> {
  const durationsMs: number[] = [];
  let next = 0;
  const roundStart = performance.now();
  const worker = async () => {
    let now = performance.now();
    while (next < count && now - roundStart < limitMs) {
      const start = now;
      await run(next++);
      now = performance.now();
      durationsMs.push(now - start);
    }
  };
  const { promise: timeout, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () =>
      reject(new Error(`${durationsMs.length} of ${count} operations ended within ${TIMEOUT_MS / 1000} s`)),
    TIMEOUT_MS,
  );
  try {
    await Promise.race([timeout, Promise.all(Array.from({ length: inFlight }, worker))]);
    return { durationsMs, elapsedMs: performance.now() - roundStart };
  } finally {
    clearTimeout(timer);
  }
}
