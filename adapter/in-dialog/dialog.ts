/**
 * A dialog with everything that a request within it is built from. Its SDP describes the media of a phone: it must not be
 * logged, be part of an error, or be sent to the edge.
 * @module
 */
import * as z from 'zod';
import type { Leg } from '../../shared/opensips/evi.ts';
import { withDirectionsOf } from './sdp-direction.ts';

const Text = z.string().nullish();

const Callee = z.object({
  callee_tag: Text,
  callee_contact: Text,
  /** The SDP that this phone has sent. */
  callee_sdp: Text,
  /** The SDP that OpenSIPS has sent to this phone, if it is not what the other phone has sent. */
  callee_sent_sdp: Text,
});
type Callee = z.infer<typeof Callee>;

/** A dialog in `dlg_list` (dialog module, `internal_mi_print_dlg` in `dlg_hash.c`). */
export const FullDialog = z.object({
  ID: z.string(),
  state: z.number().int(),
  /** When the call was answered, in Unix seconds. */
  timestart: z.number().int(),
  callid: z.string(),
  from_uri: z.string(),
  to_uri: z.string(),
  caller_tag: Text,
  caller_contact: Text,
  caller_sdp: Text,
  caller_sent_sdp: Text,
  CALLEES: z.array(Callee).nullish(),
});
export type FullDialog = z.infer<typeof FullDialog>;

/** A party of a dialog. */
export interface Party {
  readonly uri: string;
  readonly tag: string;
  readonly contact: string | null;
}

/** Returns a party of a dialog. */
export function partyOf(dialog: FullDialog, leg: Leg): Party {
  if (leg === 'caller')
    return { uri: dialog.from_uri, tag: dialog.caller_tag ?? '', contact: dialog.caller_contact || null };
  const callee = answeredCallee(dialog);
  return { uri: dialog.to_uri, tag: callee?.callee_tag ?? '', contact: callee?.callee_contact || null };
}

/**
 * Returns the SDP that a phone was offered last, which describes the other party's media; undefined if there is none.
 *
 * It is what OpenSIPS has sent to this phone (`…_sent_sdp`) if the script or a media proxy has changed it, or else what the
 * other phone has sent. OpenSIPS chooses in the same way (`dlg_get_out_sdp` in `dlg_hash.h`). The other phone's `…_sent_sdp`
 * would be this phone's own media.
 *
 * The directions are always those that the other phone has sent last: OpenSIPS does not update `…_sent_sdp` when that phone
 * sends a re-INVITE, and 3.4 updates it late after an answer, so a hold or resume by the phone itself is missing in it
 * (measured on 3.4, 3.6 and 4.0 with rtpengine).
 */
export function sdpFor(dialog: FullDialog, leg: Leg): string | undefined {
  const callee = answeredCallee(dialog);
  const [sent, source] =
    leg === 'caller'
      ? [dialog.caller_sent_sdp, callee?.callee_sdp]
      : [callee?.callee_sent_sdp, dialog.caller_sdp];
  if (sent && source) return withDirectionsOf(source, sent);
  return sent || source || undefined;
}

/**
 * Returns the phone that has answered. An INVITE to several phones leaves an entry for each of them, but only the one that
 * has answered has a contact; with topology hiding a ringing one has a contact, too, but rarely an SDP (`update_leg_info` in
 * `dlg_handlers.c`).
 */
function answeredCallee({ CALLEES: callees }: FullDialog): Callee | undefined {
  const withContact = callees?.filter(({ callee_contact }) => callee_contact) ?? [];
  return withContact.find(({ callee_sdp }) => callee_sdp) ?? withContact[0] ?? callees?.[0];
}
