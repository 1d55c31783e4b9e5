/** What doctor finds at one place, and what repairs it. @module */
import type { Step } from '../../adapter/check/finding.ts';
import { EXIT, type Exit } from '../exit.ts';

/** The checks through the edge. A test call may show a fault of the phone as well. */
export const EDGE_CHECKS = [
  'edge',
  'clock',
  'token',
  'adapter',
  'round trip',
  'mi',
  'opensips',
  'modules',
  'engine',
  'subscriptions',
  'events',
  'loop',
] as const;

/** The checks that need no edge. */
export const DIRECT_CHECKS = [
  'mi',
  'clock',
  'opensips',
  'modules',
  'engine',
  'subscriptions',
  'events',
  'loop',
  'phone',
  'first leg',
  'notify',
  'challenge',
  'pinging',
] as const;

/** The steps to the edge are shown only if it cannot be reached, and standbys only if there are any. */
export type Check = (typeof EDGE_CHECKS)[number] | (typeof DIRECT_CHECKS)[number] | Step | 'standby';

export interface Finding {
  readonly check: Check;
  /** `unknown`: it could not be checked, which alone is no fault. */
  readonly state: 'well' | 'ill' | 'unknown';
  /** What was found, in sentences. */
  readonly says: string;
  /** What to do about a fault, in sentences. */
  readonly mend?: string;
  /** The exit code for a fault: that of another command which fails for the same reason. Default: `failed`. */
  readonly exit?: Exit;
}

/** Receives each finding as it is made. */
export type Report = (finding: Finding) => void;

export const passed = (check: Check, says: string): Finding => ({ check, state: 'well', says });
/** @param mend empty where `says` tells what to do, too */
export const faulty = (check: Check, says: string, mend: string, exit: Exit = EXIT.failed): Finding => ({
  check,
  state: 'ill',
  says,
  ...(mend === '' ? {} : { mend }),
  exit,
});
export const unchecked = (check: Check, says: string): Finding => ({ check, state: 'unknown', says });

/** Returns the exit code for all findings: why something cannot be reached or used counts more than other faults. */
export function exitForFindings(findings: readonly Finding[]): Exit {
  const exits = findings.flatMap(({ state, exit = EXIT.failed }) => (state === 'ill' ? [exit] : []));
  return exits.find((exit) => exit !== EXIT.failed) ?? exits[0] ?? EXIT.done;
}

/** Returns a finding for each check that was not reached, because of what was found before. */
export function unreached(findings: readonly Finding[], checks: readonly Check[], reason: string): Finding[] {
  const reached = new Set(findings.map(({ check }) => check));
  return checks
    .filter((check) => !reached.has(check))
    .map((check) => unchecked(check, `Not checked: ${reason}`));
}
