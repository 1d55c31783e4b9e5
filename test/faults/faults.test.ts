/** A short fault run. The long one is `npm run test:faults -- --seeds 200`. */
import { afterAll, expect, it } from 'vitest';
import { closeSharedBrowser } from './harness/chromium-driver.ts';
import { startMiniflare } from './harness/miniflare.ts';
import type { ClientKind } from './harness/open-client.ts';
import {
  type FaultRates,
  forActiveAdapters,
  forSeveralAdapters,
  MINIFLARE_RATES,
  NO_SYSTEM_FAULTS,
  NO_UDP_FAULTS,
  WORKERD_RATES,
} from './injection/fault-rates.ts';
import { formatSeedResult } from './report.ts';
import { runSeed, type SeedOptions } from './run-seed.ts';

const COMMANDS = 60;

/** A link that is half open, or an adapter that hangs, for half a minute makes a run as much longer: only the long run has time for it. */
const withoutLongOutages = (rates: FaultRates): FaultRates => ({
  ...rates,
  system: { ...rates.system, linkHalfOpenLong: 0, adapterHang: 0 },
});

it.concurrent.each<[seed: number, client: ClientKind, platform: string, Partial<SeedOptions>]>([
  [1, 'shipped', 'bare workerd', {}],
  [2, 'bare', 'bare workerd', {}],
  [3, 'shipped', 'bare workerd', {}],
  [4, 'shipped', 'miniflare', { harness: { startEdge: startMiniflare } }],
  [5, 'shipped', 'bare workerd with two adapters', { harness: { adapters: 2 } }],
  [7, 'shipped', 'bare workerd with two active adapters', { harness: { adapters: 2, setting: 'active' } }],
  [10, 'shipped', 'bare workerd with an older adapter', { harness: { withoutFeatures: true } }],
  // The console is open meanwhile.
  [6, 'chromium', 'bare workerd', { commands: 30, console: true }],
])(
  'violates no invariant with faults at every layer: seed %i with the client %s on %s',
  { timeout: 300_000 },
  async (seed, client, platform, options) => {
    const rates = platform === 'miniflare' ? MINIFLARE_RATES : WORKERD_RATES;
    const { adapters = 1, setting } = options.harness ?? {};
    const adapted = setting ? forActiveAdapters(rates) : adapters > 1 ? forSeveralAdapters(rates) : rates;
    const faultRates = withoutLongOutages(adapted);
    const result = await runSeed(seed, { faultRates, commands: COMMANDS, client, ...options });
    process.stdout.write(formatSeedResult(result, `--commands ${COMMANDS} --client ${client}`));
    expect(result.violations).toEqual([]);
  },
);
afterAll(closeSharedBrowser);

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
