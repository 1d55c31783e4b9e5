/** Waits for what other objects do in their own time. */
import { vi } from 'vitest';

/** Far beyond what any of them takes on a busy machine: a check that never passes fails by it. */
const TIMEOUT_MS = 20_000;

/** Repeats `check` until it passes, and returns its result. Rejects with its last error after {@link TIMEOUT_MS}. */
export const eventually = <T>(check: () => T | Promise<T>): Promise<T> =>
  vi.waitFor(check, { timeout: TIMEOUT_MS });
