/** Compares the costs of commands in two systems: one without load and one with it. @module */
import { median } from '../statistics.ts';
import type { Costs, MeasureCosts } from './command-cost.ts';

/** A cost in both systems: the medians of the rounds, in milliseconds. */
export interface Comparison {
  readonly cost: string;
  readonly unloaded: number;
  readonly loaded: number;
  /** `loaded` divided by `unloaded`. */
  readonly ratio: number;
}

/** Measures both systems in each round, in alternating order, so that other load on the machine affects both alike. */
export async function compareCosts(
  measureUnloaded: MeasureCosts,
  measureLoaded: MeasureCosts,
  rounds: number,
): Promise<Comparison[]> {
  const unloadedRounds: Costs[] = [];
  const loadedRounds: Costs[] = [];
  for (let round = 0; round < rounds; round++) {
    if (round % 2 === 0) unloadedRounds.push(await measureUnloaded());
    loadedRounds.push(await measureLoaded());
    if (round % 2 === 1) unloadedRounds.push(await measureUnloaded());
  }
  return Object.keys(unloadedRounds[0] ?? {}).map((cost) => {
    const medianOf = (costs: readonly Costs[]) => median(costs.map((round) => round[cost] ?? Number.NaN));
    const [unloaded, loaded] = [medianOf(unloadedRounds), medianOf(loadedRounds)];
    return { cost, unloaded, loaded, ratio: loaded / unloaded };
  });
}
