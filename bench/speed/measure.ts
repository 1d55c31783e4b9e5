/** Measures contenders in turns. @module */
import { DURABLE_RELAY, floorContenders } from '../floor/contenders.ts';
import { projectContenders } from '../project/workloads.ts';
import { closedLoop, type Length, type Sample } from './closed-loop.ts';
import type { Contender, Place } from './contender.ts';
import { type Figures, figuresOf, type Measured } from './figures.ts';
import type { Plan, Stop } from './plan.ts';
import { startWorld, type World } from './world.ts';

/** Figures of each contender at each stop. `tell` hears what is under way. */
export async function measure(plan: Plan, tell: (what: string) => void): Promise<Figures[]> {
  const figures: Figures[] = [];
  const tenants = new Set(plan.stops.map(({ place }) => place.tenants));
  for (const each of tenants) {
    tell(`starting for ${each} ${each === 1 ? 'tenant' : 'tenants'}`);
    await using world = await startWorld(each, plan.data);
    for (const stop of plan.stops.filter(({ place }) => place.tenants === each)) {
      figures.push(...(await Promise.race([world.died, measureStop(stop, world, plan, tell)])));
    }
  }
  return figures;
}

async function measureStop(
  { place, workloads }: Stop,
  world: World,
  plan: Plan,
  tell: (what: string) => void,
): Promise<Figures[]> {
  await using opened = new AsyncDisposableStack();
  const contenders = [
    ...(await floorContenders(world, place, opened)),
    ...(await projectContenders(workloads, world, place, opened)),
  ];
  const length = plan.length(place.inFlight);
  const rounds = new Map<string, Sample[]>(contenders.map(({ name }) => [name, []]));
  // The first is not counted: until then code is compiled and sockets are opened.
  for (let round = 0; round <= plan.rounds; round++) {
    for (const contender of contenders) {
      tell(
        `${describe(place)}, ${round === 0 ? 'warming up' : `round ${round} of ${plan.rounds}`}: ${contender.name}`,
      );
      const sample = await once(contender, length, place.inFlight);
      if (round > 0) rounds.get(contender.name)?.push(sample);
    }
  }
  const measured = (name: string): Measured => ({ name, place, rounds: rounds.get(name) ?? [] });
  const relay = measured(DURABLE_RELAY);
  return contenders.map(({ name }) => figuresOf(measured(name), relay));
}

async function once(contender: Contender, length: Length, inFlight: number): Promise<Sample> {
  const prepared = await contender.prepare(length.count);
  const sample = await closedLoop(length, inFlight, prepared.run).catch((error: unknown) => {
    throw new Error(`${contender.name} failed`, { cause: error });
  });
  await prepared.clear();
  return sample;
}

function describe({ tenants, sockets, inFlight }: Place): string {
  return `${tenants} tenants, ${sockets} sockets, ${inFlight} in flight`;
}
