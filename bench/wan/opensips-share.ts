/** Measures which share of a core the reconciliation of a watched site takes of a real OpenSIPS. @module */
import { readFileSync } from 'node:fs';
import { OpenSipsHarness } from '../../test/opensips/harness.ts';
import type { OpenSips } from '../../test/opensips/opensips.ts';
import { statCpuMs } from '../process-usage.ts';
import { CountingWatcher } from './watcher.ts';

/** Calls that are set up at a time: a phone answers in some milliseconds. */
const AT_A_TIME = 20;

/** With its default of 64 MB in these tests, OpenSIPS refuses some of 5,000 calls. */
const MEMORY_MB = 512;

/** Before the calls are watched, and while they are: four rounds, in milliseconds. */
const IDLE_MS = 24_000;
const WATCHED_MS = 48_000;
/** The list is read whole once. */
const SETTLE_MS = 15_000;

export interface OpenSipsShare {
  readonly calls: number;
  /** Percent of a core while calls are watched, and before that. */
  readonly watchedPercent: number;
  readonly idlePercent: number;
}

/** @param calls that stand between two phones at the OpenSIPS on the PATH */
export async function measureOpenSipsShare(calls: number): Promise<OpenSipsShare> {
  await using harness = await OpenSipsHarness.open({ memoryMb: MEMORY_MB });
  const [alice, bob] = [await harness.openPhone(), await harness.openPhone()];
  for (let placed = 0; placed < calls; placed += AT_A_TIME) {
    const batch = Array.from({ length: Math.min(AT_A_TIME, calls - placed) }, () => alice.dial(bob.uri));
    for (const { status } of await Promise.all(batch))
      if (!status.startsWith('200')) throw new Error(`A call was refused: ${status}.`);
  }
  await sleep(SETTLE_MS);
  const idlePercent = await percentDuring(harness.opensips, IDLE_MS);
  const watcher = await CountingWatcher.connect(`ws://127.0.0.1:${harness.port}/call-api`);
  await sleep(SETTLE_MS);
  const watchedPercent = await percentDuring(harness.opensips, WATCHED_MS);
  watcher.close();
  return { calls, watchedPercent, idlePercent };
}

async function percentDuring(opensips: OpenSips, ms: number): Promise<number> {
  const before = await cpuMsOf(opensips);
  await sleep(ms);
  return (100 * ((await cpuMsOf(opensips)) - before)) / ms;
}

/** Returns the processor time of all processes of OpenSIPS. */
async function cpuMsOf(opensips: OpenSips): Promise<number> {
  const { result } = await opensips.requestMi('ps', {});
  const { Processes: processes } = result as { readonly Processes: readonly { readonly PID: number }[] };
  return processes.reduce(
    (sum, { PID: pid }) => sum + statCpuMs(readFileSync(`/proc/${pid}/stat`, 'latin1')),
    0,
  );
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
