import { expect, test } from 'vitest';
import { summarize } from './summary.ts';

const configuration = { inFlight: 1, sockets: 1, tenants: 1 };
const rounds = (...medians: number[]) =>
  medians.map((ms) => ({ durationsMs: [ms, ms, ms], elapsedMs: 3 * ms }));

test('compares each round with the same round of the relay, so a machine that slows down changes no ratio', () => {
  const relay = { name: 'relay', configuration, rounds: rounds(1, 2, 4) };
  const summary = summarize({ name: 'CallEnd', configuration, rounds: rounds(2, 4, 8) }, relay);
  expect(summary).toMatchObject({ medianMs: 4, medianRatio: 2, perSecondRatio: 0.5, operations: 9 });
});

test('computes the rate from the elapsed time of all operations', () => {
  const relay = {
    name: 'relay',
    configuration,
    rounds: [{ durationsMs: [10, 10, 10, 10], elapsedMs: 20 }],
  };
  expect(summarize(relay, relay)).toMatchObject({
    perSecond: 200,
    perSecondRatio: 1,
    medianMs: 10,
    p99Ms: 10,
  });
});
