/** Of the numbers that an endpoint was told of, each is read once, with what was wanted then, in their order. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { migrate } from '../tenant/migrate.ts';
import type { Endpoint } from './endpoints.ts';
import { WEBHOOKS_STEPS } from './schema.ts';
import { Spans } from './spans.ts';

const KEPT_MS = 80;

const withSpans = (test: (spans: Spans) => void) =>
  runInDurableObject(env.WEBHOOKS.get(env.WEBHOOKS.newUniqueId()), (_, { storage }) => {
    migrate(storage, WEBHOOKS_STEPS);
    test(new Spans(storage.sql));
  });

const wanting = (id: string, ...events: string[]): Endpoint => ({
  id,
  events,
  addresses: [],
  created: 0,
  url: '',
  description: '',
  enabled: true,
  because: null,
  signers: [],
  quietUntil: 0,
  dropped: 0,
});

const step = fc.record({
  is: fc.constantFrom('add', 'skip', 'take', 'clear'),
  of: fc.constantFrom('e', 'f'),
  n: fc.integer({ min: 1, max: 9 }),
  wants: fc.constantFrom('call.*', 'link.*'),
});

it('whatever is told, read and deleted in whatever order', () =>
  fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), (steps) =>
      withSpans((spans) => {
        /** By endpoint, the numbers that are to be read, with what was wanted. */
        const expected = new Map<string, (readonly [number, string])[]>([
          ['e', []],
          ['f', []],
        ]);
        let last = 0;
        const take = (endpoint: string, n: number) => {
          const span = spans.first(endpoint);
          const left = expected.get(endpoint) ?? [];
          if (!span) return expect(left).toEqual([]);
          const upto = Math.min(span.upto, span.after + n);
          for (let number = span.after + 1; number <= upto; number++)
            expect([number, ...span.events]).toEqual(left.shift());
          expect(spans.took(span, upto)).toBe(true);
          // What was read is not read again.
          expect(spans.took(span, upto)).toBe(false);
        };
        for (const [now, { is, of, n, wants }] of steps.entries()) {
          if (is === 'add') {
            spans.add(wanting(of, wants), { after: last, upto: last + n, keptMs: KEPT_MS }, now);
            for (let number = last + 1; number <= last + n; number++) expected.get(of)?.push([number, wants]);
          }
          // The other is told of all of it, and this one is not.
          if (is === 'add' || is === 'skip') last += n;
          if (is === 'take') take(of, n);
          if (is === 'clear' && n === 9) {
            spans.clear(of);
            expected.set(of, []);
          }
          for (const [endpoint, left] of expected) expect(spans.behind(endpoint)).toBe(left.length);
          expect(spans.any).toBe([...expected.values()].some((left) => left.length > 0));
        }
        for (const endpoint of expected.keys())
          while (spans.first(endpoint) || (expected.get(endpoint)?.length ?? 0) > 0) take(endpoint, 9);
      }),
    ),
    { numRuns: 60 },
  ));

it('what follows is taken in for a while, and each is to be read long before the log is without it', () =>
  withSpans((spans) => {
    const e = wanting('e');
    const leaves: number[] = [];
    for (let now = 0; now < 40; now += 5) spans.add(e, { after: now, upto: now + 5, keptMs: KEPT_MS }, now);
    for (let span = spans.first('e'); span; span = spans.first('e')) {
      leaves.push(span.upto, span.leaves);
      spans.took(span, span.upto);
    }
    // Four of them, of ten milliseconds each; the log keeps the first until 80.
    expect(leaves).toEqual([10, 40, 20, 50, 30, 60, 40, 70]);
  }));
