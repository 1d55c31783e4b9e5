/** The result of a scenario: its tables, and its targets with what was measured. @module */
import { table } from '../table.ts';
import type { Comparison } from './comparison.ts';

/** A target, and whether it is met. */
export interface TargetResult {
  readonly target: string;
  readonly isMet: boolean;
  /** What was measured, as text. */
  readonly measured: string;
}

export interface ScenarioResult {
  readonly tables: readonly string[];
  readonly targets: readonly TargetResult[];
  /** All measurements, for `--json`. */
  readonly measurements: unknown;
}

/** The comparisons at one size. */
export interface SizeResult {
  readonly size: number;
  readonly comparisons: readonly Comparison[];
}

/** The maximum ratio at the largest size. */
export const MAX_RATIO = 1.2;

/** Returns a table with a row for each size and cost. */
export function costTable(sizeLabel: string, results: readonly SizeResult[]): string {
  const rows = results.flatMap(({ size, comparisons }) =>
    comparisons.map(({ cost, unloaded, loaded, ratio }) => [
      formatCount(size),
      cost,
      unloaded.toFixed(3),
      loaded.toFixed(3),
      `${ratio.toFixed(2)} x`,
    ]),
  );
  return table([sizeLabel, 'cost in ms per command', 'without', 'with', 'ratio'], rows);
}

/** Compares the worst ratio at the largest size with {@link MAX_RATIO}. */
export function costTarget(load: string, results: readonly SizeResult[]): TargetResult {
  const largest = results.at(-1);
  const worst = largest?.comparisons.reduce((a, b) => (b.ratio > a.ratio ? b : a));
  return {
    target: `a command costs at most ${MAX_RATIO} x with ${formatCount(largest?.size ?? 0)} ${load}`,
    isMet: worst !== undefined && worst.ratio <= MAX_RATIO,
    measured: worst ? `${worst.ratio.toFixed(2)} x at worst (${worst.cost})` : 'nothing was measured',
  };
}

/** Returns a target's result as a line of text. */
export function targetLine({ target, isMet, measured }: TargetResult): string {
  return `${isMet ? 'met   ' : 'missed'}  ${target}: ${measured}\n`;
}

/** Formats 12345 as 12,345. */
export function formatCount(count: number): string {
  return count.toLocaleString('en');
}

/** @param megabytes of 2^20 bytes */
export function formatMegabytes(megabytes: number): string {
  return `${megabytes.toFixed(1)} MB`;
}
