/** The speed benchmark: see {@link HELP}. @module */
import { writeFile } from 'node:fs/promises';
import { arch, cpus, loadavg, platform } from 'node:os';
import { measureDiskSyncMs } from './disk-sync.ts';
import { measure } from './measure.ts';
import { HELP, parsePlan } from './plan.ts';
import { LEGEND, summaryTable, targetTable } from './report.ts';
import { evaluateTargets } from './targets.ts';

/** Measures, prints the results, and writes them as JSON if `--json FILE` is given. */
export async function main(args: readonly string[]): Promise<void> {
  const plan = parsePlan(args);
  if (plan === 'help') {
    process.stdout.write(HELP);
    return;
  }
  const [cpu] = cpus();
  const machine = {
    cpu: cpu?.model ?? '',
    cores: cpus().length,
    system: `${platform()} ${arch()}`,
    node: process.version,
    diskSyncMs: await measureDiskSyncMs(plan.dataDirectory),
    /** Load average over the last minute: other processes distort the results. */
    loadBefore: loadavg()[0] ?? 0,
  };
  const startedAt = new Date().toISOString();
  const summaries = await measure(plan, showProgress);
  showProgress('');
  const targets = evaluateTargets(summaries);
  const { cores, cpu: model, system, node, diskSyncMs, loadBefore } = machine;
  process.stdout.write(`${cores} x ${model}, ${system}, Node ${node}; load before ${loadBefore.toFixed(1)}; \
disk sync ${diskSyncMs.toFixed(2)} ms; ${plan.rounds} rounds\n\n`);
  process.stdout.write(`${summaryTable(summaries)}\n`);
  if (targets.length > 0) process.stdout.write(`${targetTable(targets)}\n`);
  process.stdout.write(LEGEND);
  const report = { startedAt, machine, rounds: plan.rounds, summaries, targets };
  if (plan.jsonFile !== undefined) await writeFile(plan.jsonFile, `${JSON.stringify(report, null, 2)}\n`);
}

/** Overwrites the progress line if stderr is a terminal. */
function showProgress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}
