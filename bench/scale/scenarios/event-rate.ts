/** Do all events of a busy OpenSIPS reach the edge through the adapter, and what does that cost? @module */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { countDroppedDatagrams } from '../../../adapter/opensips/kernel-drops.ts';
import { findFreePort, spawnAdapter } from '../../../test/harness/stack.ts';
import { cpuTimeMs, memoryUsage } from '../../process-usage.ts';
import { table } from '../../table.ts';
import { waitUntil } from '../../wait-until.ts';
import { echoCosts } from '../command-cost.ts';
import { DialogEvents, EVENTS_PER_CALL } from '../harness/dialog-events.ts';
import { ScaleHarness } from '../harness/harness.ts';
import { formatCount, formatMegabytes, type ScenarioResult, type TargetResult } from '../report.ts';

/** Events per second. */
export const DEFAULT_RATES = [2_000];

/** Maximum memory of the adapter, which shares the machine with OpenSIPS. */
const MAX_ADAPTER_MB = 100;

const MAX_ROWS_PER_CALL = 2;

/** How long events are sent while Echos are measured. */
const ECHO_UNDER_LOAD_MS = 2_000;

interface RateMeasurement {
  /** Events per second. */
  readonly rate: number;
  readonly sent: number;
  /** Datagrams that the kernel dropped at the adapter's socket. */
  readonly dropped: number;
  /** Events received by the edge, and how many messages its object has applied. */
  readonly received: number;
  readonly applied: number;
  readonly gaps: number;
  /** Frames that carried the events. */
  readonly frames: number;
  /** Rows written and alarms set by the object meanwhile. */
  readonly rows: number;
  readonly alarms: number;
  /** Peak resident memory of the adapter before and after the events. */
  readonly adapterPeakBeforeMb: number;
  readonly adapterPeakMb: number;
  /** Resident memory of workerd. */
  readonly edgeMb: number;
  /** The share of a core that each process used. */
  readonly adapterCpuShare: number;
  readonly edgeCpuShare: number;
  /** Duration of an Echo before the events, and under their load. */
  readonly echoBeforeMs: number;
  readonly echoUnderLoadMs: number;
}

/** Measures each rate with a new edge and a new adapter, which runs as its own process, as in production. */
export async function measure(rates: readonly number[], seconds: number): Promise<ScenarioResult> {
  const results: RateMeasurement[] = [];
  for (const rate of rates) results.push(await measureRate(rate, seconds));
  return {
    tables: [deliveryTable(results), resourceTable(results)],
    targets: results.flatMap((result) => targetsOf(result, seconds)),
    measurements: results,
  };
}

function deliveryTable(results: readonly RateMeasurement[]): string {
  const header = [
    'events/s',
    'sent',
    'dropped by the kernel',
    'received',
    'applied',
    'gaps',
    'per frame',
    'rows',
    'alarms',
  ];
  const rows = results.map((result) => [
    formatCount(result.rate),
    formatCount(result.sent),
    formatCount(result.dropped),
    formatCount(result.received),
    formatCount(result.applied),
    formatCount(result.gaps),
    (result.received / result.frames).toFixed(1),
    formatCount(result.rows),
    formatCount(result.alarms),
  ]);
  return table(header, rows);
}

function resourceTable(results: readonly RateMeasurement[]): string {
  const header = [
    'events/s',
    'adapter, peak before',
    'adapter, peak',
    'its CPU',
    'workerd',
    'its CPU',
    'Echo before, ms',
    'under load',
  ];
  const rows = results.map((result) => [
    formatCount(result.rate),
    formatMegabytes(result.adapterPeakBeforeMb),
    formatMegabytes(result.adapterPeakMb),
    percent(result.adapterCpuShare),
    formatMegabytes(result.edgeMb),
    percent(result.edgeCpuShare),
    result.echoBeforeMs.toFixed(3),
    result.echoUnderLoadMs.toFixed(3),
  ]);
  return table(header, rows);
}

