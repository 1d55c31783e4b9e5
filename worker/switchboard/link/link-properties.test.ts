/**
 * Whatever happens to the link, no request runs twice, none starts something for a command that has ended, and nothing that was
 * acknowledged is lost. `LINK_HISTORIES=10000` and `LINK_SEED` choose how many random histories run, and which.
 */
import fc from 'fast-check';
import { expect, it, vi } from 'vitest';
import {
  type ClientAction,
  FAULT_KINDS,
  type Fault,
  type History,
  LinkSimulation,
} from './testing/link-simulation.ts';

/** The environment variables, which `vitest.config.ts` puts in; empty if they are not set. */
declare const LINK_HISTORIES: string;
declare const LINK_SEED: string;

const RUNS = Number(LINK_HISTORIES || 150);
const SEED = LINK_SEED === '' ? Math.floor(Math.random() * 2 ** 31) : Number(LINK_SEED);
/** A history takes some 10 ms. */
const TIMEOUT_MS = 60_000 + RUNS * 100;

const time = fc.oneof(fc.nat(2_000), fc.nat(10_000), fc.nat(60_000));
const action: fc.Arbitrary<ClientAction> = fc.record({
  at: time,
  method: fc.constantFrom<ClientAction['method']>(
    ...([
      'CallStart',
      'CallStart',
      'CallStart',
      'CallEnd',
      'CallEnd',
      'CallBlindTransfer',
      'CallHold',
    ] as const),
  ),
  index: fc.nat(11),
});
const fault: fc.Arbitrary<Fault> = fc.record({ at: time, kind: fc.constantFrom(...FAULT_KINDS) });
/** A click, a fault, and a cancellation shortly after it, so that they meet. */
const burst = fc.record({ at: fc.nat(50_000), gap: fc.nat(3_000), fault, index: fc.nat(11) });

const history: fc.Arbitrary<Omit<History, 'adapters'>> = fc
  .record({
    seed: fc.nat(),
    actions: fc.array(action, { maxLength: 6 }),
    faults: fc.array(fault, { maxLength: 8 }),
    bursts: fc.array(burst, { maxLength: 2 }),
    replyLoss: fc.constantFrom(0, 0, 0.05),
  })
  .map(({ seed, actions, faults, bursts, replyLoss }) => ({
    seed,
    replyLoss,
    actions: [
      ...actions,
      ...bursts.flatMap(({ at, gap, index }): ClientAction[] => [
        { at, method: 'CallStart', index },
        { at: at + gap, method: 'CallEnd', index: 0 },
      ]),
    ],
    faults: [
      ...faults,
      ...bursts.map(({ at, gap, fault: { kind } }) => ({ at: at + (gap % 100) - 50, kind })),
    ].map(({ at, kind }) => ({ at: Math.max(at, 0), kind })),
  }));

/**
 * Returns what the histories contained, for the reporter.
 * @param containing how many histories have each fault
 */
function summary(counts: Record<string, number>, containing: Record<string, number>): string {
  const list = (of: Record<string, number>) =>
    Object.entries(of)
      .sort(([one], [other]) => one.localeCompare(other))
      .map(([what, count]) => `${what} ${count}`)
      .join(', ');
  return `seed ${SEED}, ${RUNS} histories. In all: ${list(counts)}. Histories with: ${list(containing)}.`;
}

it.for([1, 2])(
  `no request runs twice, none for an ended command, and nothing acknowledged is lost or overtaken, with %i adapters (seed ${SEED}, ${RUNS} histories)`,
  {
    timeout: TIMEOUT_MS,
  },
  async (adapters, { annotate }) => {
    const counts: Record<string, number> = {};
    const containing: Record<string, number> = {};
    // Exceptions are injected, and logged.
    const silenced = vi.spyOn(console, 'error').mockImplementation(() => {});
    await fc.assert(
      fc.asyncProperty(history, async (each) => {
        const simulation = new LinkSimulation({ ...each, adapters });
        await simulation.run();
        for (const [what, count] of Object.entries(simulation.counts)) {
          counts[what] = (counts[what] ?? 0) + count;
          containing[what] = (containing[what] ?? 0) + 1;
        }
        expect(simulation.violations).toEqual([]);
      }),
      { numRuns: RUNS, seed: SEED },
    );
    silenced.mockRestore();
    await annotate(summary(counts, containing));
    for (const kind of FAULT_KINDS)
      expect(containing[kind], `histories with the fault ${kind}`).toBeGreaterThan(0);
  },
);
