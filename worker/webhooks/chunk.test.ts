/** Events as text: all come out as they went in, and no text is longer than a row may be. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CHUNK, CHUNK_LENGTH, chunksOf, eventsIn, lined, pick, upToLength } from './chunk.ts';

const all = { events: [], addresses: [] };

const event = fc.record({
  seq: fc.nat(),
  type: fc.constantFrom('call.ended', 'call.began', 'link.up'),
  about: fc.string(),
  addresses: fc.array(fc.constantFrom('sip:alice@a.test', 'sip:bob@b.test'), { maxLength: 2 }),
  body: fc.jsonValue().map((value) => JSON.stringify(value)),
});

/** In the order of their numbers, as they are handed over. */
const events = fc
  .uniqueArray(event, { selector: ({ seq }) => seq, maxLength: 3 * CHUNK })
  .map((some) => some.toSorted((one, other) => one.seq - other.seq));

it('what went in comes out, in chunks that say how many they have and where they begin', () =>
  fc.assert(
    fc.property(events, (some) => {
      const chunks = chunksOf(some.map(lined));
      expect(chunks.flatMap(eventsIn)).toEqual(some);
      expect(chunks).toHaveLength(Math.ceil(some.length / CHUNK));
      for (const chunk of chunks)
        expect([chunk.count, chunk.first]).toEqual([eventsIn(chunk).length, eventsIn(chunk)[0]?.seq]);
    }),
  ));

it('of a chunk each endpoint gets what it wants and has not had', () =>
  fc.assert(
    fc.property(events, fc.nat(), (some, after) => {
      const picked = (filter: { events: string[]; addresses: string[] }) =>
        chunksOf(some.map(lined)).flatMap((chunk) => {
          const mine = pick(chunk, filter, after);
          return mine ? eventsIn(mine) : [];
        });
      const later = some.filter(({ seq }) => seq > after);
      expect(picked(all)).toEqual(later);
      expect(picked({ ...all, events: ['call.*'] })).toEqual(later.filter(({ type }) => type !== 'link.up'));
      expect(picked({ ...all, addresses: ['alice@*'] })).toEqual(
        later.filter(({ addresses }) => addresses.includes('sip:alice@a.test')),
      );
    }),
  ));

it('one that all is wanted of is passed on as it is', () => {
  const body = '{}';
  const [chunk] = chunksOf([lined({ seq: 7, type: 'link.up', about: '', addresses: [], body })]);
  expect(chunk && pick(chunk, all, 6)).toBe(chunk);
});

it('long events share a chunk with few, and are all there', () => {
  const body = JSON.stringify('x'.repeat(65_000));
  const long = Array.from({ length: CHUNK }, (_, seq) => {
    return { seq, type: 'command.echo.reply', about: '', addresses: [], body };
  });
  const chunks = chunksOf(long.map(lined));
  expect(chunks.flatMap(eventsIn)).toEqual(long);
  for (const { lines } of chunks) expect(lines.length).toBeLessThan(CHUNK_LENGTH + 66_000);
  expect(chunks.map(({ count }) => count)).toEqual([...Array(12).fill(5), 4]);
  expect(upToLength(long.map(lined), 1)).toHaveLength(1);
  expect(upToLength([], 1)).toEqual([]);
});
