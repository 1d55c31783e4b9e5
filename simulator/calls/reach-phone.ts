/** Requests to phones, which may be frozen. @module */
import type { Dialog, Leg } from '../opensips/dialog.ts';
import { receiveSdp } from '../opensips/dialog.ts';
import type { OpenSips } from '../opensips/opensips.ts';
import type { Timeline } from '../timing/clock.ts';

/**
 * Resolves with whether the phone answers: at once, or when it is thawed. A frozen phone does not answer within
 * `fr_timeout`. Where OpenSIPS itself is the user agent, the script answers.
 */
export async function reachPhone(
  { frozenPhones, timers }: OpenSips,
  timeline: Timeline,
  user: string | undefined,
): Promise<boolean> {
  if (user === undefined || !frozenPhones.has(user)) return true;
  return timeline.race(timers.frTimeoutMs, false, (interrupt) => {
    frozenPhones.onThaw(user, () => interrupt(true));
  });
}

/**
 * Sends a re-INVITE to a leg, with SDP or without. Resolves with the phone's final response, or with undefined if none
 * came within `fr_timeout`.
 */
export async function sendReinvite(
  opensips: OpenSips,
  timeline: Timeline,
  dialog: Dialog,
  { leg, sdp }: { readonly leg: Leg; readonly sdp: string | undefined },
): Promise<string | undefined> {
  const party = dialog[leg];
  if (!(await reachPhone(opensips, timeline, party.user))) return undefined;
  if (refusesReinvite(opensips, party.user)) return '488 Not Acceptable Here';
  if (sdp !== undefined) receiveSdp(party, sdp);
  return '200 OK';
}

/** Whether a phone refuses every re-INVITE. OpenSIPS itself, as the user agent of a first leg, does not. */
export function refusesReinvite(opensips: OpenSips, user: string | undefined): boolean {
  return user !== undefined && opensips.behaviorOf(user).refusesReinvite === true;
}
