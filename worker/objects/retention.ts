/** How long the log of a site is kept. The Switchboard writes it; the webhooks read it before it is dropped. @module */

/** The log consists of segments, which are dropped whole. */
export interface Retention {
  /** A segment is closed at this age, in milliseconds, … */
  readonly segmentMs: number;
  /** … or when it spans this many positions. A turn takes one, and each notification takes one. */
  readonly segmentPositions: number;
  /** At most this many closed segments are kept, … */
  readonly maxSegments: number;
  /** … each for this long after it was closed, in milliseconds. */
  readonly segmentTtlMs: number;
}

/** An hour or 500,000 positions (about 50,000 calls), whichever is less. */
export const DEFAULT_RETENTION: Retention = {
  segmentMs: 720_000,
  segmentPositions: 100_000,
  maxSegments: 5,
  segmentTtlMs: 2_880_000,
};

/**
 * Returns a retention of at most `seconds`. A segment is dropped whole, when its first row reaches that age; its last row
 * is younger by up to the length of a segment, a fifth.
 */
export function retentionFor(seconds: number): Retention {
  const segmentMs = Math.round((seconds * 1_000) / DEFAULT_RETENTION.maxSegments);
  return { ...DEFAULT_RETENTION, segmentMs, segmentTtlMs: seconds * 1_000 - segmentMs };
}
