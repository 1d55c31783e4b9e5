import { expect, test } from 'vitest';
import { figuresOf } from './figures.ts';

const place = { inFlight: 1, sockets: 1, tenants: 1 };
const rounds = (...medians: number[]) => medians.map((ms) => ({ took: [ms, ms, ms], elapsed: 3 * ms }));

test('a machine that slows down in between changes no ratio: each round is held against the same round', () => {
  const relay = { name: 'relay', place, rounds: rounds(1, 2, 4) };
  const figures = figuresOf({ name: 'CallEnd', place, rounds: rounds(2, 4, 8) }, relay);
  expect(figures).toMatchObject({ medianMs: 4, medianRatio: 2, perSecondRatio: 0.5, operations: 9 });
});

test('a rate is operations by the time that all of them took together', () => {
  const relay = { name: 'relay', place, rounds: [{ took: [10, 10, 10, 10], elapsed: 20 }] };
  expect(figuresOf(relay, relay)).toMatchObject({
    perSecond: 200,
    perSecondRatio: 1,
    medianMs: 10,
    p99Ms: 10,
  });
});
