/** Polls until a condition is met. @module */

const TIMEOUT_MS = 60_000;
const POLL_INTERVAL_MS = 5;

/**
 * Polls `condition` until it resolves to true. An error that it throws counts as false. Rejects with `description`
 * after {@link TIMEOUT_MS}.
 */
export async function waitUntil(description: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + TIMEOUT_MS;
  while (!(await condition().catch(() => false))) {
    if (performance.now() > deadline)
      throw new Error(`${description}: timed out after ${TIMEOUT_MS / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
  }
}
