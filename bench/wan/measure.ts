/** Measures one run: a load of CallStarts and calls of others, until everything has ended. @module */
import { estimatePrice } from '../counts/price.ts';
import type { ResourceCounts } from '../counts/resource-counts.ts';
import { cpuTimeMs, memoryUsage } from '../process-usage.ts';
import type { ScaleClient } from '../scale/harness/client.ts';
import type { Plan, Run } from './plan.ts';
import { DistantSite } from './site.ts';

/** Evenly distributed between 0 and this share of the delay. */
const JITTER_SHARE = 0.1;

/**
 * One-way trips that no implementation avoids between a CallStart and its `Ended`: the request to the edge, the INVITE to the adapter, its
 * answer, the REFER, the answer of the callee, the end of the first leg, its confirmation, and `Ended`.
 */
export const UNAVOIDABLE_TRIPS = 8;

/** Days of storage in the price. The edge keeps rows for about an hour. */
const STORAGE_DAYS = 1;

/** How long commands may take to end after the last one has started. The slowest run needs three seconds. */
const END_TIMEOUT_MS = 30_000;
const IDLE_TIMEOUT_MS = 8_000;

export interface Measurement {
  readonly run: Run;
  readonly counts: ResourceCounts;
  readonly seconds: number;
  readonly starts: number;
  readonly others: number;
  /** CallStarts, and CallEnds of a whole call, that ended with an error, or were refused. */
  readonly failures: number;
  /** Commands that had not ended in the end. */
  readonly unended: number;
  /** Each CallStart, from its request to its `Ended`, less the unavoidable trips, in milliseconds. */
  readonly latenciesMs: readonly number[];
  /** Processor time for each second of the load, in milliseconds, and resident memory in MB. */
  readonly edgeCpuMs: number;
  readonly adapterCpuMs: number;
  readonly edgeMb: number;
  readonly adapterMb: number;
  /** Changes that each watcher got, on average, and watchers that lost their connection. */
  readonly changesSeen: number;
  readonly watchersLost: number;
  /** US dollars for everything together. */
  readonly dollars: number;
}

export async function measureRun(run: Run, { seconds, loss }: Plan): Promise<Measurement> {
  const { delayMs } = run;
  await using site = await DistantSite.start({ delayMs, jitterMs: JITTER_SHARE * delayMs, loss });
  const client = await site.connectClient();
  const watchers = await site.connectWatchers(run.watchers);
  await startCall(client, 'warm-up');
  await site.countsWhenIdle(IDLE_TIMEOUT_MS);
  await site.resetCounts();
  const cpuBefore = { edge: cpuTimeMs(site.edge), adapter: cpuTimeMs(site.adapter) };
  const others = run.others
    ? site.opensips.request({ type: 'load', perSecond: run.others, seconds })
    : Promise.resolve(0);
  const latenciesMs: number[] = [];
  let failures = 0;
  const commands = await repeatEvenly(run.rate, seconds, async (n) => {
    const startedAt = performance.now();
    const { callid, error } = await startCall(client, String(n));
    latenciesMs.push(performance.now() - startedAt - UNAVOIDABLE_TRIPS * delayMs);
    const isEnded = run.ends && callid !== undefined && (await client.run('CallEnd', { callid })).error;
    if (error !== undefined || isEnded) failures++;
  });
  const ended = Promise.all(commands).then(() => true);
  const timedOut = new Promise<boolean>((resolve) => setTimeout(resolve, END_TIMEOUT_MS, false).unref());
  await Promise.race([ended, timedOut]);
  const placed = Number(await others);
  const edgeCpuMs = (cpuTimeMs(site.edge) - cpuBefore.edge) / seconds;
  const adapterCpuMs = (cpuTimeMs(site.adapter) - cpuBefore.adapter) / seconds;
  const counts = await site.countsWhenIdle(IDLE_TIMEOUT_MS);
  const result = {
    ...{ run, counts, seconds, starts: commands.length, others: placed, failures, latenciesMs },
    unended: await site.runningCommands(),
    ...{ edgeCpuMs, adapterCpuMs },
    edgeMb: memoryUsage(site.edge).rssMb,
    adapterMb: memoryUsage(site.adapter).rssMb,
    changesSeen: watchers.reduce((sum, { changes }) => sum + changes, 0) / Math.max(1, watchers.length),
    watchersLost: watchers.filter(({ isConnected }) => !isConnected).length,
    dollars: estimatePrice(counts, STORAGE_DAYS).total,
  };
  client.close();
  for (const watcher of watchers) watcher.close();
  return result;
}

function startCall(client: ScaleClient, n: string): ReturnType<ScaleClient['run']> {
  const caller = `sip:alice.${n}@127.0.0.1:5060`;
  return client.run('CallStart', { caller, callee: `sip:bob.${n}@127.0.0.1:5060` });
}

/** Starts something at even intervals, whatever has ended by then. Resolves with all of it once the last one has started. */
async function repeatEvenly<T>(
  perSecond: number,
  seconds: number,
  start: (n: number) => Promise<T>,
): Promise<Promise<T>[]> {
  const started: Promise<T>[] = [];
  const beganAt = performance.now();
  const total = perSecond * seconds;
  while (started.length < total) {
    const due = Math.min(total, ((performance.now() - beganAt) / 1_000) * perSecond);
    while (started.length < due) started.push(start(started.length));
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return started;
}
