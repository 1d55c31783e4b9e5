/** `call_hold` and `call_unhold`: a re-INVITE to each leg that is not yet as asked (callops). */
import type { Dialog, Leg } from './dialog.ts';
import type { Opensips } from './opensips.ts';

export type HoldAction = 'hold' | 'unhold';

/** hold asks the caller first, unhold the callee (trace `hold`; call_hold and call_unhold in callops.c). */
const ORDER: Readonly<Record<HoldAction, readonly Leg[]>> = {
  hold: ['caller', 'callee'],
  unhold: ['callee', 'caller'],
};

/** Re-INVITEs the legs that are not as asked, and tells which those are. A leg counts as asked even if it refuses. */
export function changeHold(opensips: Opensips, dialog: Dialog, action: HoldAction): readonly Leg[] {
  const legs = ORDER[action].filter((leg) => dialog.held[leg] !== (action === 'hold'));
  for (const leg of legs) dialog.held[leg] = action === 'hold';
  void reinvite(opensips, dialog, action, legs);
  return legs;
}

async function reinvite(
  opensips: Opensips,
  dialog: Dialog,
  action: HoldAction,
  legs: readonly Leg[],
): Promise<void> {
  const { clock, gaps, raise } = opensips;
  const time = clock.timeline();
  const tell = (leg: Leg, state: 'start' | 'ok' | 'fail') =>
    raise('E_CALL_HOLD', { callid: dialog.callid, leg, action, state });
  await time.pass(gaps.holdReply + gaps.holdStarts);
  for (const leg of legs) tell(leg, 'start');
  await time.pass(gaps.holdEnds);
  for (const leg of legs) tell(leg, refuses(opensips, dialog, leg) ? 'fail' : 'ok');
}

/** Where OpenSIPS itself is the user agent the script answers 200 (opensips.cfg). */
function refuses(opensips: Opensips, dialog: Dialog, leg: Leg): boolean {
  const { user } = dialog[leg];
  return user !== undefined && opensips.mannerOf(user).refusesReinvite === true;
}
