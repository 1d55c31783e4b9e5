/** What phones do by themselves within a call, without MI: their own hold, their own transfer. @module */
import { DIALOG_STATE, type Dialog, type Leg, otherLeg, receiveSdp } from '../opensips/dialog.ts';
import { sdpTowards } from '../opensips/media-relay.ts';
import type { OpenSips } from '../opensips/opensips.ts';
import { raiseVersion, type SdpDirection, setDirection } from '../sip/sdp.ts';
import { hangUp } from './hang-up.ts';
import { refusesReinvite } from './reach-phone.ts';
import { isSuccess } from './ring-phone.ts';
import { sendRefer } from './transfer.ts';

/** The direction that a phone offers, and the one that the other phone answers. */
const DIRECTIONS: Readonly<Record<'hold' | 'resume', readonly [SdpDirection, SdpDirection]>> = {
  hold: ['sendonly', 'recvonly'],
  resume: ['sendrecv', 'sendrecv'],
};

/**
 * The phone of a leg sends a re-INVITE. Returns whether the other phone accepted it; only then both parties have new
 * SDP. Throws if the call is not answered.
 */
export function reinviteByPhone(
  opensips: OpenSips,
  { callid, leg }: { readonly callid: string; readonly leg: Leg },
  action: 'hold' | 'resume',
): boolean {
  const dialog = findAnswered(opensips, callid);
  const [own, other] = [dialog[leg], dialog[otherLeg(leg)]];
  const isFrozen = [own, other].some(({ user }) => opensips.frozenPhones.has(user));
  if (isFrozen || refusesReinvite(opensips, other.user)) return false;
  const [offered, answered] = DIRECTIONS[action];
  own.cseq++;
  own.sdp = changeSdp(own.sdp, offered);
  other.sdp = changeSdp(other.sdp, answered);
  receiveSdp(other, sdpTowards(opensips, dialog, otherLeg(leg)));
  receiveSdp(own, sdpTowards(opensips, dialog, leg));
  return true;
}

/**
 * The phone of a leg presses its transfer key: it sends REFER to the other phone, and hangs up when that is connected.
 * Resolves with the new Call-ID; rejects if there is no new call. callops knows nothing of it.
 */
export async function transferByPhone(
  opensips: OpenSips,
  { callid, leg }: { readonly callid: string; readonly leg: Leg },
  to: string,
): Promise<string> {
  const dialog = findAnswered(opensips, callid);
  const target = `sip:${to}@${opensips.sipAddress}`;
  const { status, outcome } = await sendRefer(opensips, { dialog, leg: otherLeg(leg), target });
  const result = await outcome;
  if (result === undefined) throw new Error(`the phone did not place a call: ${status ?? 'it is frozen'}`);
  if (!isSuccess(result.status)) throw new Error(`${to} did not answer: ${result.status}`);
  hangUp(opensips, dialog, leg);
  return result.call.callid;
}

function findAnswered({ dialogs }: OpenSips, callid: string): Dialog {
  const dialog = dialogs.findActive(callid);
  if (dialog?.state !== DIALOG_STATE.acknowledged)
    throw new Error(`callid: "${callid}" is not an answered call. Wait for state 4.`);
  return dialog;
}

const changeSdp = (sdp: string | undefined, direction: SdpDirection): string | undefined =>
  sdp && raiseVersion(setDirection(sdp, direction));
