/** Formats the results of attacks as text. Pure. @module */
import { quantile } from '../../bench/statistics.ts';
import { table } from '../../bench/table.ts';
import { heapGrowth, type RunResult, shortcomings, slowdown } from './judge.ts';
import type { StorageResult } from './storage-check.ts';

const HEADER = ['attack', 'victim', 'p50', 'p99', 'slowest', 'connects', 'heap', 'RSS', 'disconnected'];

/** Returns the figures of an attack, the median of its runs, and what falls short. */
export function formatResult(
  name: string,
  title: string,
  runs: readonly RunResult[],
  refusals: RegExp | undefined,
): string {
  const median = (figure: (run: RunResult) => number) => quantile(runs.map(figure), 0.5);
  const ms = (figure: (run: RunResult) => number) => `${median(figure).toFixed(1)} ms`;
  const mb = (figure: (run: RunResult) => number) => `${median(figure).toFixed(0)} MB`;
  const [first] = runs;
  if (!first) return `${name}: no run\n`;
  const rows = [
    [name, 'without', ms((r) => r.before.p50), ms((r) => r.before.p99), ms((r) => r.before.slowest)],
    [
      title,
      'with',
      ms((r) => r.during.p50),
      ms((r) => r.during.p99),
      ms((r) => r.during.slowest),
      ms((r) => r.connectMs ?? Number.POSITIVE_INFINITY),
      first.heapMb === null ? '-' : mb((r) => heapGrowth(r) ?? 0),
      mb((r) => r.rssMb.after - r.rssMb.idle),
      String(runs.reduce((sum, r) => sum + r.disconnected, 0)),
    ],
    ['', 'more', ms((r) => slowdown(r).p50), ms((r) => slowdown(r).p99), ms((r) => slowdown(r).slowest)],
  ];
  const missing = shortcomings(runs, refusals);
  const outcome =
    missing.length === 0 ? 'within the limits' : missing.map((line) => `FALLS SHORT: ${line}`).join('\n');
  return `${table(HEADER, rows)}${runs.map(formatAttacker).join('\n')}\n${outcome}\n`;
}

/** Returns what an attacker got, in one line. */
function formatAttacker({ attack, storage }: RunResult): string {
  const { sent, messages, bytes, opened, open, refusals, closes } = attack;
  const counts = (named: Readonly<Record<string, number>>) =>
    Object.entries(named)
      .map(([name, count]) => `${count} × ${name}`)
      .join(', ') || 'none';
  return [
    `attacker: ${sent} sent, ${messages} messages and ${(bytes / 1e6).toFixed(1)} MB received, ${opened} sockets opened, ${open} open`,
    `refusals: ${counts(refusals)}`,
    `closes: ${counts(closes)}`,
    ...(storage ? [formatStorage(storage)] : []),
  ].join('; ');
}

function formatStorage({ diskBytes, storedBytes, budget, isGapReported }: StorageResult): string {
  const mb = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  const gap = isGapReported
    ? 'a resuming session learned of the gap'
    : 'a resuming session did not learn of the gap';
  return `stored: ${mb(storedBytes)} MB, ${mb(diskBytes)} MB on disk, of ${mb(budget)} MB; ${gap}`;
}
