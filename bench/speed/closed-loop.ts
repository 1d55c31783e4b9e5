/** So many operations under way at any time, each begun when another has ended. @module */

/** What a run has shown. */
export interface Sample {
  /** Milliseconds that each operation took. */
  readonly took: readonly number[];
  /** Milliseconds from the first one's start to the last one's end. */
  readonly elapsed: number;
}

/** A run that takes longer, in milliseconds, hangs: the longest takes some seconds. */
const PATIENCE_MS = 120_000;

/** How long a run is. */
export interface Length {
  /** So many operations at most; */
  readonly count: number;
  /** and none is begun after so many milliseconds. */
  readonly limitMs: number;
}

/** Runs operations 0, 1, … Rejects as soon as one does, or when it hangs. */
export async function closedLoop(
  { count, limitMs }: Length,
  inFlight: number,
  run: (k: number) => Promise<unknown>,
): Promise<Sample> {
  const took: number[] = [];
  let next = 0;
  const begun = performance.now();
  const lane = async () => {
    let now = performance.now();
    while (next < count && now - begun < limitMs) {
      const from = now;
      await run(next++);
      now = performance.now();
      took.push(now - from);
    }
  };
  const { promise: hung, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new Error(`${took.length} of ${count} operations ended within ${PATIENCE_MS / 1000} s`)),
    PATIENCE_MS,
  );
  try {
    await Promise.race([hung, Promise.all(Array.from({ length: inFlight }, lane))]);
    return { took, elapsed: performance.now() - begun };
  } finally {
    clearTimeout(timer);
  }
}
