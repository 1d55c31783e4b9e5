/** The retention of the log follows the policy of the tenant. */
import { expect, it } from 'vitest';
import { DEFAULT_RETENTION, retentionFor } from './retention.ts';

it('keeps nothing longer than the given time, and everything for four fifths of it', () => {
  expect(retentionFor(3_600)).toEqual(DEFAULT_RETENTION);
  for (const seconds of [60, 901, 3_600]) {
    const { segmentMs, segmentTtlMs } = retentionFor(seconds);
    expect(segmentMs + segmentTtlMs).toBe(seconds * 1_000);
    expect(segmentTtlMs).toBeGreaterThanOrEqual(seconds * 800 - 1);
  }
});
