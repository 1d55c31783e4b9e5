/** What doctor finds at one place, and what repairs it. @module */

export const CHECKS = [
  'edge',
  'clock',
  'token',
  'adapter',
  'round trip',
  'mi',
  'opensips',
  'modules',
  'subscriptions',
  'events',
  'loop',
] as const;
export type Check = (typeof CHECKS)[number];

export interface Finding {
  readonly check: Check;
  /** `unknown`: it could not be checked, which alone is no fault. */
  readonly state: 'well' | 'ill' | 'unknown';
  /** A sentence without its full stop. */
  readonly says: string;
  /** What to do about a fault. */
  readonly mend?: string;
}

/** Receives each finding as it is made. */
export type Report = (finding: Finding) => void;

export const passed = (check: Check, says: string): Finding => ({ check, state: 'well', says });
export const faulty = (check: Check, says: string, mend: string): Finding => ({
  check,
  state: 'ill',
  says,
  mend,
});
export const unchecked = (check: Check, says: string): Finding => ({ check, state: 'unknown', says });

/** Returns a finding for each check that was not reached, because of what was found before. */
export function unreached(findings: readonly Finding[], checks: readonly Check[], reason: string): Finding[] {
  const reached = new Set(findings.map(({ check }) => check));
  return checks
    .filter((check) => !reached.has(check))
    .map((check) => unchecked(check, `not checked: ${reason}`));
}
