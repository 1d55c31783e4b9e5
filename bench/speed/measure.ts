/** Runs the benchmarks of a plan, alternating between them in each round. @module */
import { baselineBenchmarks, DURABLE_RELAY } from '../baseline/benchmarks.ts';
import { callApiBenchmarks } from '../call-api/workloads.ts';
import type { Benchmark, Configuration } from './benchmark.ts';
import { type RoundLimits, runClosedLoop, type Sample } from './closed-loop.ts';
import { type SpeedHarness, startSpeedHarness } from './harness.ts';
import type { Plan, PlanStep } from './plan.ts';
import { type Measurement, type Summary, summarize } from './summary.ts';

type ShowProgress = (text: string) => void;

/** Returns a summary of each benchmark in each step. */
export async function measure(plan: Plan, showProgress: ShowProgress): Promise<Summary[]> {
  const summaries: Summary[] = [];
  const tenantCounts = new Set(plan.steps.map(({ configuration }) => configuration.tenants));
  for (const tenants of tenantCounts) {
    showProgress(`starting ${tenants} ${tenants === 1 ? 'tenant' : 'tenants'}`);
    await using harness = await startSpeedHarness(tenants, plan.dataDirectory);
    for (const step of plan.steps.filter(({ configuration }) => configuration.tenants === tenants)) {
      const results = measureStep(step, harness, plan, showProgress);
      summaries.push(...(await Promise.race([harness.exited, results])));
    }
  }
  return summaries;
}

async function measureStep(
  { configuration, workloads }: PlanStep,
  harness: SpeedHarness,
  plan: Plan,
  showProgress: ShowProgress,
): Promise<Summary[]> {
  await using resources = new AsyncDisposableStack();
  const benchmarks = [
    ...(await baselineBenchmarks(harness, configuration, resources)),
    ...(await callApiBenchmarks(workloads, harness, configuration, resources)),
  ];
  const limits = plan.limits(configuration.inFlight);
  const samples = new Map<string, Sample[]>(benchmarks.map(({ name }) => [name, []]));
  // Round 0 is the warm-up: it compiles code and opens sockets.
  for (let round = 0; round <= plan.rounds; round++) {
    for (const benchmark of benchmarks) {
      const progress = round === 0 ? 'warming up' : `round ${round} of ${plan.rounds}`;
      showProgress(`${describe(configuration)}, ${progress}: ${benchmark.name}`);
      const sample = await runRound(benchmark, limits, configuration.inFlight);
      if (round > 0) samples.get(benchmark.name)?.push(sample);
    }
  }
  const measurement = (name: string): Measurement => ({
    name,
    configuration,
    rounds: samples.get(name) ?? [],
  });
  const relay = measurement(DURABLE_RELAY);
  return benchmarks.map(({ name }) => summarize(measurement(name), relay));
}

async function runRound(benchmark: Benchmark, limits: RoundLimits, inFlight: number): Promise<Sample> {
  const round = await benchmark.prepare(limits.count);
  const sample = await runClosedLoop(limits, inFlight, round.run).catch((error: unknown) => {
    throw new Error(`${benchmark.name} failed`, { cause: error });
  });
  await round.cleanUp();
  return sample;
}

function describe({ tenants, sockets, inFlight }: Configuration): string {
  return `${tenants} tenants, ${sockets} sockets, ${inFlight} in flight`;
}
