/** Formats the results of the speed benchmark as text. Pure. @module */
import { table } from '../table.ts';
import type { Summary } from './summary.ts';
import type { TargetResult } from './targets.ts';

const SUMMARY_HEADER = [
  'benchmark',
  'tenants',
  'sockets',
  'in flight',
  'median ms',
  'x relay',
  'spread',
  'p99 ms',
  'per second',
  'x relay',
  'spread',
];

/** Returns a table with a row for each benchmark in each configuration. */
export function summaryTable(summaries: readonly Summary[]): string {
  const rows = summaries.map((summary) => [
    summary.name,
    String(summary.configuration.tenants),
    String(summary.configuration.sockets),
    String(summary.configuration.inFlight),
    summary.medianMs.toFixed(3),
    summary.medianRatio.toFixed(2),
    percent(summary.medianSpread),
    summary.p99Ms.toFixed(2),
    summary.perSecond.toFixed(0),
    summary.perSecondRatio.toFixed(2),
    percent(summary.perSecondSpread),
  ]);
  return table(SUMMARY_HEADER, rows);
}

/** Returns a table with a row for each target. */
export function targetTable(results: readonly TargetResult[]): string {
  const rows = results.map(({ workload, inFlight, metric, threshold, measured, isMet }) => [
    `${workload}, ${inFlight} in flight`,
    metric,
    measured.toFixed(2),
    `${metric === 'median' ? 'at most' : 'at least'} ${threshold.toFixed(2)}`,
    isMet ? 'met' : 'MISSED',
  ]);
  return table(['target', 'metric', 'x relay', 'threshold', ''], rows);
}

/** Explains the columns. */
export const LEGEND = `x relay: each round divided by the durable relay's round of the same number; the median of these ratios.
spread: (max - min) / median, over the rounds.
A command is measured from its request to its Ended event.
`;

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
