/** Waits for what another process does. @module */
import { StartError } from './start-error.ts';

const POLL_INTERVAL_MS = 25;

export interface WaitOptions {
  /** Until the wait fails, also while the condition itself is waiting. */
  readonly timeoutMs: number;
  /** Whether there is nothing to wait for any more. */
  readonly isStopping: () => boolean;
}

/**
 * Resolves when the condition is met; rejects with a {@link StartError} if it is not in time, or if a part has ended meanwhile.
 * @param condition a rejection counts as not met; `signal` is aborted at the deadline
 * @param problem the beginning of the error
 */
export async function waitUntil(
  condition: (signal: AbortSignal) => Promise<boolean>,
  problem: string,
  { timeoutMs, isStopping }: WaitOptions,
): Promise<void> {
  const deadline = AbortSignal.timeout(timeoutMs);
  while (!(await condition(deadline).catch(() => false))) {
    if (isStopping()) throw new StartError('A part has ended.');
    if (deadline.aborted)
      throw new StartError(`${problem} within ${timeoutMs / 1_000} s. Its messages are above.`);
    await new Promise((resume) => setTimeout(resume, POLL_INTERVAL_MS));
  }
  if (isStopping()) throw new StartError('A part has ended.');
}
