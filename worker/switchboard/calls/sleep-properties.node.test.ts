/** A site that hibernates at any time shows the same as one that never does; a crash takes back nothing that was shown. */
import * as fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import { histories } from '../../testing/sleep/history.ts';
import { type Counts, TwoSites } from '../../testing/sleep/two-sites.ts';

/** `npm run test:sleep` runs 10,000. */
const { env, stdout } = (
  globalThis as unknown as {
    process: { env: Record<string, string | undefined>; stdout: { write(text: string): void } };
  }
).process;
const { HISTORIES, SEED } = env;
const RUNS = Number(HISTORIES ?? 150);
const seed = Number(SEED ?? Math.floor(Math.random() * 2 ** 31));

vi.setConfig({ testTimeout: 3_600_000 });
// Node.js has it since 22.
vi.stubGlobal('WebSocket', { CONNECTING: 0, OPEN: 1 });

it('shows the same as a site that never sleeps, whatever happens in between', () => {
  const total: Counts = {};
  const withFault: Counts = {};
  fc.assert(
    fc.property(histories({ min: 5, max: 120 }), (plan) => {
      const sites = new TwoSites(plan);
      sites.run(plan);
      for (const [what, count] of Object.entries(sites.counts) as [keyof Counts, number][]) {
        total[what] = (total[what] ?? 0) + count;
        withFault[what] = (withFault[what] ?? 0) + 1;
      }
    }),
    { numRuns: RUNS, seed },
  );
  const counts = Object.entries(total).map(
    ([what, count]) => `${what} ${count} (in ${withFault[what as keyof Counts]})`,
  );
  stdout.write(`\n${RUNS} histories, seed ${seed}: ${counts.join(', ')}\n`);
  for (const fault of ['sleep', 'crash', 'dropped', 'carried', 'replayed'] as const)
    expect(withFault[fault], fault).toBeGreaterThan(0);
});
