/** The figures as text. Pure. @module */
import { table } from '../table.ts';
import type { Figures } from './figures.ts';
import type { Verdict } from './promises.ts';

const HEADER = [
  'what',
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

/** A table, a line for each contender at each place. */
export function figuresTable(figures: readonly Figures[]): string {
  const rows = figures.map((one) => [
    one.name,
    String(one.place.tenants),
    String(one.place.sockets),
    String(one.place.inFlight),
    one.medianMs.toFixed(3),
    one.medianRatio.toFixed(2),
    percent(one.medianSpread),
    one.p99Ms.toFixed(2),
    one.perSecond.toFixed(0),
    one.perSecondRatio.toFixed(2),
    percent(one.perSecondSpread),
  ]);
  return table(HEADER, rows);
}

/** A table, a line for each promise. */
export function verdictsTable(verdicts: readonly Verdict[]): string {
  const rows = verdicts.map(({ workload, inFlight, figure, target, measured, kept }) => [
    `${workload}, ${inFlight} in flight`,
    figure,
    measured.toFixed(2),
    `${figure === 'median' ? 'at most' : 'at least'} ${target.toFixed(2)}`,
    kept ? 'met' : 'MISSED',
  ]);
  return table(['promised', 'figure', 'x relay', 'target', ''], rows);
}

/** What stands under the tables. */
export const LEGEND = `x relay: by the durable relay's figure of the same round, the median of that. spread: of the rounds, (max - min) / median.
A command counts from the request sent to its Ended.
`;

const percent = (share: number): string => `${(share * 100).toFixed(0)} %`;
