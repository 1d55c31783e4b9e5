/** The speed that the product promises, and whether it is kept. Pure. @module */
import type { Workload } from '../project/workloads.ts';
import type { Place } from './contender.ts';
import type { Figures } from './figures.ts';

/** One client at one site; each figure is a multiple of the durable relay's. */
export interface Promised {
  readonly workload: Workload;
  readonly inFlight: number;
  readonly figure: 'median' | 'per second';
  /** A median is at most so much, a rate at least. */
  readonly target: number;
}

export const PROMISES: readonly Promised[] = [
  { workload: 'CallEnd', inFlight: 1, figure: 'median', target: 1.25 },
  { workload: 'CallStart', inFlight: 1, figure: 'median', target: 6 },
  { workload: 'CallEnd', inFlight: 64, figure: 'per second', target: 1 },
  { workload: 'CallHold', inFlight: 64, figure: 'per second', target: 0.5 },
];

/** A promise, held against what was measured. */
export interface Verdict extends Promised {
  readonly measured: number;
  readonly kept: boolean;
}

/** Where it is measured. */
export const placeOf = ({ inFlight }: Promised): Place => ({ inFlight, sockets: 1, tenants: 1 });

/** Of those promises whose figure is there. */
export function verdicts(figures: readonly Figures[]): Verdict[] {
  return PROMISES.flatMap((promised) => {
    const place = placeOf(promised);
    const found = figures.find((one) => one.name === promised.workload && isSame(one.place, place));
    if (!found) return [];
    const { figure, target } = promised;
    const measured = figure === 'median' ? found.medianRatio : found.perSecondRatio;
    return [{ ...promised, measured, kept: figure === 'median' ? measured <= target : measured >= target }];
  });
}

const isSame = (one: Place, other: Place): boolean =>
  one.inFlight === other.inFlight && one.sockets === other.sockets && one.tenants === other.tenants;
