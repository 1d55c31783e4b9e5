/** A short fault run. The long one is `npm run test:faults -- --seeds 200`. */
import { expect, it } from 'vitest';
import { startMiniflare } from './harness/miniflare.ts';
import {
  type FaultRates,
  MINIFLARE_RATES,
  NO_SYSTEM_FAULTS,
  NO_UDP_FAULTS,
  WORKERD_RATES,
} from './injection/fault-rates.ts';
import { formatSeedResult } from './report.ts';
import { runSeed, type SeedOptions } from './run-seed.ts';

const COMMANDS = 60;

/** A link that is half open for half a minute makes a run as much longer: only the long run has time for it. */
const withoutLongOutages = (rates: FaultRates): FaultRates => ({
  ...rates,
  system: { ...rates.system, linkHalfOpenLong: 0 },
});

it.concurrent.each<[number, string, Pick<SeedOptions, 'faultRates' | 'harness'>]>([
  [1, 'bare workerd', { faultRates: withoutLongOutages(WORKERD_RATES) }],
  [2, 'bare workerd', { faultRates: withoutLongOutages(WORKERD_RATES) }],
  [3, 'bare workerd', { faultRates: withoutLongOutages(WORKERD_RATES) }],
  [
    4,
    'miniflare',
    { faultRates: withoutLongOutages(MINIFLARE_RATES), harness: { startEdge: startMiniflare } },
  ],
])(
  'violates no invariant with faults at every layer: seed %i on %s',
  { timeout: 300_000 },
  async (seed, _, options) => {
    const result = await runSeed(seed, { ...options, commands: COMMANDS });
    process.stdout.write(formatSeedResult(result, COMMANDS));
    expect(result.violations).toEqual([]);
  },
);

it.concurrent('violates no invariant if 5 % of events are lost', { timeout: 300_000 }, async () => {
  const faultRates = {
    udp: { ...NO_UDP_FAULTS, event: { ...NO_UDP_FAULTS.event, drop: 0.05 } },
    system: NO_SYSTEM_FAULTS,
  };
  const result = await runSeed(5, { faultRates, commands: 100 });
  const { indeterminate, commandCount, faultCounts } = result;
  const share = ((100 * indeterminate.length) / commandCount).toFixed(1);
  const dropped = faultCounts.get('event dropped');
  process.stdout.write(
    `5 % of events lost (${dropped}): ${share} % of ${commandCount} commands ended by a timeout\n`,
  );
  expect(result.violations).toEqual([]);
});
