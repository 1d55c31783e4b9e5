/** Formats the output of a fault run. @module */
import type { FaultRates } from './injection/fault-rates.ts';
import { errorCode, findError } from './oracle/errors.ts';
import { INVARIANTS } from './oracle/invariants.ts';
import type { SeedResult } from './run-seed.ts';

/** Returns one line for a seed, followed by its violations and how to repeat it: with `repeatFlags`. */
export function formatSeedResult(result: SeedResult, repeatFlags: string): string {
  const { seed, violations, indeterminate, commandCount, seconds, logPath } = result;
  const outcome = violations.length === 0 ? 'ok' : `${violations.length} VIOLATIONS`;
  const duration = `${commandCount} commands in ${seconds.toFixed(1)} s`;
  const lines = [`seed ${seed}: ${duration}, ${indeterminate.length} indeterminate, ${outcome}`];
  for (const { invariant, details } of violations) lines.push(`    ${invariant}: ${details}`);
  if (violations.length > 0) {
    lines.push(`    log:    ${logPath}`);
    lines.push(`    repeat: npm run test:faults -- --seed ${seed} ${repeatFlags}`);
  }
  return `${lines.join('\n')}\n`;
}

/** Returns the fault rates, the totals of all seeds, the indeterminate outcomes and the failing seeds. */
export function formatReport(
  results: readonly SeedResult[],
  ratesByPlatform: Readonly<Record<string, FaultRates>>,
): string {
  const rates = Object.entries(ratesByPlatform).flatMap(([platform, { udp, system }]) => [
    `fault rates on ${platform}`,
    ...Object.entries(udp).map(([flow, flowRates]) => `  per ${flow} datagram: ${formatRates(flowRates)}`),
    `  per run: ${formatRates(system)}`,
  ]);
  const failingSeeds = results.filter(({ violations }) => violations.length > 0).map(({ seed }) => seed);
  const conclusion =
    failingSeeds.length === 0
      ? 'no seed fails'
      : `failing seeds: ${failingSeeds.sort((a, b) => a - b).join(', ')}`;
  const sections = [
    rates.join('\n'),
    formatTotals(results),
    `indeterminate:\n${formatIndeterminate(results)}`,
    conclusion,
  ];
  return `\n${sections.join('\n\n')}\n`;
}

function formatTotals(results: readonly SeedResult[]): string {
  const sum = (countOf: (result: SeedResult) => number) =>
    results.reduce((total, result) => total + countOf(result), 0);
  const commands = sum((result) => result.commandCount);
  const indeterminate = results.flatMap((result) => result.indeterminate);
  const withShare = (count: number) => `${count} (${((100 * count) / Math.max(1, commands)).toFixed(2)} %)`;
  const countCode = (code: number) => indeterminate.filter((command) => errorCode(command) === code).length;
  const faultCounts = new Map<string, number>();
  for (const result of results)
    for (const [kind, count] of result.faultCounts)
      faultCounts.set(kind, (faultCounts.get(kind) ?? 0) + count);
  const rows: [string, string | number][] = [
    ['seeds', results.length],
    ['commands', commands],
    ...INVARIANTS.map((invariant): [string, number] => [
      invariant,
      sum(({ violations }) => violations.filter((violation) => violation.invariant === invariant).length),
    ]),
    ['ended as unknown (-32013)', withShare(countCode(-32013))],
    ['ended by a timeout that only a fault explains (-32012)', withShare(countCode(-32012))],
    ['both together: at most 2 %', withShare(indeterminate.length)],
    ['commands that the client gave up', sum((result) => result.lost)],
    ['phones that kept ringing after their CallStart had failed', sum((result) => result.keptRinging)],
    ['holds with an unknown outcome that were executed', withShare(sum((result) => result.lateHolds))],
    ['right outcome, but the SIP status was lost', withShare(sum((result) => result.missingStatuses))],
    ['commands still running after the system had settled', sum((result) => result.runningCommands)],
    ...[...faultCounts].sort().map(([kind, count]): [string, number] => [`fault: ${kind}`, count]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n');
}

/** Returns the error texts of indeterminate commands, most frequent first. */
function formatIndeterminate(results: readonly SeedResult[]): string {
  const counts = new Map<string, number>();
  for (const command of results.flatMap((result) => result.indeterminate)) {
    const text = `${command.method}: ${String(findError(command)?.data)}`;
    counts.set(text, (counts.get(text) ?? 0) + 1);
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .map(([text, count]) => `  ${count} × ${text}`)
    .join('\n');
}

function formatRates(rates: object): string {
  return Object.entries(rates)
    .filter(([, rate]) => rate > 0)
    .map(([kind, rate]) => `${kind} ${rate}`)
    .join(', ');
}
