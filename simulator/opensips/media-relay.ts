/** What a media relay such as rtpengine makes of the SDP between the parties of a dialog. @module */
import { relayMedia } from '../sip/sdp.ts';
import { type Dialog, type Leg, otherLeg } from './dialog.ts';
import type { OpenSips } from './opensips.ts';

/** An address for documentation (RFC 5737), which no phone has. */
const RELAY_HOST = '192.0.2.100';
const FIRST_RELAY_PORT = 30_000;

/**
 * Returns the SDP of the other party as OpenSIPS sends it to this leg (dlg_get_out_sdp in dlg_hash.h). So
 * `caller_sent_sdp` of `dlg_list` is what the caller got, which the callee's became (measured on 3.6.8).
 */
export function sdpTowards({ hasMediaRelay }: OpenSips, dialog: Dialog, leg: Leg): string | undefined {
  const { sdp } = dialog[otherLeg(leg)];
  if (sdp === undefined || !hasMediaRelay) return sdp;
  const pair = Number(BigInt(dialog.dbId) % 5_000n);
  return relayMedia(sdp, RELAY_HOST, FIRST_RELAY_PORT + 4 * pair + (leg === 'callee' ? 0 : 2));
}
