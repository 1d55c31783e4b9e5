/** Which dialogs a pass through the list reads, while others begin and end. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Dialog } from '../../../shared/opensips/mi.ts';
import { FIRST_SETTINGS, type Page, PageReader, type PageResult } from './page-reader.ts';

const dialogOf = (id: number): Dialog => {
  const parties = { from_uri: 'sip:a@b', to_uri: 'sip:b@a' };
  return { ID: `${id}`, state: 4, timestart: 1, callid: `call-${id}`, ...parties };
};

/** Reads the whole list. `answer` is asked for one of the pending pages at a time. Returns the ids that were read. */
function readAll(reader: PageReader, answer: (pending: Page[]) => { page: Page; result: PageResult }) {
  const ids = new Set<string>();
  let pending: Page[] = [];
  let requestCount = 0;
  for (;;) {
    const pages = reader.next();
    requestCount += pages.length;
    pending.push(...pages);
    if (reader.hasEnded) return { ids, requestCount };
    const { page, result } = answer(pending);
    pending = pending.filter((each) => each !== page);
    if (typeof result !== 'string') for (const { ID } of result.dialogs) ids.add(ID);
    const again = reader.onReply(page, result);
    if (again) pending.push(again);
  }
}

function pageOf(dialogs: readonly Dialog[], { index, counter }: Page): PageResult {
  return { count: dialogs.length, dialogs: dialogs.slice(index, index + counter) };
}

it.each([0, 1, 11, 12, 13, 23, 100])('reads each of %i dialogs with one page more at most', (count) => {
  const dialogs = Array.from({ length: count }, (_, id) => dialogOf(id));
  const reader = new PageReader(FIRST_SETTINGS);
  const { ids, requestCount } = readAll(reader, ([page = { index: 0, counter: 0, attempts: 1 }]) => ({
    page,
    result: pageOf(dialogs, page),
  }));
  expect(reader.isComplete).toBe(true);
  expect(ids.size).toBe(count);
  expect(requestCount).toBeLessThanOrEqual(Math.ceil(count / 11) + 1);
});

const step = fc.record({
  /** Which of the pending pages is answered, and how. */
  answered: fc.nat({ max: 7 }),
  outcome: fc.oneof(
    { weight: 20, arbitrary: fc.constant('page' as const) },
    fc.constantFrom('refused' as const, 'no reply' as const),
  ),
  /** Positions where dialogs end and begin before, from 0 at the start to 1 at the end. */
  ended: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
  begun: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 12 }),
});

it('has read every dialog that stood all the time if it says so, and always ends', () => {
  let completeCount = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 150 }),
      fc.array(step, { maxLength: 60 }),
      fc.record({ overlap: fc.integer({ min: 1, max: 6 }), maxPending: fc.integer({ min: 2, max: 8 }) }),
      (count, steps, settings) => {
        let dialogs = Array.from({ length: count }, (_, id) => dialogOf(id));
        const standing = new Set(dialogs.map(({ ID }) => ID));
        let nextId = count;
        const remaining = [...steps];
        const reader = new PageReader(settings);
        const { ids } = readAll(reader, (pending) => {
          const { answered, outcome, ended, begun } = remaining.shift() ?? {
            answered: 0,
            outcome: 'page',
            ended: [],
            begun: [],
          };
          for (const position of ended) {
            const [gone] = dialogs.splice(Math.floor(position * (dialogs.length - 1)), 1);
            if (gone) standing.delete(gone.ID);
          }
          for (const position of begun)
            dialogs = dialogs.toSpliced(Math.floor(position * dialogs.length), 0, dialogOf(nextId++));
          const page = pending[answered % pending.length];
          if (!page) throw new Error('The reader has not ended, but no page is pending.');
          return { page, result: outcome === 'page' ? pageOf(dialogs, page) : outcome };
        });
        if (!reader.isComplete) return;
        completeCount++;
        for (const id of standing) expect(ids).toContain(id);
      },
    ),
    { numRuns: 1_000 },
  );
  expect(completeCount).toBeGreaterThan(100);
});
