/**
 * Does a command cost more where many run? Asked twice: of the edge alone, where each of the running ones waits in
 * silence for a caller who rings; and of the whole path, where the callees ring and the edge looks at each now and
 * then (LOOK_MS in shared/deadlines.ts).
 * @module
 */
import { table } from '../table.ts';
import type { Client } from './client.ts';
import { type Comparison, compare } from './compare.ts';
import { callCosts, echoCosts, linkCosts, type Measure } from './cost.ts';
import { costTable, costVerdict, count, megabytes, type Outcome } from './outcome.ts';
import { cpu, footprint } from './processes.ts';
import { connectScriptedAdapter } from './scripted-adapter.ts';
import { Stage } from './stage.ts';

/** Commands that run during each measurement. */
export const SIZES = [1, 100, 1_000, 10_000];

/** CallStarts that are on their way to where they stay, at once. */
const STARTING = 64;

/** Seconds that a caller may ring: the most that CallStart takes. */
const CALLER_SECONDS = 180;

/** So long the processor time is watched while nobody asks anything, in milliseconds. */
const QUIET_MS = 3_000;

interface Round {
  readonly size: number;
  readonly costs: readonly Comparison[];
  /** Commands that ran before and after the measurement. */
  readonly before: number;
  readonly after: number;
  /** Commands a second that came to stay. */
  readonly rate: number;
  /** The share of a core that workerd uses while no client asks anything. */
  readonly idle: number;
  /** Resident memory of workerd and of the adapter, in MB. */
  readonly edge: number;
  readonly adapter: number;
}

export async function running(sizes: readonly number[], rounds: number): Promise<Outcome> {
  const silent = await edgeAlone(sizes, rounds);
  const whole = await wholePath(sizes, rounds);
  return {
    tables: [
      costTable('callers ring', silent),
      runningTable(silent),
      costTable('callees ring', whole),
      runningTable(whole),
    ],
    verdicts: [
      costVerdict('running (callers ring, edge alone)', silent),
      costVerdict('running (callees ring, whole path)', whole),
    ],
    figures: { silent, whole },
  };
}

async function edgeAlone(sizes: readonly number[], rounds: number): Promise<Round[]> {
  await using few = await Stage.open({ sites: 0 });
  await using many = await Stage.open({ sites: 0 });
  for (const stage of [few, many]) {
    await connectScriptedAdapter(stage.url('adapter', 0));
    await stage.linked(0);
  }
  const measureAt = async (stage: Stage): Promise<Measure> => {
    const client = await stage.client();
    return async () => ({ ...(await echoCosts(client)), ...(await linkCosts(client, stage.edge)) });
  };
  return await measure(many, [await measureAt(few), await measureAt(many)], sizes, rounds, (client, n) =>
    client.run(
      'CallStart',
      { caller: uri(`ring.${n}`), callee: uri('bob'), timeout: CALLER_SECONDS },
      'CallerRinging',
    ),
  );
}

async function wholePath(sizes: readonly number[], rounds: number): Promise<Round[]> {
  await using few = await Stage.open();
  await using many = await Stage.open();
  const measureAt = async (stage: Stage): Promise<Measure> => {
    const client = await stage.client();
    return async () => ({ ...(await echoCosts(client)), ...(await callCosts(client, stage.edge)) });
  };
  return await measure(many, [await measureAt(few), await measureAt(many)], sizes, rounds, (client, n) =>
    client.run('CallStart', { caller: uri(`keep.${n}`), callee: uri(`ring.${n}`) }, 'TransferStart'),
  );
}

async function measure(
  many: Stage,
  [alone, loaded]: readonly [Measure, Measure],
  sizes: readonly number[],
  rounds: number,
  start: (client: Client, n: number) => Promise<unknown>,
): Promise<Round[]> {
  await compare(alone, loaded, 1);
  const starter = await many.client();
  const all: Round[] = [];
  let started = 0;
  for (const size of sizes) {
    const missing = size - (await many.health()).running;
    const begun = performance.now();
    let left = missing;
    const lane = async () => {
      while (left-- > 0) await start(starter, started++);
    };
    await Promise.all(Array.from({ length: STARTING }, lane));
    const rate = missing / ((performance.now() - begun) / 1000);
    const before = (await many.health()).running;
    const costs = await compare(alone, loaded, rounds);
    const after = (await many.health()).running;
    const idle = await idleShare(many);
    const memory = { edge: footprint(many.edge).rss, adapter: footprint(many.adapters).rss };
    all.push({ size, costs, before, after, rate, idle, ...memory });
  }
  return all;
}

/** A stretch of time is what is measured here, so it is waited for. */
async function idleShare({ edge }: Stage): Promise<number> {
  const used = cpu(edge);
  await new Promise((resume) => setTimeout(resume, QUIET_MS));
  return (cpu(edge) - used) / QUIET_MS;
}

function runningTable(all: readonly Round[]): string {
  const header = [
    'wanted',
    'ran before',
    'ran after',
    'started a second',
    'workerd busy',
    'workerd',
    'adapters',
  ];
  const rows = all.map(({ size, before, after, rate, idle, edge, adapter }) => [
    count(size),
    count(before),
    count(after),
    count(Math.round(rate)),
    `${Math.round(idle * 100)} %`,
    megabytes(edge),
    megabytes(adapter),
  ]);
  return table(header, rows);
}

function uri(user: string): string {
  return `sip:${user}@127.0.0.1:5060`;
}
