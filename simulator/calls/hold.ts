/** `call_hold` and `call_unhold`: a re-INVITE to each leg that is not in the requested state (callops). @module */
import type { Dialog, Leg } from '../opensips/dialog.ts';
import type { OpenSips } from '../opensips/opensips.ts';

export type HoldAction = 'hold' | 'unhold';

/** Hold starts with the caller, unhold with the callee (trace `hold`; call_hold and call_unhold in callops.c). */
const LEG_ORDER: Readonly<Record<HoldAction, readonly Leg[]>> = {
  hold: ['caller', 'callee'],
  unhold: ['callee', 'caller'],
};

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
  for (const leg of legs) raiseHoldEvent(leg, refusesReinvite(opensips, dialog, leg) ? 'fail' : 'ok');
}

/** Where OpenSIPS itself is the user agent, the script answers 200 (opensips.cfg). */
function refusesReinvite(opensips: OpenSips, dialog: Dialog, leg: Leg): boolean {
  const { user } = dialog[leg];
  return user !== undefined && opensips.behaviorOf(user).refusesReinvite === true;
}
