/** What is handed over at once is bounded, it waits while calls fill the thread, and nothing is passed over. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, expect, it, vi } from 'vitest';
import type { LinkLine } from '../calls/kept.ts';
import { load } from '../load.ts';
import { eventsIn } from './chunk.ts';
import { type Handed, HandOver, MOST_WAIT_MS } from './hand-over.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

const COUNT = 300;
const BODY = JSON.stringify('x'.repeat(65_000));

const event = (seq: number) => {
  return { seq, type: 'link.up', about: '', addresses: [], body: BODY };
};

const line = (seq: number): LinkLine => ({ seq, at: 0, link: 'Up' });

/** A hand-over to somebody who takes all, from a log that has all. */
function world(sql: SqlStorage) {
  const handed: Handed[] = [];
  let reads = 0;
  const log: number[] = [];
  const make = () =>
    new HandOver(sql, log.at(-1) ?? 0, {
      epoch: 'x',
      events: ({ after, upto }) => {
        reads++;
        return log.filter((seq) => seq > after && seq <= upto).map(event);
      },
      eventOf: (item) => event('told' in item ? item.told.seq : item.seq),
      take: async (_place, each) => {
        if (each.upto > 0) handed.push(each);
        return handed.at(-1)?.upto ?? 0;
      },
      stopped: () => {},
    });
  let hand = make();
  hand.begin('a/b');
  return {
    handed,
    get hand() {
      return hand;
    },
    get reads() {
      return reads;
    },
    /** A turn in which this has happened. */
    happens: (turn: readonly number[], now = Date.now()) => {
      log.push(...turn);
      hand.wrote(turn.at(-1) ?? 0, turn.map(line), now);
    },
    /** All that was in memory is lost. */
    dies: () => {
      hand.end();
      hand = make();
    },
  };
}

const withWorld = (test: (here: ReturnType<typeof world>) => Promise<void>): Promise<void> =>
  runInDurableObject(env.WEBHOOKS.get(env.WEBHOOKS.newUniqueId()), async (_, { storage }) => {
    const here = world(storage.sql);
    await test(here);
    here.hand.end();
  });

const seqs = Array.from({ length: COUNT }, (_, at) => at + 1);
const taken = (handed: readonly Handed[]) =>
  handed.flatMap(({ chunks }) => chunks.flatMap(eventsIn)).map(({ seq }) => seq);

it('300 events of 65 KB go in parts of some 4 MB, from memory', () =>
  withWorld(async (here) => {
    here.happens(seqs);
    await here.hand.run();
    expect(taken(here.handed)).toEqual(seqs);
    expect(here.handed.map(({ upto }) => upto)).toEqual([65, 130, 195, 260, 300]);
    expect(here.reads).toBe(0);
  }));

it('with more than 16 MB in memory what follows is read from the log', () =>
  withWorld(async (here) => {
    for (const seq of seqs) here.happens([seq]);
    await here.hand.run();
    expect(taken(here.handed)).toEqual(seqs);
    expect(here.handed.map(({ upto }) => upto)).toEqual([65, 130, 195, 260, 300]);
    expect(here.reads).toBeGreaterThan(0);
  }));

/** Calls fill the thread, once it is known how far all is taken. */
async function filled(here: ReturnType<typeof world>) {
  here.happens([1]);
  await here.hand.run();
  return vi.spyOn(load, 'isFull').mockReturnValue(true);
}

it('while calls fill the thread nothing is handed over; then all is, in its order, by itself', () =>
  withWorld(async (here) => {
    const isFull = await filled(here);
    for (const seq of seqs.slice(1)) {
      here.happens([seq]);
      await here.hand.run();
    }
    expect(taken(here.handed)).toEqual([1]);
    isFull.mockReturnValue(false);
    await vi.waitFor(() => expect(taken(here.handed)).toEqual(seqs), 5_000);
    expect(here.hand.due).toBe(Number.POSITIVE_INFINITY);
  }));

it('it waits no longer than half a minute, and does so anew once all is handed over', () =>
  withWorld(async (here) => {
    await filled(here);
    const now = Date.now();
    here.happens([2], now - MOST_WAIT_MS + 10_000);
    await here.hand.run();
    expect(taken(here.handed)).toEqual([1]);
    const clock = vi.spyOn(Date, 'now').mockReturnValue(now + 10_000);
    await here.hand.run();
    expect(taken(here.handed)).toEqual([1, 2]);
    here.happens([3], now + 10_000);
    await here.hand.run();
    expect(taken(here.handed)).toEqual([1, 2]);
    clock.mockRestore();
  }));

it('it waits for no more than the log keeps', () =>
  withWorld(async (here) => {
    await filled(here);
    here.happens([2]);
    here.happens([200_000]);
    await here.hand.run();
    expect(taken(here.handed)).toEqual([1]);
    here.happens([200_001]);
    await here.hand.run();
    expect(taken(here.handed)).toEqual([1, 2]);
  }));

it('who wants all now gets it, also where it is being handed over little by little', () =>
  withWorld(async (here) => {
    const isFull = await filled(here);
    for (const seq of seqs.slice(1)) here.happens([seq]);
    await here.hand.catchUp();
    expect(taken(here.handed)).toEqual(seqs);
    const later = Array.from({ length: 1_000 }, (_, at) => COUNT + 1 + at);
    here.happens(later);
    isFull.mockReturnValue(false);
    const began = here.handed.length;
    void here.hand.run();
    await vi.waitFor(() => expect(here.handed.length).toBe(began + 1));
    await here.hand.catchUp();
    expect(taken(here.handed)).toEqual([...seqs, ...later]);
  }));

it('what waited when it died is handed over after that, without waiting', () =>
  withWorld(async (here) => {
    await filled(here);
    here.happens([2, 3]);
    expect(here.hand.due).toBeLessThan(Number.POSITIVE_INFINITY);
    here.dies();
    here.hand.wake(Date.now());
    await here.hand.run();
    expect(taken(here.handed)).toEqual([1, 2, 3]);
  }));
