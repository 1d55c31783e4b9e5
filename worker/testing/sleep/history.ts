/** Random histories of a site: what OpenSIPS, clients and the platform do. @module */
import * as fc from 'fast-check';
import type { MemoryLimits } from '../../switchboard/calls/memory-limits.ts';

/** The kinds of steps, and how often each occurs. */
export const STEP_WEIGHTS = {
  ring: 8,
  answer: 8,
  acknowledge: 2,
  end: 8,
  loseEnd: 1,
  hold: 3,
  unhold: 3,
  transfer: 4,
  bye: 2,
  refuse: 2,
  lookUp: 2,
  round: 1,
  startCommand: 5,
  continueCommand: 16,
  watch: 2,
  unwatch: 6,
  ask: 4,
  commit: 5,
  plug: 1,
  pause: 2,
  drop: 2,
  sleep: 14,
  crash: 1,
} as const;

export type StepKind = keyof typeof STEP_WEIGHTS;

/** A step. The numbers select among what is possible then. */
export interface Step {
  readonly kind: StepKind;
  readonly call: number;
  readonly choice: number;
  readonly seconds: number;
}

/** The calls that OpenSIPS can have at a time. */
export const CALLS = 5;

const step = (kind: StepKind) =>
  fc.record({
    kind: fc.constant(kind),
    call: fc.nat({ max: CALLS - 1 }),
    choice: fc.nat({ max: 23 }),
    seconds: fc.nat({ max: 4 }),
  });

export interface HistoryPlan {
  readonly steps: readonly Step[];
  /** Of the site that hibernates; the other one has everything in memory. */
  readonly memory: MemoryLimits;
}

/** Histories of this many steps. */
export function histories(length: { readonly min: number; readonly max: number }): fc.Arbitrary<HistoryPlan> {
  const kinds = Object.entries(STEP_WEIGHTS) as [StepKind, number][];
  return fc.record({
    steps: fc.array(fc.oneof(...kinds.map(([kind, weight]) => ({ arbitrary: step(kind), weight }))), {
      minLength: length.min,
      maxLength: length.max,
      size: 'max',
    }),
    memory: fc.record({
      maxOpen: fc.nat({ max: 3 }),
      maxText: fc.constantFrom(0, 80, 300),
      maxEnded: fc.nat({ max: 3 }),
      minTail: fc.nat({ max: 8_000 }),
    }),
  });
}
