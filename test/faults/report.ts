/** What a run prints. @module */
import type { Rules } from './rules.ts';
import type { SeedResult } from './seed.ts';
import { codeOf, errorOf } from './truth.ts';
import { PROMISES } from './verdict.ts';

/** One seed's line, and under it each promise that it broke. */
export function failures(
  { seed, violations, unsure, commands, seconds, log }: SeedResult,
  asked: number,
): string {
  const found = violations.length === 0 ? 'ok' : `${violations.length} VIOLATIONS`;
  const lines = [
    `seed ${seed}: ${commands} commands in ${seconds.toFixed(1)} s, ${unsure.length} unsure, ${found}`,
  ];
  for (const { promise, what } of violations) lines.push(`    ${promise}: ${what}`);
  if (violations.length > 0) {
    lines.push(`    its log: ${log}`);
    lines.push(`    alone:   npm run test:faults -- --seed ${seed} --commands ${asked}`);
  }
  return `${lines.join('\n')}\n`;
}

/** The figures of all seeds. */
export function report(results: readonly SeedResult[], stated: Readonly<Record<string, Rules>>): string {
  const sum = (of: (result: SeedResult) => number) =>
    results.reduce((total, result) => total + of(result), 0);
  const commands = sum((result) => result.commands);
  const unsure = results.flatMap((result) => result.unsure);
  const share = (count: number) => `${count} (${((100 * count) / Math.max(1, commands)).toFixed(2)} %)`;
  const withCode = (code: number) => unsure.filter((ran) => codeOf(ran) === code).length;
  const faults = new Map<string, number>();
  for (const result of results)
    for (const [kind, count] of result.faults) faults.set(kind, (faults.get(kind) ?? 0) + count);
  const rows: [string, string | number][] = [
    ['seeds', results.length],
    ['commands', commands],
    ...PROMISES.map((promise): [string, number] => [
      promise,
      sum(({ violations }) => violations.filter((one) => one.promise === promise).length),
    ]),
    ['ended as unknown (-32013)', share(withCode(-32013))],
    ['ended by a timeout that only a fault explains (-32012)', share(withCode(-32012))],
    ['both of them: at most 2 %', share(unsure.length)],
    ['phones that rang on after their CallStart had failed', sum((result) => result.ringsOn)],
    [
      'holds that ran out of time (-32012) and were done all the same',
      share(sum((result) => result.doneAfterAll)),
    ],
    ['right outcome, wrong reason', share(sum(({ misread }) => misread))],
    ['commands still looked after when all was quiet', sum(({ running }) => running)],
    ...[...faults].sort().map(([kind, count]): [string, number] => [`fault: ${kind}`, count]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  const table = rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n');
  const sentences = new Map<string, number>();
  for (const ran of unsure) {
    const sentence = `${ran.method}: ${String(errorOf(ran)?.data)}`;
    sentences.set(sentence, (sentences.get(sentence) ?? 0) + 1);
  }
  const unsureLines = [...sentences]
    .sort((a, b) => b[1] - a[1])
    .map(([name, count]) => `  ${count} × ${name}`);
  const failing = results.filter(({ violations }) => violations.length > 0).map(({ seed }) => seed);
  const last =
    failing.length === 0 ? 'no seed fails' : `failing seeds: ${failing.sort((a, b) => a - b).join(', ')}`;
  const rates = Object.entries(stated).map(([where, { udp, grave }]) => [
    `stated fault rates on ${where}`,
    ...Object.entries(udp).map(([flow, each]) => `  ${flow}, of each datagram: ${inWords(each)}`),
    `  of each run: ${inWords(grave)}`,
  ]);
  return `\n${rates.flat().join('\n')}\n\n${table}\n\nunsure:\n${unsureLines.join('\n')}\n\n${last}\n`;
}

function inWords(rates: object): string {
  return Object.entries(rates)
    .filter(([, rate]) => rate > 0)
    .map(([kind, rate]) => `${kind} ${rate}`)
    .join(', ');
}
