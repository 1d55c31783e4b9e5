/** The long suite itself, started by `run.ts`: runs the parts on one OpenSIPS and prints what it has found. @module */
import { execFileSync } from 'node:child_process';
import { availableParallelism, loadavg } from 'node:os';
import { inspect, parseArgs } from 'node:util';
import { findOpenSips } from '../opensips.ts';
import { runCommands } from './commands.ts';
import { runFrozenPhones } from './frozen.ts';
import { runHolds } from './hold.ts';
import { runIncomingCalls } from './incoming.ts';
import { Report } from './report.ts';
import type { Part, Suite } from './rig.ts';
import { SearchResult } from './search.ts';
import { runTransfersInARow } from './transfers.ts';

/** What takes the time is last, so that the machine has calmed down by then. */
const PARTS: Readonly<Record<string, Part>> = {
  frozen: runFrozenPhones,
  hold: runHolds,
  incoming: runIncomingCalls,
  transfers: runTransfersInARow,
  commands: runCommands,
};

const { values: flags } = parseArgs({
  options: { parts: { type: 'string', default: '' }, scale: { type: 'string', default: '1' } },
});
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const version = /opensips (\d+\.\d+)\S*/.exec(
  execFileSync(findOpenSips() ?? 'opensips', ['-V'], { encoding: 'utf8' }),
);
const report = new Report();
const suite: Suite = {
  version: version?.[1] ?? '',
  report,
  scale: (count) => Math.max(1, Math.round(count * Number(flags.scale))),
  search: new SearchResult(),
};

process.stdout.write(`${version?.[0]}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}\n`);
for (const name of flags.parts.split(',')) {
  const startedAt = performance.now();
  report.section(name);
  const run = PARTS[name];
  if (run === undefined) report.check(`part ${name}`, false, `is none of ${Object.keys(PARTS).join(', ')}`);
  else await run(suite).catch((error: unknown) => report.check('the part itself', false, inspect(error)));
  const seconds = (performance.now() - startedAt) / 1_000;
  process.stdout.write(
    `${report.formatSection()}${seconds.toFixed(0)} s, load ${loadavg()[0]?.toFixed(1)}\n`,
  );
}
report.section('SDP in data and logs');
suite.search.addTo(report);
process.stdout.write(report.formatSection());
process.stdout.write(report.formatFailures());
// Half-open sockets would otherwise keep the process alive.
process.exit(report.failureCount === 0 ? 0 : 1);
