/** The speed bench: see {@link HELP}. @module */
import { writeFile } from 'node:fs/promises';
import { arch, cpus, loadavg, platform } from 'node:os';
import { syncMs } from './disk.ts';
import { measure } from './measure.ts';
import { HELP, planOf } from './plan.ts';
import { verdicts } from './promises.ts';
import { figuresTable, LEGEND, verdictsTable } from './report.ts';

/** Measures, prints, and writes JSON where that is asked for. */
export async function main(args: readonly string[]): Promise<void> {
  const plan = planOf(args);
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
    diskSyncMs: await syncMs(plan.data),
    /** Processes that ran here over the last minute: what else goes on blurs the figures. */
    loadBefore: loadavg()[0] ?? 0,
  };
  const at = new Date().toISOString();
  const figures = await measure(plan, tell);
  tell('');
  const promises = verdicts(figures);
  const { cores, cpu: model, system, node, diskSyncMs, loadBefore } = machine;
  process.stdout.write(`${cores} x ${model}, ${system}, Node ${node}; load before ${loadBefore.toFixed(1)}; \
disk sync ${diskSyncMs.toFixed(2)} ms; ${plan.rounds} rounds\n\n`);
  process.stdout.write(`${figuresTable(figures)}\n`);
  if (promises.length > 0) process.stdout.write(`${verdictsTable(promises)}\n`);
  process.stdout.write(LEGEND);
  const report = { at, machine, rounds: plan.rounds, figures, promises };
  if (plan.json !== undefined) await writeFile(plan.json, `${JSON.stringify(report, null, 2)}\n`);
}

/** Shows what is under way, on one line of a terminal; nowhere else. */
function tell(what: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}`);
}
