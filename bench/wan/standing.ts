/** Measures a watched site whose calls stand: what its reconciliation costs, and how soon it finds what no event has told. @module */
import { cpuTimeMs } from '../process-usage.ts';
import { table } from '../table.ts';
import { DistantSite } from './site.ts';
import type { CountingWatcher } from './watcher.ts';

/** The list is read whole once: until less than this is on the link, of which a busy machine takes some minutes for 20,000 calls. */
const SETTLE_MS = 20_000;
const MAX_SETTLES = 12;
const SETTLED_BYTES = 5_000;

/** Then rounds begin every 12 s: four of them, in milliseconds. */
const QUIET_MS = 48_000;

/** Calls that end unseen, and for how long their end is waited for, in milliseconds. */
const CHANGED = 100;
const GIVE_UP_MS = 120_000;

/** The share of the delay up to which it varies. */
const JITTER_SHARE = 0.1;

export interface StandingRun {
  readonly calls: number;
  readonly delayMs: number;
}

export interface StandingResult extends StandingRun {
  /** On the link, both directions, while nothing changes. */
  readonly bytesPerSecond: number;
  readonly messagesPerSecond: number;
  readonly rowsReadPerSecond: number;
  readonly rowsWritten: number;
  readonly edgeCpuMs: number;
  readonly adapterCpuMs: number;
  /** On the link for each of the calls that have ended unseen, beside what the same time costs while nothing changes. */
  readonly bytesPerChange: number;
  /** Until a watcher saw all of them end, in milliseconds. */
  readonly goneAfterMs: number;
}

export async function measureStanding(
  { calls, delayMs }: StandingRun,
  loss: number,
): Promise<StandingResult> {
  await using site = await DistantSite.start({ delayMs, jitterMs: JITTER_SHARE * delayMs, loss }, true);
  await site.opensips.request({ type: 'stand', calls });
  const [watcher] = await site.connectWatchers(1);
  if (!watcher) throw new Error('no watcher');
  await settle(site);
  const cpuBefore = { edge: cpuTimeMs(site.edge), adapter: cpuTimeMs(site.adapter) };
  await sleep(QUIET_MS);
  const quiet = await site.resetCounts();
  const seconds = QUIET_MS / 1_000;
  const quietBytes = (quiet.adapter.bytesIn + quiet.adapter.bytesOut) / seconds;
  const edgeCpuMs = (cpuTimeMs(site.edge) - cpuBefore.edge) / seconds;
  const adapterCpuMs = (cpuTimeMs(site.adapter) - cpuBefore.adapter) / seconds;
  const goneAfterMs = await endUnseen(site, watcher);
  const changed = await site.resetCounts();
  watcher.close();
  const changedBytes =
    changed.adapter.bytesIn + changed.adapter.bytesOut - (quietBytes * goneAfterMs) / 1_000;
  return {
    ...{ calls, delayMs, bytesPerSecond: quietBytes, edgeCpuMs, adapterCpuMs, goneAfterMs },
    messagesPerSecond: (quiet.adapter.in + quiet.adapter.out) / seconds,
    rowsReadPerSecond: quiet.rowsRead / seconds,
    rowsWritten: quiet.rowsWritten,
    bytesPerChange: changedBytes / CHANGED,
  };
}

async function settle(site: DistantSite): Promise<void> {
  await sleep(SETTLE_MS);
  for (let n = 0; n < MAX_SETTLES; n++) {
    await site.resetCounts();
    await sleep(SETTLE_MS);
    const { adapter } = await site.resetCounts();
    if (adapter.bytesIn + adapter.bytesOut < SETTLED_BYTES) return;
  }
  throw new Error('The list of dialogs was not read whole in time.');
}

/** Resolves with the milliseconds until a watcher saw calls end whose events were lost; infinity if it did not. */
async function endUnseen(site: DistantSite, watcher: CountingWatcher): Promise<number> {
  const before = watcher.changes;
  const startedAt = performance.now();
  await site.opensips.request({ type: 'hang up', calls: CHANGED });
  while (watcher.changes < before + CHANGED) {
    if (performance.now() > startedAt + GIVE_UP_MS) return Number.POSITIVE_INFINITY;
    await sleep(100);
  }
  return performance.now() - startedAt;
}

/** Returns a row for each run. */
export function standingTable(results: readonly StandingResult[]): string {
  return table(
    [
      'ms one way',
      'calls',
      'link B/s',
      'link messages/s',
      'rows read/s',
      'rows',
      'edge CPU ms/s',
      'adapter CPU ms/s',
    ].concat(['B a changed call', 'gone after s']),
    results.map((result) => [
      ...[result.delayMs, result.calls].map(String),
      ...[result.bytesPerSecond, result.messagesPerSecond, result.rowsReadPerSecond].map((each) =>
        each.toFixed(1),
      ),
      String(result.rowsWritten),
      ...[result.edgeCpuMs, result.adapterCpuMs].map((each) => each.toFixed(1)),
      result.bytesPerChange.toFixed(0),
      (result.goneAfterMs / 1_000).toFixed(1),
    ]),
  );
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
