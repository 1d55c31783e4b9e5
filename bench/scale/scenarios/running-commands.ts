/**
 * Does a command cost more while many commands run? Measured twice: with the edge alone, where each running command
 * waits for a ringing caller without any traffic; and with the full path, where the callees ring and the edge polls each
 * dialog (`DIALOG_POLL_INTERVAL_MS` and `MAX_DIALOG_POLL_INTERVAL_MS` in shared/commands/deadlines.ts).
 * @module
 */
import { cpuTimeMs, memoryUsage } from '../../process-usage.ts';
import { table } from '../../table.ts';
import { callCosts, echoCosts, linkCosts, type MeasureCosts } from '../command-cost.ts';
import { type Comparison, compareCosts } from '../comparison.ts';
import type { ScaleClient } from '../harness/client.ts';
import { ScaleHarness } from '../harness/harness.ts';
import { connectScriptedAdapter } from '../harness/scripted-adapter.ts';
import { costTable, costTarget, formatCount, formatMegabytes, type ScenarioResult } from '../report.ts';

/** Commands that run during each measurement. */
export const DEFAULT_SIZES = [1, 100, 1_000, 10_000];

/** CallStarts that are started concurrently, until they ring. */
const STARTS_IN_FLIGHT = 64;

/** The maximum ringing timeout that CallStart accepts. */
const CALLER_TIMEOUT_SECONDS = 180;

/** How long the processor time is observed while no client sends requests. */
const IDLE_MS = 3_000;

interface SizeMeasurement {
  readonly size: number;
  readonly comparisons: readonly Comparison[];
  /** Commands that ran before and after the measurement. */
  readonly runningBefore: number;
  readonly runningAfter: number;
  /** CallStarts per second until they rang. */
  readonly startsPerSecond: number;
  /** The share of a core that workerd uses while no client sends requests. */
  readonly idleCpuShare: number;
  /** Resident memory of workerd and of the adapters' process. */
  readonly edgeMb: number;
  readonly adaptersMb: number;
}

export async function measure(sizes: readonly number[], rounds: number): Promise<ScenarioResult> {
  const edgeOnly = await measureEdgeOnly(sizes, rounds);
  const fullPath = await measureFullPath(sizes, rounds);
  return {
    tables: [
      costTable('callers ringing', edgeOnly),
      resourceTable(edgeOnly),
      costTable('callees ringing', fullPath),
      resourceTable(fullPath),
    ],
    targets: [
      costTarget('running commands (callers ringing, edge alone)', edgeOnly),
      costTarget('running commands (callees ringing, full path)', fullPath),
    ],
    measurements: { edgeOnly, fullPath },
  };
}

async function measureEdgeOnly(sizes: readonly number[], rounds: number): Promise<SizeMeasurement[]> {
  await using unloaded = await ScaleHarness.start({ sites: 0 });
  await using loaded = await ScaleHarness.start({ sites: 0 });
  for (const harness of [unloaded, loaded]) {
    await connectScriptedAdapter(harness.url('adapter', 0));
    await harness.waitForAdapter(0);
  }
  const measurementOf = async (harness: ScaleHarness): Promise<MeasureCosts> => {
    const client = await harness.client();
    return async () => ({ ...(await echoCosts(client)), ...(await linkCosts(client, harness.edge)) });
  };
  const measurements = [await measurementOf(unloaded), await measurementOf(loaded)] as const;
  return await measureSizes(loaded, measurements, sizes, rounds, (client, n) =>
    client.run(
      'CallStart',
      { caller: uri(`ring.${n}`), callee: uri('bob'), timeout: CALLER_TIMEOUT_SECONDS },
      'CallerRinging',
    ),
  );
}

async function measureFullPath(sizes: readonly number[], rounds: number): Promise<SizeMeasurement[]> {
  await using unloaded = await ScaleHarness.start();
  await using loaded = await ScaleHarness.start();
  const measurementOf = async (harness: ScaleHarness): Promise<MeasureCosts> => {
    const client = await harness.client();
    return async () => ({ ...(await echoCosts(client)), ...(await callCosts(client, harness.edge)) });
  };
  const measurements = [await measurementOf(unloaded), await measurementOf(loaded)] as const;
  return await measureSizes(loaded, measurements, sizes, rounds, (client, n) =>
    client.run('CallStart', { caller: uri(`keep.${n}`), callee: uri(`ring.${n}`) }, 'TransferStart'),
  );
}

/** @param startCommand starts a command that keeps running, and resolves when it rings */
async function measureSizes(
  harness: ScaleHarness,
  [measureUnloaded, measureLoaded]: readonly [MeasureCosts, MeasureCosts],
  sizes: readonly number[],
  rounds: number,
  startCommand: (client: ScaleClient, n: number) => Promise<unknown>,
): Promise<SizeMeasurement[]> {
  await compareCosts(measureUnloaded, measureLoaded, 1);
  const client = await harness.client();
  const results: SizeMeasurement[] = [];
  let started = 0;
  for (const size of sizes) {
    const missing = size - (await harness.health()).running;
    const start = performance.now();
    let remaining = missing;
    const worker = async () => {
      while (remaining-- > 0) await startCommand(client, started++);
    };
    await Promise.all(Array.from({ length: STARTS_IN_FLIGHT }, worker));
    const startsPerSecond = missing / ((performance.now() - start) / 1000);
    const runningBefore = (await harness.health()).running;
    const comparisons = await compareCosts(measureUnloaded, measureLoaded, rounds);
    const runningAfter = (await harness.health()).running;
    const idleCpuShare = await measureIdleCpuShare(harness);
    const memory = {
      edgeMb: memoryUsage(harness.edge).rssMb,
      adaptersMb: memoryUsage(harness.adapters).rssMb,
    };
    results.push({
      size,
      comparisons,
      runningBefore,
      runningAfter,
      startsPerSecond,
      idleCpuShare,
      ...memory,
    });
  }
  return results;
}

async function measureIdleCpuShare({ edge }: ScaleHarness): Promise<number> {
  const cpuBefore = cpuTimeMs(edge);
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
  return (cpuTimeMs(edge) - cpuBefore) / IDLE_MS;
}

function resourceTable(results: readonly SizeMeasurement[]): string {
  const header = [
    'target',
    'running before',
    'running after',
    'started per second',
    'workerd idle CPU',
    'workerd',
    'adapters',
  ];
  const rows = results.map((result) => [
    formatCount(result.size),
    formatCount(result.runningBefore),
    formatCount(result.runningAfter),
    formatCount(Math.round(result.startsPerSecond)),
    `${Math.round(result.idleCpuShare * 100)} %`,
    formatMegabytes(result.edgeMb),
    formatMegabytes(result.adaptersMb),
  ]);
  return table(header, rows);
}

function uri(user: string): string {
  return `sip:${user}@127.0.0.1:5060`;
}
