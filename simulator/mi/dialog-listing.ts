/** A dialog in the reply of `dlg_list` (internal_mi_print_dlg in dlg_hash.c). @module */
import { DIALOG_STATE, type Dialog, isActive, type Leg } from '../opensips/dialog.ts';
import { sdpTowards } from '../opensips/media-relay.ts';
import type { OpenSips } from '../opensips/opensips.ts';

/** The maximum duration of a call: `default_timeout` of the dialog module. */
const DEFAULT_TIMEOUT_SECONDS = 12 * 3_600;

export function describeDialog(opensips: OpenSips, dialog: Dialog): unknown {
  const { sipAddress } = opensips;
  const { caller } = dialog;
  const since = Math.floor((dialog.stateTimes[DIALOG_STATE.answered] ?? 0) / 1_000);
  const until = since > 0 && isActive(dialog) ? since + DEFAULT_TIMEOUT_SECONDS : 0;
  return {
    ID: dialog.dialogId,
    db_id: dialog.dbId,
    state: dialog.state,
    user_flags: '',
    timestart: since,
    ...(since > 0 && { datestart: formatLocalDate(since) }),
    timeout: until,
    ...(until > 0 && { dateout: formatLocalDate(until) }),
    callid: dialog.callid,
    from_uri: dialog.from,
    to_uri: dialog.to,
    caller_tag: caller.tag,
    caller_contact: caller.contact,
    callee_cseq: String(dialog.callee.cseq),
    caller_route_set: '',
    caller_bind_addr: `udp:${sipAddress}`,
    ...(caller.sdp !== undefined && { caller_sdp: caller.sdp }),
    ...describeSentSdp(opensips, dialog, 'caller'),
    CALLEES: [describeCallee(opensips, dialog)],
  };
}

/** Before the answer, a callee has only a tag, once it rings (`caller-silent`, `caller-rings-ended`). */
function describeCallee(opensips: OpenSips, dialog: Dialog): unknown {
  const { caller, callee } = dialog;
  const isReached = callee.tag !== undefined;
  return {
    callee_tag: callee.tag ?? '',
    callee_contact: callee.contact,
    caller_cseq: isReached ? String(caller.cseq) : '',
    callee_route_set: '',
    callee_bind_addr: isReached ? `udp:${opensips.sipAddress}` : null,
    ...(callee.sdp !== undefined && { callee_sdp: callee.sdp }),
    ...describeSentSdp(opensips, dialog, 'callee'),
  };
}

/** What OpenSIPS sent to a leg is listed only if it differs from what the other leg sent (dlg_update_out_sdp). */
function describeSentSdp(opensips: OpenSips, dialog: Dialog, leg: Leg): Readonly<Record<string, string>> {
  const sdp = opensips.hasMediaRelay ? sdpTowards(opensips, dialog, leg) : undefined;
  return sdp === undefined ? {} : { [`${leg}_sent_sdp`]: sdp };
}

/** Returns a local time such as `2026-11-23 09:34:42`. */
function formatLocalDate(seconds: number): string {
  const date = new Date(seconds * 1_000);
  const twoDigits = (number: number) => String(number).padStart(2, '0');
  const day = `${date.getFullYear()}-${twoDigits(date.getMonth() + 1)}-${twoDigits(date.getDate())}`;
  return `${day} ${date.toTimeString().slice(0, 8)}`;
}
