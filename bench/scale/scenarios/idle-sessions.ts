/**
 * Do many idle client sessions cost anything? The object must still hibernate and wake quickly, the socket beyond the
 * limit must be refused, and commands of other clients must cost the same.
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { descriptorCount, memoryUsage } from '../../process-usage.ts';
import { median } from '../../statistics.ts';
import { table } from '../../table.ts';
import { callCosts, echoCosts, type MeasureCosts } from '../command-cost.ts';
import { type Comparison, compareCosts } from '../comparison.ts';
import type { ScaleClient } from '../harness/client.ts';
import { ScaleHarness } from '../harness/harness.ts';
import {
  costTable,
  costTarget,
  formatCount,
  formatMegabytes,
  type ScenarioResult,
  type TargetResult,
} from '../report.ts';

/** Idle sockets during each measurement. */
export const DEFAULT_SIZES = [1, 1_000, 8_000];

/** Sockets that are opened in the end. One of them must exceed the limit and be refused. */
const ABOVE_LIMIT = 12_000;

/** Sockets that are opened concurrently. */
const OPENS_IN_FLIGHT = 100;

/**
 * workerd hibernates an object after 10 s without work. Whether it has cannot be observed without waking it. So this
 * time is waited, and a second run of the constructor proves that the object has hibernated.
 */
const HIBERNATION_MS = 12_000;

const WAKE_UPS = 5;

/** Maximum time from a message to a hibernating object to its reply. */
const MAX_WAKE_UP_MS = 20;

interface SizeMeasurement {
  readonly size: number;
  readonly comparisons: readonly Comparison[];
  /** The time from each message that wakes the object to its reply. */
  readonly wakeUpsMs: readonly number[];
  /** How often the object had really hibernated. */
  readonly hibernations: number;
  /** Sockets opened per second. */
  readonly opensPerSecond: number;
  /** Resident memory and file descriptors of workerd. */
  readonly rssMb: number;
  readonly descriptors: number;
}

export async function measure(sizes: readonly number[], rounds: number): Promise<ScenarioResult> {
  await using harness = await ScaleHarness.start({ sites: 2 });
  const unloaded = await measurementOf(harness, 0);
  const loaded = await measurementOf(harness, 1);
  const client = await harness.client(1);
  await compareCosts(unloaded, loaded, 1);
  const idle = new IdleSockets(harness.url('call-api', 1));
  const results: SizeMeasurement[] = [];
  for (const size of sizes) {
    const start = performance.now();
    const missing = size - idle.openCount;
    await idle.growTo(size);
    if (idle.refusal) break;
    const opensPerSecond = missing / ((performance.now() - start) / 1000);
    const comparisons = await compareCosts(unloaded, loaded, rounds);
    const wakeUps = await measureWakeUps(harness, client);
    const { rssMb } = memoryUsage(harness.edge);
    const descriptors = descriptorCount(harness.edge);
    results.push({ size, comparisons, ...wakeUps, opensPerSecond, rssMb, descriptors });
  }
  const limit = await checkLimit(harness, idle, loaded);
  const header = [
    'sockets',
    'opened per second',
    'hibernated',
    'wake-up, median',
    'worst',
    'workerd',
    'its descriptors',
  ];
  const rows = results.map(({ size, opensPerSecond, hibernations, wakeUpsMs, rssMb, descriptors }) => [
    formatCount(size),
    formatCount(Math.round(opensPerSecond)),
    `${hibernations} of ${wakeUpsMs.length}`,
    `${median(wakeUpsMs).toFixed(1)} ms`,
    `${Math.max(...wakeUpsMs).toFixed(1)} ms`,
    formatMegabytes(rssMb),
    formatCount(descriptors),
  ]);
  return {
    tables: [costTable('idle sockets', results), table(header, rows)],
    targets: [costTarget('idle sockets', results), ...wakeUpTargets(results), limit],
    measurements: { results, limit },
  };
}

async function measurementOf(harness: ScaleHarness, site: number): Promise<MeasureCosts> {
  const client = await harness.client(site);
  return async () => ({ ...(await echoCosts(client)), ...(await callCosts(client, harness.edge)) });
}

