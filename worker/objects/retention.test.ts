/** The retention of the log follows the policy of the tenant. */
import { expect, it } from 'vitest';
import { Limits } from '../../shared/policy/policy.ts';
import { DEFAULT_RETENTION, retentionFor } from './retention.ts';

const { stored_bytes } = Limits.parse({});

it('keeps nothing longer than the given time, and everything for four fifths of it', () => {
  expect(retentionFor(3_600, stored_bytes)).toEqual(DEFAULT_RETENTION);
  for (const seconds of [60, 901, 3_600]) {
    const { segmentMs, segmentTtlMs } = retentionFor(seconds, stored_bytes);
    expect(segmentMs + segmentTtlMs).toBe(seconds * 1_000);
    expect(segmentTtlMs).toBeGreaterThanOrEqual(seconds * 800 - 1);
  }
});

it('leaves room in the budget for the segment that is written to', () => {
  for (const budget of [16_777_216, stored_bytes]) {
    const { segmentBytes, maxBytes, maxSegments } = retentionFor(3_600, budget);
    expect(maxBytes + segmentBytes).toBeLessThanOrEqual(budget);
    expect((maxSegments + 1) * segmentBytes).toBeLessThan(budget);
  }
});
