import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { readDialogs } from '../opensips/dialog-pages.ts';
import type { MiResponse } from '../opensips/mi-message.ts';
import { PacedPages } from './paced-pages.ts';

const idsOf = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ ID: `${n}`, callid: `c${n}`, state: 4 }));

const noteIn = (found: Set<string>) => (dialog: { readonly ID: string }) => {
  found.add(dialog.ID);
  return false;
};

it('requests each page once, and nothing after the expected end', async () => {
  const dialogs = idsOf(40);
  const pages: number[] = [];
  const readPage = async (index: number, counter: number): Promise<MiResponse> => {
    pages.push(index);
    return { result: { Dialogs: dialogs.slice(index, index + counter) } };
  };
  const found = new Set<string>();
  const paced = new PacedPages(readPage, 0, dialogs.length);
  expect(await readDialogs(paced.read, noteIn(found))).toBe(true);
  expect(pages).toEqual([0, 11, 22, 33]);
  expect(found.size).toBe(40);
});

it('skips no dialog that stands all the time, whatever begins and ends between the replies, and in whatever order pages are read', () =>
  fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.record({ place: fc.nat({ max: 60 }), isEnd: fc.boolean() }), { maxLength: 12 }),
      async (scheduler, changes) => {
        const table = idsOf(60);
        const standing = new Set(table.map(({ ID }) => ID));
        let next = 1_000;
        const readPage = async (index: number, counter: number): Promise<MiResponse> => {
          await scheduler.schedule(Promise.resolve());
          const result = { Dialogs: table.slice(index, index + counter) };
          await scheduler.schedule(Promise.resolve());
          return { result };
        };
        for (const { place, isEnd } of changes)
          void scheduler.schedule(Promise.resolve()).then(() => {
            if (!isEnd) table.splice(place, 0, { ID: `${next}`, callid: `c${next++}`, state: 4 });
            else for (const { ID } of table.splice(place, 1)) standing.delete(ID);
          });
        const found = new Set<string>();
        const reading = readDialogs(new PacedPages(readPage, 0, 60).read, noteIn(found));
        const isRead = await scheduler.waitFor(reading);
        if (isRead) expect([...standing].filter((id) => !found.has(id))).toEqual([]);
      },
    ),
    { numRuns: 500 },
  ));
