/** Measures how webhook receivers, fast and broken ones, affect calls: see {@link HELP}. @module */
import type { ChildProcess } from 'node:child_process';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { HIGH_LIMITS } from '../../test/harness/high-limits.ts';
import { MultiTenantStack } from '../../test/harness/multi-tenant-stack.ts';
import { CallApiClient } from '../call-api/client.ts';
import { ChildProcesses } from '../child-processes.ts';
import { cpuTimeMs } from '../process-usage.ts';
import { median, quantile } from '../statistics.ts';
import { table } from '../table.ts';
import { BenchmarkEndpoint } from './endpoint.ts';
import { DESCRIPTIONS, RECEIVER_KINDS } from './receiver-kinds.ts';

const HELP = `npm run bench -- --webhooks [--rounds N] [--starts N]

Sites on one workerd, each with its own adapter and OpenSIPS: one for each kind of webhook receiver, and one without webhooks,
whose ratio shows how much the machine alone varies. In each round, each site runs N CallStarts with one in flight, then four
times as many with 16 in flight. Each run takes a second or more; its first quarter is a warm-up and is not counted.

Next to each run, alternately before and after it, a control site runs the same load. It has no webhooks and is otherwise as old
and as busy. A ratio compares the medians of two adjacent runs, because the speed of a machine drifts within a minute but hardly
within two seconds. The table shows the median of these ratios, and the range of their middle half. The processor time is that of
workerd for one CallStart and its CallEnd, including all webhook work in the meantime; its ratio compares the totals.

Webhooks are sent only during their own site's run, so that they affect its calls and not those of the next site. The run of the
fast receiver lasts until everything is delivered. The other endpoints are disabled at the end of their run, and are sent the
backlog and the retries from the start of their next run on. The restarting receiver is down for the first half of a run.
`;

const IN_FLIGHT = [1, 16] as const;

/** Pause before a run, so that the end of the previous run is not measured. */
const PAUSE_MS = 100;

const SITE_KINDS = ['none', ...RECEIVER_KINDS] as const;

/** A site with a receiver (unless its kind is `none`), and its control site without webhooks. */
interface SitePair {
  readonly kind: (typeof SITE_KINDS)[number];
  readonly client: CallApiClient;
  readonly endpoint: BenchmarkEndpoint | undefined;
  readonly controlClient: CallApiClient;
}

interface RunResult {
  /** Duration of each CallStart. */
  readonly durationsMs: readonly number[];
  /** Processor time that workerd used in total. */
  readonly cpuMs: number;
}

/** A run, and the adjacent run of the control site. */
interface RunPair {
  readonly kind: SitePair['kind'];
  readonly inFlight: number;
  readonly measured: RunResult;
  readonly control: RunResult;
}

/** Measures, and prints the results. */
export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '8' },
      starts: { type: 'string', default: '100' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const [rounds, starts] = [values.rounds, values.starts].map(Number);
  if (!rounds || !starts) throw new Error('--rounds and --starts must be positive integers');
  const load = loadavg()[0] ?? Number.NaN;
  await using resources = new AsyncDisposableStack();
  const { edge, sites } = await startSites(resources);
  const pairs: RunPair[] = [];
  // Round -1 is the warm-up.
  for (let round = -1; round < rounds; round++) {
    for (const inFlight of IN_FLIGHT) {
      for (let n = 0; n < sites.length; n++) {
        // Each round starts with another site.
        const site = sites[(n + round + 1) % sites.length];
        if (!site) continue;
        const count = inFlight > 1 ? 4 * starts : starts;
        const runControl = () => run(edge, site.controlClient, count, inFlight);
        const controlBefore = round % 2 === 0 ? await runControl() : undefined;
        await site.endpoint?.onRunStart();
        const measured = await run(edge, site.client, count, inFlight, () => site.endpoint?.onRunHalfway());
        await site.endpoint?.onRunEnd();
        const control = controlBefore ?? (await runControl());
        if (round >= 0) pairs.push({ kind: site.kind, inFlight, measured, control });
      }
    }
  }
  process.stdout.write(`${callTable(pairs)}\n${await receiverTable(sites)}`);
  process.stdout.write(`\nLoad average before the start: ${load.toFixed(2)}.\n`);
}

