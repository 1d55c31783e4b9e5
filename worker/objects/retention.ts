/** How long the log of a site is kept. The Switchboard writes it; the webhooks read it before it is dropped. @module */
import { Limits } from '../../shared/policy/policy.ts';

/** The log consists of segments, which are dropped whole. */
export interface Retention {
  /** A segment is closed at this age, in milliseconds, … */
  readonly segmentMs: number;
  /** … or when it spans this many positions, … */
  readonly segmentPositions: number;
  /** … or when it has this many bytes. A turn takes one position, and each notification takes one. */
  readonly segmentBytes: number;
  /** With more bytes than this in the database, the oldest segments are dropped before their time. */
  readonly maxBytes: number;
  /** The bytes that the database may have. */
  readonly storedBytes: number;
  /** At most this many closed segments are kept, … */
  readonly maxSegments: number;
  /** … each for this long after it was closed, in milliseconds. */
  readonly segmentTtlMs: number;
}

/** Closed segments that are kept at most. */
const MAX_SEGMENTS = 5;

/** Into so many parts the bytes of a site are divided: closed segments, the one that is written to, and the rest. */
const PARTS = MAX_SEGMENTS + 2;

/** An hour or 500,000 positions (about 50,000 calls), whichever is less. */
export const DEFAULT_RETENTION: Retention = {
  segmentMs: 720_000,
  segmentPositions: 100_000,
  ...bytesFor(Limits.parse({}).stored_bytes),
  maxSegments: MAX_SEGMENTS,
  segmentTtlMs: 2_880_000,
};

/** Returns the limits for a database that is to have at most `storedBytes`: the segment that is written to has room left, and copies of what a dropped one has. */
function bytesFor(storedBytes: number): Pick<Retention, 'segmentBytes' | 'maxBytes' | 'storedBytes'> {
  const segmentBytes = Math.floor(storedBytes / PARTS);
  return { segmentBytes, maxBytes: storedBytes - 2 * segmentBytes, storedBytes };
}

/**
 * Returns a retention of at most `seconds` and `storedBytes`. A segment is dropped whole, when its first row reaches that age; its last
 * row is younger by up to the length of a segment, a fifth.
 */
export function retentionFor(seconds: number, storedBytes: number): Retention {
  const segmentMs = Math.round((seconds * 1_000) / DEFAULT_RETENTION.maxSegments);
  const segmentTtlMs = seconds * 1_000 - segmentMs;
  return { ...DEFAULT_RETENTION, ...bytesFor(storedBytes), segmentMs, segmentTtlMs };
}
