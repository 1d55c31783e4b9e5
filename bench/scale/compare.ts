/** Two places beside one another: one that carries little, and one that carries much. @module */
import { median } from '../statistics.ts';
import type { Costs, Measure } from './cost.ts';

/** A cost in both places, each the median of its rounds, in milliseconds. */
export interface Comparison {
  readonly cost: string;
  readonly alone: number;
  readonly loaded: number;
  /** `loaded` by `alone`. */
  readonly ratio: number;
}

/** The two take turns, in changing order, so that whatever else the machine does falls on both. */
export async function compare(alone: Measure, loaded: Measure, rounds: number): Promise<Comparison[]> {
  const few: Costs[] = [];
  const much: Costs[] = [];
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? ([alone, loaded] as const) : ([loaded, alone] as const);
    for (const measure of order) (measure === alone ? few : much).push(await measure());
  }
  return Object.keys(few[0] ?? {}).map((cost) => {
    const of = (rounds: readonly Costs[]) => median(rounds.map((costs) => costs[cost] ?? Number.NaN));
    const figures = { alone: of(few), loaded: of(much) };
    return { cost, ...figures, ratio: figures.loaded / figures.alone };
  });
}
