/** `npm run bench -- --wan`: see {@link HELP}. @module */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Measurement, measureRun, UNAVOIDABLE_TRIPS } from './measure.ts';
import { measureOpenSipsShare, type OpenSipsShare } from './opensips-share.ts';
import { HELP, type Plan, type Run, readPlan } from './plan.ts';
import { type Figures, figuresOf, mediansOf, reportTable } from './report.ts';
import { measureStanding, type StandingResult, standingTable } from './standing.ts';

/** What a run takes beside its load: starting the processes, waiting until everything has ended. */
const OVERHEAD_S = 9;

/** Measures what the options select, prints a table, and writes the results as JSON. */
export async function main(args: string[]): Promise<void> {
  const plan = readPlan(args);
  if (!plan) {
    process.stdout.write(HELP);
    return;
  }
  if (plan.real) {
    for (const { calls } of plan.standing)
      process.stdout.write(describeShare(await measureOpenSipsShare(calls)));
    return;
  }
  if (plan.standing.length > 0) {
    await measureAllStanding(plan);
    return;
  }
  const { runs, repeat, seconds, loss, json } = plan;
  const minutes = (runs.length * repeat * (seconds + OVERHEAD_S)) / 60;
  process.stderr.write(
    `${runs.length} runs of ${seconds} s, ${repeat} times each: about ${minutes.toFixed(1)} minutes. ${100 * loss} % of the segments are lost.\n`,
  );
  const results: { run: Run; figures: Figures; measurements: readonly Measurement[] }[] = [];
  for (const [index, run] of runs.entries()) {
    process.stderr.write(`${index + 1} of ${runs.length}: ${describe(run)}\n`);
    const measurements = await measureRepeatedly(run, plan);
    results.push({ run, measurements, figures: mediansOf(measurements.map(figuresOf)) });
  }
  process.stdout.write(
    `${reportTable(results)}\nMessages are those that the object receives. Latency: from a CallStart to its Ended, less ${UNAVOIDABLE_TRIPS} one-way trips; it has the time of the phones. Dollars and rows are for everything, divided by the CallStarts (without any: by the calls of others).\n`,
  );
  await writeResults(json, results);
}

async function measureAllStanding({ standing, loss, json }: Plan): Promise<void> {
  const results: StandingResult[] = [];
  for (const run of standing) {
    process.stderr.write(`${run.calls} standing calls, ${run.delayMs} ms one way\n`);
    results.push(await measureStanding(run, loss));
  }
  process.stdout.write(
    `${standingTable(results)}\nOne client watches, and nothing changes; then calls end whose events are lost.\n`,
  );
  await writeResults(json, results);
}

async function writeResults(path: string, results: unknown): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, `${JSON.stringify(results, null, 2)}\n`);
}

function describeShare({ calls, watchedPercent, idlePercent }: OpenSipsShare): string {
  const [watched, idle] = [watchedPercent, idlePercent].map((percent) => percent.toFixed(1));
  return `OpenSIPS with ${calls} calls takes ${watched} % of a core while they are watched, and ${idle} % before that\n`;
}

async function measureRepeatedly(run: Run, plan: Plan): Promise<Measurement[]> {
  const measurements: Measurement[] = [];
  for (let n = 0; n < plan.repeat; n++) measurements.push(await measureRun(run, plan));
  return measurements;
}

function describe({ delayMs, rate, others, watchers, ends }: Run): string {
  return `${delayMs} ms one way, ${rate} ${ends ? 'whole calls' : 'CallStarts'} and ${others} calls of others a second, ${watchers} watchers`;
}