/** Repeatedly lets the object hibernate and wakes it with a message. */
async function measureWakeUps(
  harness: ScaleHarness,
  client: ScaleClient,
): Promise<Pick<SizeMeasurement, 'wakeUpsMs' | 'hibernations'>> {
  const wakeUpsMs: number[] = [];
  let hibernations = 0;
  for (let n = 0; n < WAKE_UPS; n++) {
    await delay(HIBERNATION_MS);
    const { constructed } = await harness.counters(1);
    const start = performance.now();
    await client.run('Echo', {});
    wakeUpsMs.push(performance.now() - start);
    hibernations += (await harness.counters(1)).constructed - constructed;
  }
  return { wakeUpsMs, hibernations };
}

function wakeUpTargets(results: readonly SizeMeasurement[]): TargetResult[] {
  const largest = results.at(-1);
  if (!largest) return [];
  const { size, wakeUpsMs, hibernations } = largest;
  const worst = Math.max(...wakeUpsMs);
  const sockets = `${formatCount(size)} idle sockets`;
  return [
    {
      target: `the object hibernates with ${sockets}`,
      isMet: hibernations === wakeUpsMs.length,
      measured: `it hibernated ${hibernations} of ${wakeUpsMs.length} times`,
    },
    {
      target: `a message wakes it within ${MAX_WAKE_UP_MS} ms with ${sockets}`,
      isMet: worst <= MAX_WAKE_UP_MS,
      measured: `${median(wakeUpsMs).toFixed(1)} ms, at worst ${worst.toFixed(1)} ms`,
    },
  ];
}

/** Opens sockets until one is refused, and checks that the open ones still work. */
async function checkLimit(
  harness: ScaleHarness,
  idle: IdleSockets,
  measureLoaded: MeasureCosts,
): Promise<TargetResult> {
  await idle.growTo(ABOVE_LIMIT);
  const refusal = `${idle.refusal ?? 'none was refused'} (${formatCount(idle.openCount)} were open)`;
  const error = await measureLoaded().then(
    () => undefined,
    (reason: unknown) => `other clients' commands failed: ${reason}`,
  );
  const lost = idle.lostCount > 0 ? `, ${formatCount(idle.lostCount)} sockets were lost` : '';
  const { exitCode, signalCode } = harness.edge;
  const exited = exitCode !== null || signalCode !== null ? ', workerd exited' : '';
  return {
    target: `socket ${formatCount(ABOVE_LIMIT)} is refused with 503 and no other client is affected`,
    isMet: idle.refusal === 'refused with 503' && idle.lostCount === 0 && error === undefined,
    measured: `${refusal}; ${error ?? "other clients' commands succeeded"}${lost}${exited}`,
  };
}

/** Client sockets that send nothing. */
class IdleSockets {
  readonly #url: string;
  /** Sockets that were opened, including those lost since. */
  openCount = 0;
  /** Sockets that closed unexpectedly. */
  lostCount = 0;
  /** Why the first socket was refused. After that, no more are opened. */
  refusal: string | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  /** Opens sockets until there are `count`, or one is refused. */
  async growTo(count: number): Promise<void> {
    let next = this.openCount;
    const worker = async () => {
      while (next < count && !this.refusal) await this.#open(next++);
    };
    await Promise.all(Array.from({ length: OPENS_IN_FLIGHT }, worker));
  }

  #open(n: number): Promise<void> {
    const socket = new WebSocket(`${this.#url}&session=idle-${n}`, { perMessageDeflate: false });
    return new Promise((resolve) => {
      socket.on('open', () => {
        this.openCount++;
        socket.on('close', () => this.lostCount++);
        resolve();
      });
      const onRefused = (reason: string) => {
        this.refusal ??= reason;
        resolve();
      };
      socket.on('unexpected-response', (request, { statusCode }) => {
        request.destroy();
        onRefused(`refused with ${statusCode}`);
      });
      socket.on('error', ({ message }) => onRefused(`failed: ${message}`));
    });
  }
}
