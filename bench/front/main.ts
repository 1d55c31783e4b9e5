/** Measures what the front of `npm start` adds to a request: see {@link HELP}. @module */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startEdge } from '../../selfhost/workerd.ts';
import { ChildProcesses } from '../child-processes.ts';
import { median, quantile } from '../statistics.ts';
import { table } from '../table.ts';
import { waitUntil } from '../wait-until.ts';
import { type Connection, type Operation, openConnections } from './connections.ts';

const HELP = `npm run bench -- --front [--rounds N] [--count N]

One request at a time, over HTTP (a connection that stays open) and over a WebSocket, to one workerd: through the front of npm start,
and to workerd's Unix socket. Each round measures both, in turn; the median of the rounds counts.
`;

const ROUTES = ['workerd', 'front'] as const;
const OPERATIONS = { 'HTTP request': 'http', 'WebSocket request': 'webSocket' } as const;

/** Milliseconds of a round. */
interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** Measures, and prints a line for each operation. */
export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: 'string', default: '3' },
      count: { type: 'string', default: '2000' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  const [rounds, count] = [values.rounds, values.count].map(Number);
  if (!rounds || !count) throw new Error('--rounds and --count must be positive integers');
  await using children = new ChildProcesses();
  const socketPath = join(children.directory, 'workerd.sock');
  children.add('the edge', await startEdge({ port: socketPath, data: children.directory, secrets: {} }));
  const port = Number(
    await children.startAndReadLine('the front', 'bench/front/front-process.ts', [socketPath]),
  );
  await waitUntil('the edge answers', async () => (await fetch(`http://127.0.0.1:${port}/healthz`)).ok);
  using workerd = await openConnections({ socketPath });
  using front = await openConnections({ port });
  process.stdout.write(report(await measureAll({ workerd, front }, rounds, count)));
}

type Measurements = Record<keyof typeof OPERATIONS, Record<(typeof ROUTES)[number], Latency[]>>;

async function measureAll(
  connections: Record<(typeof ROUTES)[number], Connection>,
  rounds: number,
  count: number,
): Promise<Measurements> {
  const measurements: Measurements = {
    'HTTP request': { workerd: [], front: [] },
    'WebSocket request': { workerd: [], front: [] },
  };
  // Round -1 is the warm-up.
  for (let round = -1; round < rounds; round++)
    for (const [name, operation] of Object.entries(OPERATIONS))
      for (const route of ROUTES) {
        const latency = await measure(connections[route][operation], count);
        if (round >= 0) measurements[name as keyof typeof OPERATIONS][route].push(latency);
      }
  return measurements;
}

async function measure(operation: Operation, count: number): Promise<Latency> {
  const durationsMs: number[] = [];
  for (let n = 0; n < count; n++) {
    const start = performance.now();
    await operation();
    durationsMs.push(performance.now() - start);
  }
  return { p50: quantile(durationsMs, 0.5), p99: quantile(durationsMs, 0.99) };
}

function report(measurements: Measurements): string {
  const rows = Object.entries(measurements).map(([name, { workerd, front }]) => [
    name,
    ...(['p50', 'p99'] as const).flatMap((figure) => {
      const [direct, through] = [workerd, front].map((rounds) => median(rounds.map((each) => each[figure])));
      const ratio = median(front.map((each, n) => each[figure] / (workerd[n]?.[figure] ?? Number.NaN)));
      return [`${direct?.toFixed(2)} ms`, `${through?.toFixed(2)} ms`, `${ratio.toFixed(2)} x`];
    }),
  ]);
  const header = ['', 'workerd p50', 'front p50', 'ratio', 'workerd p99', 'front p99', 'ratio'];
  return table(header, rows);
}
