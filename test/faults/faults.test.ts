/** A short run of the bench; the long one is `npm run test:faults -- --seeds 200`. */
import { expect, it } from 'vitest';
import { startMiniflare } from './miniflare.ts';
import { failures } from './report.ts';
import { CALM, CLEAR, STATED, STATED_ON_MINIFLARE } from './rules.ts';
import { runSeed, type SeedOptions } from './seed.ts';

const COMMANDS = 60;

it.concurrent.each<[number, string, Pick<SeedOptions, 'rules' | 'world'>]>([
  [1, 'bare workerd', { rules: STATED }],
  [2, 'bare workerd', { rules: STATED }],
  [3, 'bare workerd', { rules: STATED }],
  [4, 'miniflare', { rules: STATED_ON_MINIFLARE, world: { edge: startMiniflare } }],
])('seed %i, faults at every layer, on %s', { timeout: 300_000 }, async (seed, _, how) => {
  const result = await runSeed(seed, { ...how, commands: COMMANDS });
  process.stdout.write(failures(result, COMMANDS));
  expect(result.violations).toEqual([]);
});

it.concurrent('5 % of events are lost: every command still ends rightly', { timeout: 300_000 }, async () => {
  const rules = { udp: { ...CLEAR, event: { ...CLEAR.event, drop: 0.05 } }, grave: CALM };
  const result = await runSeed(5, { rules, commands: 100 });
  const { unsure, commands, faults } = result;
  const share = ((100 * unsure.length) / commands).toFixed(1);
  const lost = faults.get('event dropped');
  process.stdout.write(
    `5 % of events lost (${lost}): ${share} % of ${commands} commands ended by a timeout\n`,
  );
  expect(result.violations).toEqual([]);
});
