/** What `--check` finds at each step of the way to the edge. Pure. @module */
import type { ErrorReason } from '../../shared/settings/error-reason.ts';

/** The steps, in the order of the way. Each needs the ones before it. */
export const STEPS = ['dns', 'tcp', 'proxy', 'tls', 'http', 'path', 'key', 'version'] as const;
/** The steps of an adapter that listens, after those: its own listener, and what the edge needs to reach it. */
export const LISTENER_STEPS = ['jwks', 'cert', 'listen', 'public'] as const;
export type Step = (typeof STEPS)[number] | (typeof LISTENER_STEPS)[number];

export interface StepFinding {
  readonly step: Step;
  /** `unchecked`: not needed, not possible, or not reached. */
  readonly state: 'passed' | 'failed' | 'unchecked';
  /** What was found, in sentences. */
  readonly says: string;
  /** What to do about a failure, in sentences. */
  readonly remedy?: string;
}

/** Receives each finding as it is made. */
export type ReportStep = (finding: StepFinding) => void;

export const passed = (step: Step, says: string): StepFinding => ({ step, state: 'passed', says });
export const unchecked = (step: Step, says: string): StepFinding => ({ step, state: 'unchecked', says });
export const failed = (step: Step, says: string, remedy: string): StepFinding => ({
  step,
  state: 'failed',
  says,
  remedy,
});

/** @param what was tried: `Cannot connect to …` */
export function failedBecause(
  step: Step,
  what: string,
  { reason, remedy }: ErrorReason,
  otherRemedy: string,
): StepFinding {
  return failed(step, `${what}: ${reason}.`, remedy ?? otherRemedy);
}

const MARKS = { passed: '✓', failed: '✗', unchecked: '·' } as const;
const STEP_WIDTH = Math.max(...[...STEPS, ...LISTENER_STEPS].map((step) => step.length));

/** Returns the line of a finding, and below it what to do. */
export function formatFinding({ step, state, says, remedy }: StepFinding): string {
  const line = `${MARKS[state]} ${step.padEnd(STEP_WIDTH)}  ${says}\n`;
  return remedy === undefined ? line : `${line}${' '.repeat(STEP_WIDTH + 4)}→ ${remedy}\n`;
}
