/** Waiting for something that only says how it stands when it is asked. @module */

/** What takes longer than this, in milliseconds, will not come. */
const PATIENCE_MS = 60_000;
/** Between two questions, in milliseconds. */
const PAUSE_MS = 5;

/** Asks again and again until it is so; what it throws counts as no. Rejects with `what` when it takes too long. */
export async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!(await condition().catch(() => false))) {
    if (performance.now() > deadline) throw new Error(`${what}: not within ${PATIENCE_MS / 1000} s`);
    await new Promise((resume) => setTimeout(resume, PAUSE_MS));
  }
}
