/**
 * Does a command cost more where many calls stand that are not its own, or where many watch? And how long does a board
 * wait for its first look?
 * @module
 */
import { WebSocket } from 'ws';
import { table } from '../table.ts';
import { until } from '../until.ts';
import { type Comparison, compare } from './compare.ts';
import { callCosts, echoCosts, linkCosts, type Measure } from './cost.ts';
import { costTable, costVerdict, count, megabytes, type Outcome } from './outcome.ts';
import { cpu, footprint } from './processes.ts';
import { connectScriptedAdapter } from './scripted-adapter.ts';
import { Stage } from './stage.ts';

/** Calls that stand. */
export const SIZES = [10, 2_000, 100_000];

/** Calls that stand where it is measured what a command costs otherwise. */
const FEW = 10;

/** Rounds that do not count: until then code is compiled. */
const WARMING = 2;

/** Calls on a board, and the longest that its snapshot may take, in milliseconds. */
const ON_BOARD = 2_000;
const SNAPSHOT_MS = 100;

/** Those who watch, and how much more a command may cost for them. */
const WATCHERS = 100;
const WATCHED_MOST = 1.5;

interface Round {
  readonly size: number;
  readonly costs: readonly Comparison[];
  /** Resident memory of workerd, in MB. */
  readonly edge: number;
  /** Milliseconds to the answer of CallWatch. */
  readonly snapshot: number;
}

export async function calls(sizes: readonly number[], rounds: number): Promise<Outcome> {
  const standing = await manyStand(sizes, rounds);
  const watched = await manyWatch(rounds);
  const worst = Math.max(...watched.map(({ ratio }) => ratio));
  const board = standing.find(({ size }) => size === ON_BOARD);
  const rows = standing.map(({ size, edge, snapshot }) => [
    count(size),
    megabytes(edge),
    `${snapshot.toFixed(1)} ms`,
  ]);
  return {
    tables: [
      costTable('calls stand', standing),
      table(['calls stand', 'workerd', 'snapshot'], rows),
      costTable('watch', [{ size: WATCHERS, costs: watched }]),
    ],
    verdicts: [
      costVerdict('standing calls', standing),
      {
        target: `${WATCHERS} watchers slow a command by less than ${WATCHED_MOST} x`,
        met: worst < WATCHED_MOST,
        figure: `${worst.toFixed(2)} x at worst`,
      },
      {
        target: `the snapshot of ${count(ON_BOARD)} calls takes less than ${SNAPSHOT_MS} ms`,
        met: board !== undefined && board.snapshot < SNAPSHOT_MS,
        figure: board ? `${board.snapshot.toFixed(1)} ms` : 'not measured',
      },
    ],
    figures: { standing, watched },
  };
}

/** Calls of strangers, raised by an adapter that no OpenSIPS stands behind. */
async function manyStand(sizes: readonly number[], rounds: number): Promise<Round[]> {
  const all: Round[] = [];
  for (const size of sizes) all.push(await stand(size, rounds));
  return all;
}

/**
 * On stages of its own, so that nobody looks while costs are measured: for a minute after a look OpenSIPS is asked for all
 * calls every 12 s.
 */
async function stand(size: number, rounds: number): Promise<Round> {
  await using few = await Stage.open({ sites: 0 });
  await using many = await Stage.open({ sites: 0 });
  const raise = async (stage: Stage, calls: number): Promise<Measure> => {
    const adapter = await connectScriptedAdapter(stage.url('adapter', 0));
    await stage.linked(0);
    await adapter.raise(0, calls);
    await settled(stage, calls);
    const client = await stage.client();
    return async () => ({ ...(await echoCosts(client)), ...(await linkCosts(client, stage.edge)) });
  };
  const [alone, loaded] = [await raise(few, FEW), await raise(many, size)];
  await compare(alone, loaded, WARMING);
  const costs = await compare(alone, loaded, rounds);
  return { size, costs, edge: footprint(many.edge).rss, snapshot: await snapshotAt(many) };
}

/** Processor time of an edge that has nothing to do, in milliseconds a second: its alarms, and what asks for its health. */
const IDLE_MS = 50;

/**
 * What was raised is applied in order, before what is asked after it. Then the edge asks who speaks in some of the new
 * calls: what is measured is what it costs that they stand, not that they have just come.
 */
async function settled(stage: Stage, size: number): Promise<void> {
  const { edge } = stage;
  const asking = await stage.client();
  await until(`${size} calls`, async () => (await asking.run('CallEnd', { callid: 'nobody' })).cmdId !== '');
  await until('the edge is idle', async () => {
    const before = cpu(edge);
    await new Promise((resume) => setTimeout(resume, 1_000));
    return cpu(edge) - before < IDLE_MS;
  });
}

async function manyWatch(rounds: number): Promise<Comparison[]> {
  await using alone = await Stage.open();
  await using watched = await Stage.open();
  const measureAt = async (stage: Stage): Promise<Measure> => {
    const client = await stage.client();
    return () => callCosts(client, stage.edge);
  };
  const measures = [await measureAt(alone), await measureAt(watched)] as const;
  const watchers = await Promise.all(Array.from({ length: WATCHERS }, () => watch(watched)));
  await compare(...measures, 1);
  const costs = await compare(...measures, rounds);
  for (const { socket } of watchers) socket.terminate();
  return costs;
}

async function snapshotAt(stage: Stage): Promise<number> {
  const { took, socket } = await watch(stage);
  socket.terminate();
  return took;
}

/** Watches all calls of the first site. */
function watch(stage: Stage): Promise<{ readonly took: number; readonly socket: WebSocket }> {
  const socket = new WebSocket(stage.url('call-api', 0), { perMessageDeflate: false });
  let asked = 0;
  socket.on('open', () => {
    asked = performance.now();
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'CallWatch', params: {} }));
  });
  return new Promise((resolve, reject) => {
    socket.once('message', (data) => {
      const took = performance.now() - asked;
      const { error } = JSON.parse(data.toString()) as { error?: object };
      if (error) reject(new Error(JSON.stringify(error)));
      else resolve({ took, socket });
    });
    socket.once('error', reject);
  });
}
