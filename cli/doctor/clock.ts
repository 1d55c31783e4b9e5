/** Checks the clock. Pure. @module */
import { type Finding, faulty, passed } from './finding.ts';

/** Seconds that two clocks may differ: a token that was just minted is still valid then, and logs can be compared. */
const MAX_DIFFERENCE_S = 30;

/**
 * Returns whether the clock of this machine is right.
 * @param theirs, ours Unix milliseconds
 * @param owner names the machine that it is compared with
 */
export function clockFinding(theirs: number, ours: number, owner: string): Finding {
  const seconds = Math.round((ours - theirs) / 1_000);
  if (Math.abs(seconds) <= MAX_DIFFERENCE_S)
    return passed('clock', `The clock of this machine is within ${Math.abs(seconds)} s of ${owner}.`);
  return faulty(
    'clock',
    `The clock of this machine is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} ${owner}, so tokens seem to expire too early or too late.`,
    'Synchronize the clock that is wrong by NTP: timedatectl set-ntp true.',
  );
}
