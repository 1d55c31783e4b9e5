/** Does a command cost more if many sites share one workerd, each with its own adapter? @module */
import { cpuTimeMs, memoryUsage } from '../../process-usage.ts';
import { table } from '../../table.ts';
import { callCosts, echoCosts, type MeasureCosts } from '../command-cost.ts';
import { type Comparison, compareCosts } from '../comparison.ts';
import { ScaleHarness } from '../harness/harness.ts';
import { costTable, costTarget, formatCount, formatMegabytes, type ScenarioResult } from '../report.ts';

/** Sites during each measurement. */
export const DEFAULT_SIZES = [1, 10, 50, 200];

/** How long the processor time is observed while no client sends requests. */
const IDLE_MS = 3_000;

interface SizeMeasurement {
  readonly size: number;
  readonly comparisons: readonly Comparison[];
  /** Resident memory. */
  readonly edgeMb: number;
  readonly adaptersMb: number;
  /** The share of a core that each process uses while no client sends requests. */
  readonly edgeIdleCpuShare: number;
  readonly adaptersIdleCpuShare: number;
}

/** Compares a workerd with one site with a workerd with `sizes` sites, of which the newest is measured. */
export async function measure(sizes: readonly number[], rounds: number): Promise<ScenarioResult> {
  await using unloaded = await ScaleHarness.start();
  await using loaded = await ScaleHarness.start();
  const measureUnloaded = await measurementOf(unloaded, 0);
  await compareCosts(measureUnloaded, await measurementOf(loaded, 0), 1);
  const results: SizeMeasurement[] = [];
  for (const size of sizes) {
    await loaded.growTo(size);
    const measureNewest = await measurementOf(loaded, size - 1);
    await measureNewest();
    const comparisons = await compareCosts(measureUnloaded, measureNewest, rounds);
    results.push({ size, comparisons, ...(await measureIdle(loaded)) });
  }
  const [first] = results;
  const perAddedSite = (size: number, megabytes: number, firstMegabytes = 0) =>
    first && size > first.size ? formatMegabytes((megabytes - firstMegabytes) / (size - first.size)) : '-';
  const header = [
    'sites',
    'workerd',
    'per site',
    'adapters',
    'per site',
    'workerd idle CPU',
    'adapters idle CPU',
  ];
  const rows = results.map(({ size, edgeMb, adaptersMb, edgeIdleCpuShare, adaptersIdleCpuShare }) => [
    formatCount(size),
    formatMegabytes(edgeMb),
    perAddedSite(size, edgeMb, first?.edgeMb),
    formatMegabytes(adaptersMb),
    perAddedSite(size, adaptersMb, first?.adaptersMb),
    `${(edgeIdleCpuShare * 100).toFixed(1)} %`,
    `${(adaptersIdleCpuShare * 100).toFixed(1)} %`,
  ]);
  return {
    tables: [costTable('sites', results), table(header, rows)],
    targets: [costTarget('sites', results)],
    measurements: results,
  };
}

async function measurementOf(harness: ScaleHarness, site: number): Promise<MeasureCosts> {
  const client = await harness.client(site);
  return async () => ({ ...(await echoCosts(client)), ...(await callCosts(client, harness.edge)) });
}

async function measureIdle(harness: ScaleHarness): Promise<Omit<SizeMeasurement, 'size' | 'comparisons'>> {
  const cpuBefore = { edge: cpuTimeMs(harness.edge), adapters: cpuTimeMs(harness.adapters) };
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  return {
    edgeMb: memoryUsage(harness.edge).rssMb,
    adaptersMb: memoryUsage(harness.adapters).rssMb,
    edgeIdleCpuShare: (cpuTimeMs(harness.edge) - cpuBefore.edge) / IDLE_MS,
    adaptersIdleCpuShare: (cpuTimeMs(harness.adapters) - cpuBefore.adapters) / IDLE_MS,
  };
}
