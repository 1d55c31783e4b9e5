/** Is the clock right? Pure. @module */
import { type Finding, ill, well } from './finding.ts';

/** Seconds that two clocks may differ: tokens that were just minted still hold then, and logs can be compared. */
const MOST_S = 30;

/** @param theirs, ours Unix milliseconds */
export function clockFinding(theirs: number, ours: number, whose: string): Finding {
  const seconds = Math.round((ours - theirs) / 1_000);
  if (Math.abs(seconds) <= MOST_S) return well('clock', `within ${Math.abs(seconds)} s of ${whose}`);
  return ill(
    'clock',
    `this machine's clock is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} ${whose}: tokens seem to end too early or too late by it`,
    'set the clock by NTP: timedatectl set-ntp true; where it is right, set that of the other machine',
  );
}
