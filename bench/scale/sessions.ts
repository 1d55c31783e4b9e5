/**
 * Does anybody notice where many clients are connected and idle? The object shall sleep and wake at once, the socket
 * that is one too many be refused, and the commands of others cost what they did.
 * @module
 */
import { setTimeout as delay } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { median } from '../statistics.ts';
import { table } from '../table.ts';
import type { Client } from './client.ts';
import { type Comparison, compare } from './compare.ts';
import { callCosts, echoCosts, type Measure } from './cost.ts';
import { costTable, costVerdict, count, megabytes, type Outcome, type Verdict } from './outcome.ts';
import { footprint } from './processes.ts';
import { Stage } from './stage.ts';

/** Idle sockets during each measurement. */
export const SIZES = [1, 1_000, 8_000];

/** So many sockets are asked for at last: the one past the limit must be refused. */
const TOO_MANY = 12_000;

/** Sockets that are being opened at once. */
const OPENING = 100;

/**
 * workerd puts an object to sleep that has had nothing to do for 10 s, in milliseconds. Nothing tells that it sleeps
 * without waking it, so the time is waited out; that it slept is seen by its constructor having run again.
 */
const SLEEP_MS = 12_000;

/** A wake-up is measured so often. */
const WAKES = 5;

/** Most that a message to a sleeping object may take to its answer, in milliseconds. */
const WAKE_MOST_MS = 20;

interface Round {
  readonly size: number;
  readonly costs: readonly Comparison[];
  /** Milliseconds to the answer of a message that wakes, one for each time, and how often the object really slept. */
  readonly wakes: readonly number[];
  readonly slept: number;
  /** Sockets opened a second. */
  readonly rate: number;
  /** workerd's resident memory in MB, and its descriptors. */
  readonly rss: number;
  readonly descriptors: number;
}

export async function sessions(sizes: readonly number[], rounds: number): Promise<Outcome> {
  await using stage = await Stage.open({ sites: 2 });
  const alone = await measureAt(stage, 0);
  const loaded = await measureAt(stage, 1);
  const waker = await stage.client(1);
  await compare(alone, loaded, 1);
  const crowd = new Crowd(stage.url('call-api', 1));
  const all: Round[] = [];
  for (const size of sizes) {
    const begun = performance.now();
    const missing = size - crowd.size;
    await crowd.grow(size);
    if (crowd.refusal) break;
    const rate = missing / ((performance.now() - begun) / 1000);
    const costs = await compare(alone, loaded, rounds);
    const asleep = await wakeUps(stage, waker);
    const { rss, descriptors } = footprint(stage.edge);
    all.push({ size, costs, ...asleep, rate, rss, descriptors });
  }
  const limit = await refused(stage, crowd, loaded);
  const header = [
    'sockets',
    'opened a second',
    'slept',
    'to wake, median',
    'worst',
    'workerd',
    'its descriptors',
  ];
  const rows = all.map(({ size, rate, slept, wakes, rss, descriptors }) => [
    count(size),
    count(Math.round(rate)),
    `${slept} of ${wakes.length}`,
    `${median(wakes).toFixed(1)} ms`,
    `${Math.max(...wakes).toFixed(1)} ms`,
    megabytes(rss),
    count(descriptors),
  ]);
  return {
    tables: [costTable('idle sockets', all), table(header, rows)],
    verdicts: [costVerdict('idle sockets', all), ...sleepVerdicts(all), limit],
    figures: { all, limit },
  };
}

async function measureAt(stage: Stage, site: number): Promise<Measure> {
  const client = await stage.client(site);
  return async () => ({ ...(await echoCosts(client)), ...(await callCosts(client, stage.edge)) });
}

/** Lets the object fall asleep and wakes it with a message, again and again. */
async function wakeUps(stage: Stage, client: Client): Promise<Pick<Round, 'wakes' | 'slept'>> {
  const wakes: number[] = [];
  let slept = 0;
  for (let n = 0; n < WAKES; n++) {
    await delay(SLEEP_MS);
    const { constructed } = await stage.counters(1);
    const begun = performance.now();
    await client.run('Echo', {});
    wakes.push(performance.now() - begun);
    slept += (await stage.counters(1)).constructed - constructed;
  }
  return { wakes, slept };
}

function sleepVerdicts(all: readonly Round[]): Verdict[] {
  const last = all.at(-1);
  if (!last) return [];
  const worst = Math.max(...last.wakes);
  const sockets = `${count(last.size)} idle sockets`;
  return [
    {
      target: `the object sleeps with ${sockets}`,
      met: last.slept === last.wakes.length,
      figure: `it slept ${last.slept} of ${last.wakes.length} times`,
    },
    {
      target: `a message wakes it within ${WAKE_MOST_MS} ms with ${sockets}`,
      met: worst <= WAKE_MOST_MS,
      figure: `${median(last.wakes).toFixed(1)} ms, at worst ${worst.toFixed(1)} ms`,
    },
  ];
}

/** Opens sockets until one is refused, and sees whether those who are there go on. */
async function refused(stage: Stage, crowd: Crowd, loaded: Measure): Promise<Verdict> {
  await crowd.grow(TOO_MANY);
  const at = `${crowd.refusal ?? 'none was refused'} (${count(crowd.size)} were open)`;
  const goOn = await loaded().then(
    () => 'commands of the others went on',
    (error: unknown) => `commands of the others did not go on: ${error}`,
  );
  const lost = crowd.lost > 0 ? `, ${count(crowd.lost)} sockets were lost` : '';
  const died = stage.edge.exitCode !== null || stage.edge.signalCode !== null ? ', workerd died' : '';
  return {
    target: `the socket number ${count(TOO_MANY)} is refused with 503 and nobody else notices`,
    met: crowd.refusal === 'refused with 503' && crowd.lost === 0 && goOn.endsWith('went on'),
    figure: `${at}; ${goOn}${lost}${died}`,
  };
}

/** Clients that connect and then say nothing. */
class Crowd {
  readonly #url: string;
  size = 0;
  /** Sockets that ended although nobody ended them. */
  lost = 0;
  /** How the first socket was refused that was; then no more are opened. */
  refusal: string | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  /** Opens sockets until there are so many, or one is refused. */
  async grow(size: number): Promise<void> {
    let next = this.size;
    const lane = async () => {
      while (next < size && !this.refusal) await this.#open(next++);
    };
    await Promise.all(Array.from({ length: OPENING }, lane));
  }

  #open(n: number): Promise<void> {
    const socket = new WebSocket(`${this.#url}&session=idle-${n}`, { perMessageDeflate: false });
    return new Promise((settled) => {
      socket.on('open', () => {
        this.size++;
        socket.on('close', () => this.lost++);
        settled();
      });
      const refuse = (how: string) => {
        this.refusal ??= how;
        settled();
      };
      socket.on('unexpected-response', (request, { statusCode }) => {
        request.destroy();
        refuse(`refused with ${statusCode}`);
      });
      socket.on('error', ({ message }) => refuse(`failed: ${message}`));
    });
  }
}
