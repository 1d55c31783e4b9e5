/** What doctor finds at one place, and what mends it. @module */

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
  /** `unknown`: it could not be checked, which is no fault by itself. */
  readonly state: 'well' | 'ill' | 'unknown';
  /** A sentence without its full stop. */
  readonly says: string;
  /** What to do, where it is ill. */
  readonly mend?: string;
}

export const well = (check: Check, says: string): Finding => ({ check, state: 'well', says });
export const ill = (check: Check, says: string, mend: string): Finding => ({
  check,
  state: 'ill',
  says,
  mend,
});
export const unknown = (check: Check, says: string): Finding => ({ check, state: 'unknown', says });

/** Those that nobody has come to, because of what was found before. */
export function unreached(findings: readonly Finding[], checks: readonly Check[], why: string): Finding[] {
  const seen = new Set(findings.map(({ check }) => check));
  return checks.filter((check) => !seen.has(check)).map((check) => unknown(check, `not checked: ${why}`));
}
