/** Does every event of a busy OpenSIPS come through the adapter to the edge, and what does that take? @module */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { droppedAt } from '../../adapter/kernel-drops.ts';
import { freePort, spawnAdapter } from '../../test/stack/stack.ts';
import { table } from '../table.ts';
import { until } from '../until.ts';
import { echoCosts } from './cost.ts';
import { Dialogs } from './dialogs.ts';
import { count, megabytes, type Outcome } from './outcome.ts';
import { cpu, footprint } from './processes.ts';
import { Stage } from './stage.ts';

/** Events a second. */
export const SIZES = [2_000];

/** Events of each call: it rings, is answered and acknowledged, and ends. */
const EVENTS_EACH = 4;

/** Most that the adapter may take, in MB: an operator's machine has other things to do. */
const MOST_MEMORY_MB = 100;

/** Clients are asked for so long while events come, in milliseconds. */
const ASKED_MS = 2_000;

interface Round {
  readonly size: number;
  readonly sent: number;
  /** Datagrams that the kernel dropped at the adapter's socket. */
  readonly dropped: number;
  /** What came to the edge: events, how far its object says that they are applied, gaps, and frames of them. */
  readonly arrived: number;
  readonly applied: number;
  readonly gaps: number;
  readonly frames: number;
  /** Rows that the object wrote, and alarms that it set, while they came. */
  readonly rows: number;
  readonly alarms: number;
  /** Peak of the adapter's resident memory before the events came. */
  readonly adapterAtRest: number;
  /** Peak of the adapter's resident memory, and workerd's resident memory, in MB. */
  readonly adapterPeak: number;
  readonly edge: number;
  /** The share of a core that each used. */
  readonly adapterBusy: number;
  readonly edgeBusy: number;
  /** Milliseconds to an Echo before the events, and while they came. */
  readonly echo: number;
  readonly echoMeanwhile: number;
}

/** A new edge and a new adapter, a process of its own as operators run it, for each rate. */
export async function events(rates: readonly number[], seconds: number): Promise<Outcome> {
  const all: Round[] = [];
  for (const rate of rates) all.push(await flood(rate, seconds));
  const header = [
    'events/s',
    'sent',
    'dropped by the kernel',
    'arrived',
    'applied',
    'gaps',
    'to a frame',
    'rows',
    'alarms',
  ];
  const rows = all.map((round) => [
    count(round.size),
    count(round.sent),
    count(round.dropped),
    count(round.arrived),
    count(round.applied),
    count(round.gaps),
    (round.arrived / round.frames).toFixed(1),
    count(round.rows),
    count(round.alarms),
  ]);
  const takes = all.map((round) => [
    count(round.size),
    megabytes(round.adapterAtRest),
    megabytes(round.adapterPeak),
    percent(round.adapterBusy),
    megabytes(round.edge),
    percent(round.edgeBusy),
    round.echo.toFixed(3),
    round.echoMeanwhile.toFixed(3),
  ]);
  const takesHeader = [
    'events/s',
    'adapter, peak before',
    'adapter, peak',
    'its core',
    'workerd',
    'its core',
    'Echo before, ms',
    'meanwhile',
  ];
  return {
    tables: [table(header, rows), table(takesHeader, takes)],
    verdicts: all.flatMap((round) => [
      {
        target: `no loss beyond the kernel's at ${count(round.size)} events a second for ${seconds} s`,
        met: round.arrived === round.sent - round.dropped && round.applied >= round.arrived,
        figure: `${count(round.arrived)} of ${count(round.sent)} arrived, the kernel dropped ${count(round.dropped)}`,
      },
      {
        target: "a stranger's call writes two rows at most",
        met: round.rows <= (2 * round.sent) / EVENTS_EACH,
        figure: `${count(round.rows)} rows, ${count(round.alarms)} alarms`,
      },
      {
        target: `the adapter stays under ${MOST_MEMORY_MB} MB`,
        met: round.adapterPeak < MOST_MEMORY_MB,
        figure: `${megabytes(round.adapterPeak)}, of which ${megabytes(round.adapterAtRest)} before the first event`,
      },
    ]),
    figures: all,
  };
}

async function flood(rate: number, seconds: number): Promise<Round> {
  await using stage = await Stage.open({ sites: 0 });
  const [mi = ''] = await stage.opensips(1);
  const port = await freePort();
  // As operators run it: `npm run adapter` bundles it first, which halves what it takes.
  execFileSync('npm', ['run', '-s', 'build:adapter'], { stdio: 'inherit' });
  const settings = {
    OPENSIPS_MI: mi,
    EDGE_URL: stage.url('adapter', 0),
    EVI_LISTEN: `127.0.0.1:${port}`,
    LOG_LEVEL: 'error',
  };
  const { process: adapter } = spawnAdapter(settings, 'dist/adapter.js');
  stage.add('the adapter', adapter);
  await stage.linked(0);
  const client = await stage.client();
  const echo = async () => (await echoCosts(client))['Echo, one in flight'] ?? Number.NaN;
  await echo();
  const echoBefore = await echo();
  const dialogs = await Dialogs.open(port);

  const before = await stage.counters();
  const adapterAtRest = footprint(adapter).peak;
  const used = { adapter: cpu(adapter), edge: cpu(stage.edge) };
  await dialogs.raise(rate, seconds * 1000);
  const busy = {
    adapterBusy: (cpu(adapter) - used.adapter) / (seconds * 1000),
    edgeBusy: (cpu(stage.edge) - used.edge) / (seconds * 1000),
  };
  const { sent } = dialogs;
  const dropped = droppedAt(port, readFileSync('/proc/net/udp', 'latin1'));
  const arrived = async () => (await stage.counters()).events - before.events;
  // Those that are missing for good show in the figures.
  await until('the last events', async () => (await arrived()) >= sent - dropped).catch(() => {});
  const after = await stage.counters();

  const meanwhile = dialogs.raise(rate, ASKED_MS);
  const echoMeanwhile = await echo();
  await meanwhile;
  dialogs.close();
  const taken = { adapterPeak: footprint(adapter).peak, edge: footprint(stage.edge).rss };
  return {
    size: rate,
    sent,
    dropped,
    arrived: after.events - before.events,
    applied: after.applied - before.applied,
    gaps: after.gaps - before.gaps,
    frames: after.frames - before.frames,
    rows: after.rows - before.rows,
    alarms: after.alarms - before.alarms,
    adapterAtRest,
    ...taken,
    ...busy,
    echo: echoBefore,
    echoMeanwhile,
  };
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
