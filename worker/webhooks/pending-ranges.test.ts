/** Each number of the log is read once per endpoint, in order, and with the filter of its time. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { migrate } from '../objects/migrate.ts';
import type { Endpoint } from './endpoints.ts';
import { PendingRanges } from './pending-ranges.ts';
import { WEBHOOKS_SCHEMA } from './schema.ts';

const RETENTION_MS = 80;

const withRanges = (test: (ranges: PendingRanges) => void) =>
  runInDurableObject(env.WEBHOOKS.get(env.WEBHOOKS.newUniqueId()), (_, { storage }) => {
    migrate(storage, WEBHOOKS_SCHEMA);
    test(new PendingRanges(storage.sql));
  });

const endpoint = (id: string, ...events: string[]): Endpoint => ({
  id,
  events,
  addresses: [],
  createdAt: 0,
  url: '',
  description: '',
  enabled: true,
  disabledReason: null,
  signers: [],
  quietUntil: 0,
  droppedCount: 0,
});

const step = fc.record({
  action: fc.constantFrom('add', 'skip', 'read', 'clear'),
  id: fc.constantFrom('e', 'f'),
  count: fc.integer({ min: 1, max: 9 }),
  filter: fc.constantFrom('call.*', 'link.*'),
});

it('keeps exactly the unread numbers, however ranges are added, read and cleared', () =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) =>
      withRanges((ranges) => {
        /** The unread numbers with their filters, by endpoint. */
        const expected = new Map<string, (readonly [number, string])[]>([
          ['e', []],
          ['f', []],
        ]);
        let lastSeq = 0;
        const read = (id: string, count: number) => {
          const range = ranges.oldest(id);
          const unread = expected.get(id) ?? [];
          if (!range) return expect(unread).toEqual([]);
          const readTo = Math.min(range.lastSeq, range.afterSeq + count);
          for (let seq = range.afterSeq + 1; seq <= readTo; seq++)
            expect([seq, ...range.events]).toEqual(unread.shift());
          expect(ranges.advance(range, readTo)).toBe(true);
          // The same range is not read again.
          expect(ranges.advance(range, readTo)).toBe(false);
        };
        for (const [now, { action, id, count, filter }] of steps.entries()) {
          if (action === 'add') {
            const added = { afterSeq: lastSeq, lastSeq: lastSeq + count, retentionMs: RETENTION_MS };
            ranges.add(endpoint(id, filter), added, now);
            for (let seq = lastSeq + 1; seq <= lastSeq + count; seq++) expected.get(id)?.push([seq, filter]);
          }
          // Only one endpoint gets the range. For the other one, the numbers are skipped.
          if (action === 'add' || action === 'skip') lastSeq += count;
          if (action === 'read') read(id, count);
          if (action === 'clear' && count === 9) {
            ranges.clear(id);
            expected.set(id, []);
          }
          for (const [endpointId, unread] of expected)
            expect(ranges.countPending(endpointId)).toBe(unread.length);
          expect(ranges.hasAny).toBe([...expected.values()].some((unread) => unread.length > 0));
        }
        for (const id of expected.keys())
          while (ranges.oldest(id) || (expected.get(id)?.length ?? 0) > 0) read(id, 9);
      }),
    ),
    { numRuns: 60 },
  ));

it('extends a range for a while, and has it read long before the log drops it', () =>
  withRanges((ranges) => {
    const subscribed = endpoint('e');
    for (let now = 0; now < 40; now += 5)
      ranges.add(subscribed, { afterSeq: now, lastSeq: now + 5, retentionMs: RETENTION_MS }, now);
    const bounds: { lastSeq: number; readBy: number }[] = [];
    for (let range = ranges.oldest('e'); range; range = ranges.oldest('e')) {
      bounds.push({ lastSeq: range.lastSeq, readBy: range.readBy });
      ranges.advance(range, range.lastSeq);
    }
    // Four ranges of ten milliseconds each. The log keeps the first one until 80.
    expect(bounds).toEqual([
      { lastSeq: 10, readBy: 40 },
      { lastSeq: 20, readBy: 50 },
      { lastSeq: 30, readBy: 60 },
      { lastSeq: 40, readBy: 70 },
    ]);
  }));
