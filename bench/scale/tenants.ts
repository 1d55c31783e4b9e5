/** Does a command cost more where many sites share one workerd, each with its adapter? @module */
import { table } from '../table.ts';
import { type Comparison, compare } from './compare.ts';
import { callCosts, echoCosts, type Measure } from './cost.ts';
import { costTable, costVerdict, count, megabytes, type Outcome } from './outcome.ts';
import { cpu, footprint } from './processes.ts';
import { Stage } from './stage.ts';

/** Sites during each measurement. */
export const SIZES = [1, 10, 50, 200];

/** So long the processor time is watched while nobody asks anything, in milliseconds. */
const QUIET_MS = 3_000;

interface Round {
  readonly size: number;
  readonly costs: readonly Comparison[];
  /** Resident memory in MB. */
  readonly edge: number;
  readonly adapters: number;
  /** The share of a core that each uses while no client asks anything. */
  readonly edgeIdle: number;
  readonly adaptersIdle: number;
}

/** One workerd with a single site stands beside one with `sizes` of them; the newest site is the one that is asked. */
export async function tenants(sizes: readonly number[], rounds: number): Promise<Outcome> {
  await using few = await Stage.open();
  await using many = await Stage.open();
  const alone = await measureAt(few, 0);
  await compare(alone, await measureAt(many, 0), 1);
  const all: Round[] = [];
  for (const size of sizes) {
    await many.grow(size);
    const newest = await measureAt(many, size - 1);
    await newest();
    const costs = await compare(alone, newest, rounds);
    all.push({ size, costs, ...(await atRest(many)) });
  }
  const [first] = all;
  const header = [
    'sites',
    'workerd',
    'to a site',
    'adapters',
    'to a site',
    'workerd at rest',
    'adapters at rest',
  ];
  const rows = all.map(({ size, edge, adapters, edgeIdle, adaptersIdle }) => [
    count(size),
    megabytes(edge),
    first && size > first.size ? megabytes((edge - first.edge) / (size - first.size)) : '-',
    megabytes(adapters),
    first && size > first.size ? megabytes((adapters - first.adapters) / (size - first.size)) : '-',
    `${(edgeIdle * 100).toFixed(1)} %`,
    `${(adaptersIdle * 100).toFixed(1)} %`,
  ]);
  return {
    tables: [costTable('sites', all), table(header, rows)],
    verdicts: [costVerdict('sites', all)],
    figures: all,
  };
}

async function measureAt(stage: Stage, site: number): Promise<Measure> {
  const client = await stage.client(site);
  return async () => ({ ...(await echoCosts(client)), ...(await callCosts(client, stage.edge)) });
}

/** A stretch of time is what is measured here, so it is waited for. */
async function atRest(stage: Stage): Promise<Omit<Round, 'size' | 'costs'>> {
  const used = { edge: cpu(stage.edge), adapters: cpu(stage.adapters) };
  await new Promise((resume) => setTimeout(resume, QUIET_MS));
  return {
    edge: footprint(stage.edge).rss,
    adapters: footprint(stage.adapters).rss,
    edgeIdle: (cpu(stage.edge) - used.edge) / QUIET_MS,
    adaptersIdle: (cpu(stage.adapters) - used.adapters) / QUIET_MS,
  };
}