/** Starts the edge, the sites and the receivers. */
async function startSites(
  resources: AsyncDisposableStack,
): Promise<{ readonly edge: ChildProcess; readonly sites: readonly SitePair[] }> {
  const stack = await MultiTenantStack.start({
    tenants: 1,
    sites: 2 * SITE_KINDS.length,
    simulatorOptions: { delayFactor: 0, keepLedger: false, timers: { listedAfterEndMs: 0 } },
    tenantSettings: { limits: HIGH_LIMITS },
    webhooksToPrivate: true,
  });
  resources.use(stack);
  const children = resources.use(new ChildProcesses());
  const ports = await children.startAndReadLine('the receivers', 'bench/webhooks/receivers.ts', []);
  const connect = async (siteNumber: number) => {
    const { siteKey } = stack.site(`t1-s${siteNumber}`);
    const url = `ws://127.0.0.1:${stack.port}/call-api?access_token=${siteKey}`;
    return resources.use(await CallApiClient.connect(url));
  };
  const sites: SitePair[] = [];
  for (const [index, kind] of SITE_KINDS.entries()) {
    const siteNumber = 2 * index + 1;
    const port = Number(ports.split(',')[index - (SITE_KINDS.length - RECEIVER_KINDS.length)]);
    const endpoint =
      kind === 'none' ? undefined : await BenchmarkEndpoint.create(stack, `s${siteNumber}`, kind, port);
    const client = await connect(siteNumber);
    sites.push({ kind, client, endpoint, controlClient: await connect(siteNumber + 1) });
  }
  return { edge: stack.edgeProcess, sites };
}

/** Runs CallStarts, each followed by its CallEnd. Calls `onHalfway` when half of them have started. */
async function run(
  edge: ChildProcess,
  client: CallApiClient,
  count: number,
  inFlight: number,
  onHalfway?: () => Promise<void> | undefined,
): Promise<RunResult> {
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  const warmUpCount = Math.floor(count / 4);
  const durationsMs: number[] = [];
  let cpuBefore = 0;
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const n = next++;
      if (n === warmUpCount) cpuBefore = cpuTimeMs(edge);
      if (n === Math.floor(count / 2)) await onHalfway?.();
      const parties = { caller: `sip:keep.${n}@h.test`, callee: `sip:bob.${n}@h.test` };
      const start = performance.now();
      const callid = await client.run('CallStart', parties);
      if (n >= warmUpCount) durationsMs.push(performance.now() - start);
      // Ended before the worker's next call starts.
      await client.run('CallEnd', { callid });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return { durationsMs, cpuMs: cpuTimeMs(edge) - cpuBefore };
}

function callTable(allPairs: readonly RunPair[]): string {
  const rows = IN_FLIGHT.flatMap((inFlight) =>
    SITE_KINDS.map((kind) => {
      const pairs = allPairs.filter((pair) => pair.inFlight === inFlight && pair.kind === kind);
      const ratios = pairs.map(
        ({ measured, control }) => median(measured.durationsMs) / median(control.durationsMs),
      );
      const durationsMs = pairs.flatMap(({ measured }) => measured.durationsMs);
      const medians = pairs.map(({ measured }) => median(measured.durationsMs));
      const cpuMs = sum(pairs.map(({ measured }) => measured.cpuMs));
      const controlCpuMs = sum(pairs.map(({ control }) => control.cpuMs));
      return [
        kind === 'none' ? 'none' : DESCRIPTIONS[kind],
        String(inFlight),
        `${median(medians).toFixed(2)} ms`,
        `${quantile(durationsMs, 0.99).toFixed(2)} ms`,
        `${median(ratios).toFixed(2)} x`,
        `${quantile(ratios, 0.25).toFixed(2)}-${quantile(ratios, 0.75).toFixed(2)}`,
        `${(cpuMs / durationsMs.length).toFixed(2)} ms`,
        `${(cpuMs / controlCpuMs).toFixed(2)} x`,
      ];
    }),
  );
  const columns = ['in flight', 'median', 'p99', 'ratio', 'middle half', 'processor', 'ratio'];
  return table(['CallStart, by receiver', ...columns], rows);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

async function receiverTable(sites: readonly SitePair[]): Promise<string> {
  const rows: string[][] = [];
  for (const { kind, endpoint } of sites) {
    if (kind === 'none' || !endpoint) continue;
    const { received, waiting, behind } = await endpoint.state();
    rows.push([DESCRIPTIONS[kind], ...[received, waiting, behind].map(String)]);
  }
  return table(['receiver', 'webhooks received', 'waiting', 'positions behind'], rows);
}
