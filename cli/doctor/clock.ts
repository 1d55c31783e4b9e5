/** Checks the clock. Pure. @module */
import { type Finding, faulty, passed, unchecked } from './finding.ts';

/** Seconds that two clocks may differ: a token that was just minted is still valid then, and logs can be compared. */
const MAX_DIFFERENCE_S = 30;

/** Time zones differ by multiples of a quarter of an hour, and by at most 26 hours (UTC-12 to UTC+14). */
const ZONE_STEP_S = 900;
const MAX_ZONE_DIFFERENCE_S = 26 * 3_600;

/**
 * Returns whether the clock of this machine is right.
 * @param theirs, ours Unix milliseconds
 * @param owner names the machine that it is compared with
 */
export function clockFinding(theirs: number, ours: number, owner: string): Finding {
  if (Number.isNaN(theirs)) return unchecked('clock', `Not checked: the time of ${owner} is not readable.`);
  const seconds = Math.round((ours - theirs) / 1_000);
  if (Math.abs(seconds) <= MAX_DIFFERENCE_S)
    return passed('clock', `The clock of this machine is within ${Math.abs(seconds)} s of ${owner}.`);
  return faulty(
    'clock',
    `The clock of this machine is ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead of' : 'behind'} ${owner}, so tokens seem to expire too early or too late.`,
    'Synchronize the clock that is wrong by NTP: timedatectl set-ntp true.',
  );
}

/**
 * The same for a clock that is shown in a time zone which is not known: what could be the difference of two zones counts as
 * that.
 * @param theirs the local time, read as if it were in the time zone of this machine
 */
export function localClockFinding(theirs: number, ours: number, owner: string): Finding {
  const zoneS = Math.round((ours - theirs) / 1_000 / ZONE_STEP_S) * ZONE_STEP_S;
  const isZone = Math.abs(zoneS) <= MAX_ZONE_DIFFERENCE_S;
  const inOurZone = isZone ? theirs + zoneS * 1_000 : theirs;
  return clockFinding(inOurZone, ours, isZone && zoneS !== 0 ? `${owner} (in another time zone)` : owner);
}