function targetsOf(result: RateMeasurement, seconds: number): TargetResult[] {
  const { rate, sent, dropped, received, applied, rows, alarms, adapterPeakMb, adapterPeakBeforeMb } = result;
  return [
    {
      target: `no events lost except by the kernel at ${formatCount(rate)} events per second for ${seconds} s`,
      isMet: received === sent - dropped && applied >= received,
      measured: `${formatCount(received)} of ${formatCount(sent)} received, the kernel dropped ${formatCount(dropped)}`,
    },
    {
      target: `an external call writes at most ${MAX_ROWS_PER_CALL} rows`,
      isMet: rows <= (MAX_ROWS_PER_CALL * sent) / EVENTS_PER_CALL,
      measured: `${formatCount(rows)} rows, ${formatCount(alarms)} alarms`,
    },
    {
      target: `the adapter uses less than ${MAX_ADAPTER_MB} MB`,
      isMet: adapterPeakMb < MAX_ADAPTER_MB,
      measured: `${formatMegabytes(adapterPeakMb)}, of which ${formatMegabytes(adapterPeakBeforeMb)} before the first event`,
    },
  ];
}

async function measureRate(rate: number, seconds: number): Promise<RateMeasurement> {
  await using harness = await ScaleHarness.start({ sites: 0 });
  const [mi = ''] = await harness.startSimulators(1);
  const port = await findFreePort();
  // Operators run the bundle (`npm run adapter`), which uses half the memory of the sources.
  execFileSync('npm', ['run', '-s', 'build:adapter'], { stdio: 'inherit' });
  const settings = {
    OPENSIPS_MI: mi,
    EDGE_URL: harness.url('adapter', 0),
    EVI_LISTEN: `127.0.0.1:${port}`,
    LOG_LEVEL: 'error',
  };
  const { process: adapter } = spawnAdapter(settings, 'dist/adapter.js');
  harness.addProcess('the adapter', adapter);
  await harness.waitForAdapter(0);
  const client = await harness.client();
  const measureEcho = async () => (await echoCosts(client))['Echo, one in flight'] ?? Number.NaN;
  // Warms up.
  await measureEcho();
  const echoBeforeMs = await measureEcho();
  const events = await DialogEvents.open(port);

  const before = await harness.counters();
  const adapterPeakBeforeMb = memoryUsage(adapter).peakRssMb;
  const cpuBefore = { adapter: cpuTimeMs(adapter), edge: cpuTimeMs(harness.edge) };
  await events.send(rate, seconds * 1000);
  const adapterCpuShare = (cpuTimeMs(adapter) - cpuBefore.adapter) / (seconds * 1000);
  const edgeCpuShare = (cpuTimeMs(harness.edge) - cpuBefore.edge) / (seconds * 1000);
  const { sent } = events;
  const dropped = countDroppedDatagrams(port, readFileSync('/proc/net/udp', 'latin1'));
  const received = async () => (await harness.counters()).events - before.events;
  // A timeout is no error here: lost events show in the results.
  await waitUntil('the last events', async () => (await received()) >= sent - dropped).catch(() => {});
  const after = await harness.counters();

  const load = events.send(rate, ECHO_UNDER_LOAD_MS);
  const echoUnderLoadMs = await measureEcho();
  await load;
  events.close();
  return {
    rate,
    sent,
    dropped,
    received: after.events - before.events,
    applied: after.appliedSeq - before.appliedSeq,
    gaps: after.gaps - before.gaps,
    frames: after.frames - before.frames,
    rows: after.rowsWritten - before.rowsWritten,
    alarms: after.alarmsSet - before.alarmsSet,
    adapterPeakBeforeMb,
    adapterPeakMb: memoryUsage(adapter).peakRssMb,
    edgeMb: memoryUsage(harness.edge).rssMb,
    adapterCpuShare,
    edgeCpuShare,
    echoBeforeMs,
    echoUnderLoadMs,
  };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
