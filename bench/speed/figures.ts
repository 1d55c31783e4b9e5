/** What the rounds of a contender come to, and how that stands to the durable relay's. Pure. @module */
import { median, quantile, spread } from '../statistics.ts';
import type { Sample } from './closed-loop.ts';
import type { Place } from './contender.ts';

/** A contender's rounds at a place. */
export interface Measured {
  readonly name: string;
  readonly place: Place;
  readonly rounds: readonly Sample[];
}

/** Times in milliseconds. */
export interface Figures {
  readonly name: string;
  readonly place: Place;
  /** The median round's median, and how far the rounds' medians lie apart. */
  readonly medianMs: number;
  readonly medianSpread: number;
  /** Of all operations of all rounds. */
  readonly p99Ms: number;
  /** The median round's. */
  readonly perSecond: number;
  readonly perSecondSpread: number;
  /** To the relay, each round to the relay's of the same round: the median of that. */
  readonly medianRatio: number;
  readonly perSecondRatio: number;
  readonly operations: number;
}

/** Figures of what was measured in turns with `relay`. */
export function figuresOf({ name, place, rounds }: Measured, relay: Measured): Figures {
  const medians = rounds.map(medianMs);
  const rates = rounds.map(perSecond);
  const all = rounds.flatMap(({ took }) => took);
  return {
    name,
    place,
    medianMs: median(medians),
    medianSpread: spread(medians),
    p99Ms: quantile(all, 0.99),
    perSecond: median(rates),
    perSecondSpread: spread(rates),
    medianRatio: median(ratios(medians, relay.rounds.map(medianMs))),
    perSecondRatio: median(ratios(rates, relay.rounds.map(perSecond))),
    operations: all.length,
  };
}

const medianMs = ({ took }: Sample): number => median(took);
const perSecond = ({ took, elapsed }: Sample): number => (took.length / elapsed) * 1000;

function ratios(values: readonly number[], others: readonly number[]): number[] {
  return values.map((value, round) => value / (others[round] ?? Number.NaN));
}
