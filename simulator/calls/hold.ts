/** `call_hold` and `call_unhold`: a re-INVITE to each leg that is not in the requested state (callops). @module */
import { type Dialog, isActive, type Leg, receiveSdp } from '../opensips/dialog.ts';
import { sdpTowards } from '../opensips/media-relay.ts';
import type { OpenSips } from '../opensips/opensips.ts';
import { crashOpenSips } from '../opensips/restart.ts';
import { isSince } from '../opensips/version.ts';
import { setDirection } from '../sip/sdp.ts';
import { sendReinvite } from './reach-phone.ts';
import { isSuccess } from './ring-phone.ts';

export type HoldAction = 'hold' | 'unhold';

/** Hold starts with the caller, unhold with the callee (trace `hold`; call_hold and call_unhold in callops.c). */
const LEG_ORDER: Readonly<Record<HoldAction, readonly Leg[]>> = {
  hold: ['caller', 'callee'],
  unhold: ['callee', 'caller'],
};

/** A re-INVITE is sent four times within 5 s; a phone that is thawed answers each (`hold-vanished-4.0`). */
const LATE_ANSWERS = 4;

/**
 * Sends a re-INVITE to the legs that are not in the requested state, and returns those legs. A leg counts as changed
 * even if its phone refuses.
 */
export function changeHold(opensips: OpenSips, dialog: Dialog, action: HoldAction): readonly Leg[] {
  const legs = LEG_ORDER[action].filter((leg) => dialog.held[leg] !== (action === 'hold'));
  for (const leg of legs) dialog.held[leg] = action === 'hold';
  void reinvite(opensips, dialog, action, legs);
  return legs;
}

async function reinvite(
  opensips: OpenSips,
  dialog: Dialog,
  action: HoldAction,
  legs: readonly Leg[],
): Promise<void> {
  const { clock, delays, raiseEvent } = opensips;
  const timeline = clock.timeline();
  const raiseHoldEvent = (leg: Leg, state: 'start' | 'ok' | 'fail') =>
    raiseEvent('E_CALL_HOLD', { callid: dialog.callid, leg, action, state });
  await timeline.wait(delays.holdReply + delays.holdStart);
  for (const leg of legs) raiseHoldEvent(leg, 'start');
  await timeline.wait(delays.holdResult);
  for (const leg of legs) void reinviteLeg(opensips, dialog, { action, leg }, raiseHoldEvent);
}

async function reinviteLeg(
  opensips: OpenSips,
  dialog: Dialog,
  { action, leg }: { readonly action: HoldAction; readonly leg: Leg },
  raiseHoldEvent: (leg: Leg, state: 'ok' | 'fail') => void,
): Promise<void> {
  const original = sdpTowards(opensips, dialog, leg);
  const sdp = action === 'hold' && original !== undefined ? setDirection(original, 'inactive') : original;
  const status = await sendReinvite(opensips, opensips.clock.timeline(), dialog, { leg, sdp });
  if (status !== undefined) return raiseHoldEvent(leg, isSuccess(status) ? 'ok' : 'fail');

  // callops 3.x reads the Call-ID of a response that does not exist (mi_call_hold_reply in callops.c).
  if (!isSince(opensips.version, 4, 0)) return crashOpenSips(opensips);
  raiseHoldEvent(leg, 'fail');
  const { user } = dialog[leg];
  if (user === undefined) return;
  opensips.frozenPhones.onThaw(user, () => {
    if (!isActive(dialog)) return;
    receiveSdp(dialog[leg], sdp);
    for (let n = 0; n < LATE_ANSWERS; n++) raiseHoldEvent(leg, 'ok');
  });
}
