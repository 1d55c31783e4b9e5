/** A dialog as `dlg_list` shows it (internal_mi_print_dlg in dlg_hash.c). */
import { type Dialog, isAlive, STATE } from '../dialog.ts';
import type { Opensips } from '../opensips.ts';

/** How long a call may last, in seconds: the dialog module's `default_timeout`. */
const LIFETIME = 12 * 3_600;

export function shownDialog({ sip }: Opensips, dialog: Dialog): unknown {
  const { caller } = dialog;
  const since = Math.floor((dialog.times[STATE.answered] ?? 0) / 1_000);
  const until = since > 0 && isAlive(dialog) ? since + LIFETIME : 0;
  return {
    ID: dialog.dialogId,
    db_id: dialog.dbId,
    state: dialog.state,
    user_flags: '',
    timestart: since,
    ...(since > 0 && { datestart: localDate(since) }),
    timeout: until,
    ...(until > 0 && { dateout: localDate(until) }),
    callid: dialog.callid,
    from_uri: dialog.from,
    to_uri: dialog.to,
    caller_tag: caller.tag,
    caller_contact: caller.contact,
    callee_cseq: String(dialog.callee.cseq),
    caller_route_set: '',
    caller_bind_addr: `udp:${sip}`,
    ...(caller.sdp !== undefined && { caller_sdp: caller.sdp }),
    CALLEES: [shownCallee(sip, dialog)],
  };
}

/** Nothing of a callee that has not answered yet but, once it rings, its tag (`caller-silent`, `caller-rings-ended`). */
function shownCallee(sip: string, { caller, callee }: Dialog): unknown {
  const reached = callee.tag !== undefined;
  return {
    callee_tag: callee.tag ?? '',
    callee_contact: callee.contact,
    caller_cseq: reached ? String(caller.cseq) : '',
    callee_route_set: '',
    callee_bind_addr: reached ? `udp:${sip}` : null,
    ...(callee.sdp !== undefined && { callee_sdp: callee.sdp }),
  };
}

/** `2026-11-23 09:34:42`, in local time. */
function localDate(seconds: number): string {
  const date = new Date(seconds * 1_000);
  const two = (number: number) => String(number).padStart(2, '0');
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${date.toTimeString().slice(0, 8)}`;
}
