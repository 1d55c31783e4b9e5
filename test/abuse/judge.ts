/** Compares what an attack did to the others with what it may do. Pure. @module */
import { quantile } from '../../bench/statistics.ts';
import { MAX_WAL_BYTES, type StorageResult } from './storage-check.ts';
import type { AttackReport } from './tally.ts';

/** One run of an attack. */
export interface RunResult {
  readonly attack: AttackReport;
  /** Latencies of the victim without and with the attack, in milliseconds. */
  readonly before: Latency;
  readonly during: Latency;
  /** V8's heap after a collection, in MB; null if it could not be measured. */
  readonly heapMb: { readonly idle: number; readonly after: number } | null;
  /** Resident memory of the edge's processes, in MB. */
  readonly rssMb: { readonly idle: number; readonly after: number };
  /** Sockets of others that were disconnected. */
  readonly disconnected: number;
  /** How long a new client of the victim needed to connect during the attack, in milliseconds; null for longer than 10 s. */
  readonly connectMs: number | null;
  /** Requests of the victim that were answered with an error. */
  readonly errors: number;
  /** Whether the process of the edge still runs. */
  readonly isEdgeAlive: boolean;
  /** What the attack has stored, if that is limited. */
  readonly storage?: StorageResult;
}

export interface Latency {
  readonly p50: number;
  readonly p99: number;
  readonly slowest: number;
}

/** What an attack may take from the victim beyond its own latency without the attack, in milliseconds. */
export const MAX_P99_MS = 100;
export const MAX_SLOWEST_MS = 500;
/** How much V8's heap may grow, in MB. */
export const MAX_HEAP_MB = 60;
/** "At once" for a client of another tenant that connects, in milliseconds. */
export const MAX_CONNECT_MS = 500;

/** Returns the latency of a set of requests. */
export function latencyOf(latencies: readonly number[]): Latency {
  const at = (q: number) => quantile(latencies, q);
  return { p50: at(0.5), p99: at(0.99), slowest: at(1) };
}

/** Returns how much slower the victim was than without the attack, in milliseconds. */
export function slowdown({ before, during }: Pick<RunResult, 'before' | 'during'>): Latency {
  return {
    p50: during.p50 - before.p50,
    p99: during.p99 - before.p99,
    slowest: during.slowest - before.slowest,
  };
}

/** Returns how much the heap has grown, in MB; undefined if it was not measured. */
export function heapGrowth({ heapMb }: Pick<RunResult, 'heapMb'>): number | undefined {
  return heapMb === null ? undefined : heapMb.after - heapMb.idle;
}

/**
 * Returns a sentence for each way in which an attack was felt by others or not refused. Of several runs the median of each
 * figure counts.
 */
export function shortcomings(runs: readonly RunResult[], refusals: RegExp | undefined): string[] {
  const median = (figure: (run: RunResult) => number) => quantile(runs.map(figure), 0.5);
  const p99 = median((run) => slowdown(run).p99);
  const slowest = median((run) => slowdown(run).slowest);
  const heap = median((run) => heapGrowth(run) ?? 0);
  const connect = median(({ connectMs }) => connectMs ?? Number.POSITIVE_INFINITY);
  const disconnected = runs.reduce((sum, run) => sum + run.disconnected, 0);
  const isRefused = ({ attack }: RunResult) =>
    [...Object.keys(attack.refusals), ...Object.keys(attack.closes)].some(
      (name) => refusals?.test(name) ?? true,
    );
  // NaN: the victim got no answer at all.
  return [
    ...(p99 <= MAX_P99_MS
      ? []
      : [`p99 is ${Math.round(p99)} ms above that without attack (at most ${MAX_P99_MS})`]),
    ...(slowest <= MAX_SLOWEST_MS
      ? []
      : [
          `the slowest answer is ${Math.round(slowest)} ms above that without attack (at most ${MAX_SLOWEST_MS})`,
        ]),
    ...(heap <= MAX_HEAP_MB ? [] : [`the heap has grown by ${Math.round(heap)} MB (at most ${MAX_HEAP_MB})`]),
    ...(connect <= MAX_CONNECT_MS
      ? []
      : [
          `a new client of another tenant needs ${Math.round(connect)} ms to connect (at most ${MAX_CONNECT_MS})`,
        ]),
    ...(disconnected === 0 ? [] : [`${disconnected} sockets of others were disconnected`]),
    ...runs.flatMap(({ storage }) => (storage ? storageShortcomings(storage) : [])),
    ...(runs.every(({ isEdgeAlive }) => isEdgeAlive) ? [] : ['the edge has ended']),
    ...(refusals === undefined || runs.some(isRefused) ? [] : ['the attacker was not refused anything']),
  ];
}

/** Returns a sentence for each way in which a site has stored too much, or has not told so. */
function storageShortcomings({ diskBytes, budget, isGapReported }: StorageResult): string[] {
  return [
    ...(diskBytes <= budget + MAX_WAL_BYTES
      ? []
      : [
          `the site takes ${diskBytes} bytes on disk, and its limit is ${budget}, beside the write-ahead log`,
        ]),
    ...(isGapReported ? [] : ['a session that resumes was not told that something is missing']),
  ];
}
