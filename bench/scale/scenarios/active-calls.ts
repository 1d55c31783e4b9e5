/**
 * Does a command cost more while many external calls are active, or while many clients watch? And how long does a
 * watcher wait for its first snapshot?
 * @module
 */
import { WebSocket } from 'ws';
import { cpuTimeMs, memoryUsage } from '../../process-usage.ts';
import { table } from '../../table.ts';
import { waitUntil } from '../../wait-until.ts';
import { callCosts, echoCosts, linkCosts, type MeasureCosts } from '../command-cost.ts';
import { type Comparison, compareCosts } from '../comparison.ts';
import { ScaleHarness } from '../harness/harness.ts';
import { connectScriptedAdapter } from '../harness/scripted-adapter.ts';
import { costTable, costTarget, formatCount, formatMegabytes, type ScenarioResult } from '../report.ts';

/** Active calls. */
export const DEFAULT_SIZES = [10, 2_000, 100_000];

/** Active calls of the system without load. */
const UNLOADED_CALLS = 10;

/** Rounds that are not counted, because they compile code. */
const WARM_UP_ROUNDS = 2;

/** The size at which the snapshot is compared with its target. */
const SNAPSHOT_CALLS = 2_000;
const MAX_SNAPSHOT_MS = 100;

const WATCHERS = 100;
const MAX_WATCHED_RATIO = 1.5;

interface SizeMeasurement {
  readonly size: number;
  readonly comparisons: readonly Comparison[];
  /** Resident memory of workerd. */
  readonly edgeMb: number;
  /** From the request to the response of CallWatch. */
  readonly snapshotMs: number;
}

export async function measure(sizes: readonly number[], rounds: number): Promise<ScenarioResult> {
  const active: SizeMeasurement[] = [];
  for (const size of sizes) active.push(await measureActiveCalls(size, rounds));
  const watched = await measureWatchers(rounds);
  const worstRatio = Math.max(...watched.map(({ ratio }) => ratio));
  const snapshot = active.find(({ size }) => size === SNAPSHOT_CALLS);
  const rows = active.map(({ size, edgeMb, snapshotMs }) => [
    formatCount(size),
    formatMegabytes(edgeMb),
    `${snapshotMs.toFixed(1)} ms`,
  ]);
  return {
    tables: [
      costTable('active calls', active),
      table(['active calls', 'workerd', 'snapshot'], rows),
      costTable('watchers', [{ size: WATCHERS, comparisons: watched }]),
    ],
    targets: [
      costTarget('active calls', active),
      {
        target: `a command costs less than ${MAX_WATCHED_RATIO} x with ${WATCHERS} watchers`,
        isMet: worstRatio < MAX_WATCHED_RATIO,
        measured: `${worstRatio.toFixed(2)} x at worst`,
      },
      {
        target: `the snapshot of ${formatCount(SNAPSHOT_CALLS)} calls takes less than ${MAX_SNAPSHOT_MS} ms`,
        isMet: snapshot !== undefined && snapshot.snapshotMs < MAX_SNAPSHOT_MS,
        measured: snapshot ? `${snapshot.snapshotMs.toFixed(1)} ms` : 'not measured',
      },
    ],
    measurements: { active, watched },
  };
}

/**
 * Compares systems with few and many external calls, raised by a scripted adapter. Each size gets new systems, which no
 * client has watched: for a minute after a client has looked, the edge lists all of OpenSIPS's calls every 12 s.
 */
async function measureActiveCalls(size: number, rounds: number): Promise<SizeMeasurement> {
  await using unloaded = await ScaleHarness.start({ sites: 0 });
  await using loaded = await ScaleHarness.start({ sites: 0 });
  const measurementOf = async (harness: ScaleHarness, calls: number): Promise<MeasureCosts> => {
    const adapter = await connectScriptedAdapter(harness.url('adapter', 0));
    await harness.waitForAdapter(0);
    await adapter.startExternalCalls(0, calls);
    await waitUntilProcessed(harness, calls);
    const client = await harness.client();
    return async () => ({ ...(await echoCosts(client)), ...(await linkCosts(client, harness.edge)) });
  };
  const measureUnloaded = await measurementOf(unloaded, UNLOADED_CALLS);
  const measureLoaded = await measurementOf(loaded, size);
  await compareCosts(measureUnloaded, measureLoaded, WARM_UP_ROUNDS);
  const comparisons = await compareCosts(measureUnloaded, measureLoaded, rounds);
  const { rssMb: edgeMb } = memoryUsage(loaded.edge);
  return { size, comparisons, edgeMb, snapshotMs: await measureSnapshot(loaded) };
}

/** Processor time per second of an edge without work: alarms and health checks. */
const MAX_IDLE_CPU_MS = 50;

/**
 * Waits until the edge has applied all events and is idle. Messages are applied in order, so a command's reply proves
 * that all earlier events are applied. After that, the edge reads the parties of some of the new calls, which must not
 * be measured: the cost of active calls is of interest here, not that of new ones.
 */
async function waitUntilProcessed(harness: ScaleHarness, calls: number): Promise<void> {
  const { edge } = harness;
  const client = await harness.client();
  await waitUntil(
    `${calls} calls`,
    async () => (await client.run('CallEnd', { callid: 'unknown' })).cmdId !== '',
  );
  await waitUntil('the edge is idle', async () => {
    const cpuBefore = cpuTimeMs(edge);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    return cpuTimeMs(edge) - cpuBefore < MAX_IDLE_CPU_MS;
  });
}

async function measureWatchers(rounds: number): Promise<Comparison[]> {
  await using unwatched = await ScaleHarness.start();
  await using watched = await ScaleHarness.start();
  const measurementOf = async (harness: ScaleHarness): Promise<MeasureCosts> => {
    const client = await harness.client();
    return () => callCosts(client, harness.edge);
  };
  const measurements = [await measurementOf(unwatched), await measurementOf(watched)] as const;
  const watchers = await Promise.all(Array.from({ length: WATCHERS }, () => watchCalls(watched)));
  await compareCosts(...measurements, 1);
  const comparisons = await compareCosts(...measurements, rounds);
  for (const { socket } of watchers) socket.terminate();
  return comparisons;
}

async function measureSnapshot(harness: ScaleHarness): Promise<number> {
  const { snapshotMs, socket } = await watchCalls(harness);
  socket.terminate();
  return snapshotMs;
}

/** Opens a socket and watches all calls of the first site. */
function watchCalls(
  harness: ScaleHarness,
): Promise<{ readonly snapshotMs: number; readonly socket: WebSocket }> {
  const socket = new WebSocket(harness.url('call-api', 0), { perMessageDeflate: false });
  let requestedAt = 0;
  socket.on('open', () => {
    requestedAt = performance.now();
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'CallWatch', params: {} }));
  });
  return new Promise((resolve, reject) => {
    socket.once('message', (bytes) => {
      const snapshotMs = performance.now() - requestedAt;
      const { error } = JSON.parse(bytes.toString()) as { error?: object };
      if (error) reject(new Error(JSON.stringify(error)));
      else resolve({ snapshotMs, socket });
    });
    socket.once('error', reject);
  });
}
