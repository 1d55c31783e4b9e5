/** A snapshot of several pages is whole in the end, or is said not to be, also if its connection breaks. */
import { expect, it } from 'vitest';
import { runSnapshotBreaks } from './snapshot-breaks.ts';

it('completes a long snapshot after a break within it, with each change meanwhile', {
  timeout: 300_000,
}, async () => {
  const { violations, resumedWithin } = await runSnapshotBreaks(1, 4);
  expect(violations).toEqual([]);
  // Otherwise no break came in time.
  expect(resumedWithin).toBeGreaterThan(0);
});
