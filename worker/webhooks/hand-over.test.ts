/** What is handed over at once is bounded, however long events are, and nothing is passed over. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import type { LinkLine } from '../calls/kept.ts';
import { eventsIn } from './chunk.ts';
import { type Handed, HandOver } from './hand-over.ts';

const COUNT = 300;
const BODY = JSON.stringify('x'.repeat(65_000));

const event = (seq: number) => {
  return { seq, type: 'link.up', about: '', addresses: [], body: BODY };
};

const line = (seq: number): LinkLine => ({ seq, at: 0, link: 'Up' });

/**
 * Hands over what has happened, which stands in the log as well. Gives what was taken, and how often the log was read.
 * @param turns of each, the numbers of what has happened in it
 */
const handOver = (turns: readonly (readonly number[])[]) =>
  runInDurableObject(env.WEBHOOKS.get(env.WEBHOOKS.newUniqueId()), async (_, { storage }) => {
    const handed: Handed[] = [];
    let reads = 0;
    const hand = new HandOver(storage.sql, 0, {
      epoch: 'x',
      events: ({ after, upto }) => {
        reads++;
        return turns
          .flat()
          .filter((seq) => seq > after && seq <= upto)
          .map(event);
      },
      eventOf: (item) => event('told' in item ? item.told.seq : item.seq),
      take: async (_place, each) => {
        if (each.upto > 0) handed.push(each);
        return each.upto;
      },
      stopped: () => {},
    });
    hand.begin('a/b');
    for (const turn of turns) hand.wrote(turn.at(-1) ?? 0, turn.map(line), Date.now());
    await hand.run();
    hand.end();
    return { handed, reads };
  });

const seqs = Array.from({ length: COUNT }, (_, at) => at + 1);
const taken = (handed: readonly Handed[]) =>
  handed.flatMap(({ chunks }) => chunks.flatMap(eventsIn)).map(({ seq }) => seq);

it('300 events of 65 KB go in parts of some 4 MB, from memory', async () => {
  const { handed, reads } = await handOver([seqs]);
  expect(taken(handed)).toEqual(seqs);
  expect(handed.map(({ upto }) => upto)).toEqual([65, 130, 195, 260, 300]);
  expect(reads).toBe(0);
});

it('with more than 16 MB in memory what follows is read from the log', async () => {
  const { handed, reads } = await handOver(seqs.map((seq) => [seq]));
  expect(taken(handed)).toEqual(seqs);
  expect(handed.map(({ upto }) => upto)).toEqual([65, 130, 195, 260, 300]);
  expect(reads).toBeGreaterThan(0);
});
