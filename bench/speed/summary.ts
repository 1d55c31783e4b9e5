/** Summarizes the rounds of a benchmark and compares them with those of the durable relay. Pure. @module */
import { median, quantile, spread } from '../statistics.ts';
import type { Configuration } from './benchmark.ts';
import type { Sample } from './closed-loop.ts';

/** All rounds of a benchmark in one configuration. */
export interface Measurement {
  readonly name: string;
  readonly configuration: Configuration;
  readonly rounds: readonly Sample[];
}

export interface Summary {
  readonly name: string;
  readonly configuration: Configuration;
  /** Median of the rounds' medians, and the spread of the latter. */
  readonly medianMs: number;
  readonly medianSpread: number;
  /** Over all operations of all rounds. */
  readonly p99Ms: number;
  /** Median of the rounds' rates, and the spread of the latter. */
  readonly perSecond: number;
  readonly perSecondSpread: number;
  /** Each round is divided by the relay's round of the same number. These are the medians of the ratios. */
  readonly medianRatio: number;
  readonly perSecondRatio: number;
  readonly operations: number;
}

/** Summarizes a benchmark whose rounds alternated with those of `relay`. */
export function summarize({ name, configuration, rounds }: Measurement, relay: Measurement): Summary {
  const medians = rounds.map(medianMs);
  const rates = rounds.map(perSecond);
  const durationsMs = rounds.flatMap((round) => round.durationsMs);
  return {
    name,
    configuration,
    medianMs: median(medians),
    medianSpread: spread(medians),
    p99Ms: quantile(durationsMs, 0.99),
    perSecond: median(rates),
    perSecondSpread: spread(rates),
    medianRatio: median(ratios(medians, relay.rounds.map(medianMs))),
    perSecondRatio: median(ratios(rates, relay.rounds.map(perSecond))),
    operations: durationsMs.length,
  };
}

const medianMs = ({ durationsMs }: Sample): number => median(durationsMs);
const perSecond = ({ durationsMs, elapsedMs }: Sample): number => (durationsMs.length / elapsedMs) * 1000;

function ratios(values: readonly number[], references: readonly number[]): number[] {
  return values.map((value, round) => value / (references[round] ?? Number.NaN));
}
