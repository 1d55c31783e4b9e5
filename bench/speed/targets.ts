/** The speed targets, and whether a run meets them. Pure. @module */
import type { Workload } from '../call-api/workloads.ts';
import type { Configuration } from './benchmark.ts';
import type { Summary } from './summary.ts';

/** A bound on a multiple of the durable relay's figure, for one client at one site. */
export interface Target {
  readonly workload: Workload;
  readonly inFlight: number;
  readonly metric: 'median' | 'per second';
  /** A maximum for `median`, a minimum for `per second`. */
  readonly threshold: number;
}

export const TARGETS: readonly Target[] = [
  { workload: 'CallEnd', inFlight: 1, metric: 'median', threshold: 1.25 },
  { workload: 'CallStart', inFlight: 1, metric: 'median', threshold: 6 },
  { workload: 'CallEnd', inFlight: 64, metric: 'per second', threshold: 1 },
  { workload: 'CallHold', inFlight: 64, metric: 'per second', threshold: 0.5 },
];

/** A target with the measured ratio. */
export interface TargetResult extends Target {
  readonly measured: number;
  readonly isMet: boolean;
}

/** Returns the configuration in which a target is measured. */
export const configurationOf = ({ inFlight }: Target): Configuration => ({
  inFlight,
  sockets: 1,
  tenants: 1,
});

/** Returns the results of all targets that were measured. */
export function evaluateTargets(summaries: readonly Summary[]): TargetResult[] {
  return TARGETS.flatMap((target) => {
    const configuration = configurationOf(target);
    const summary = summaries.find(
      (candidate) =>
        candidate.name === target.workload && isSameConfiguration(candidate.configuration, configuration),
    );
    if (!summary) return [];
    const { metric, threshold } = target;
    const measured = metric === 'median' ? summary.medianRatio : summary.perSecondRatio;
    const isMet = metric === 'median' ? measured <= threshold : measured >= threshold;
    return [{ ...target, measured, isMet }];
  });
}

const isSameConfiguration = (a: Configuration, b: Configuration): boolean =>
  a.inFlight === b.inFlight && a.sockets === b.sockets && a.tenants === b.tenants;
