/** The events E_CALL_TRANSFER that callops raises about a transfer, measured on OpenSIPS 3.6.8. @module */
import { type Dialog, isActive, type Leg } from '../opensips/dialog.ts';
import { type OpenSips, releaseDialog, retainDialog } from '../opensips/opensips.ts';
import { parseParameter } from '../sip/sip-text.ts';
import type { ReplacedLeg } from './place-call.ts';
import { isSuccess } from './ring-phone.ts';

/** A new call that replaces others, as callops sees it. */
export type NewCall = {
  readonly callid: string;
  /** The contact to which its INVITE is forwarded. */
  readonly destination: string;
  /** Its request URI, which may have the parameter `osid`. */
  readonly target: string;
  readonly replaces: ReplacedLeg | undefined;
};

/** A dialog for which callops raises the events of a transfer. */
export type TransferringDialog = {
  readonly dialog: Dialog;
  readonly destination: string;
};

/** The text in place of a leg that callops does not know: nobody has used `call_transfer` (`sequential-start`). */
const UNKNOWN_LEG = 'unknown';

/**
 * Raises `start` for each dialog that the new call replaces (call_dlg_created_CB in callops.c). callops finds none if it
 * has ended (`start-unmatched`), and none without Replaces or `osid`.
 */
export function raiseStart(opensips: OpenSips, call: NewCall): TransferringDialog[] {
  if (call.replaces !== undefined && isActive(call.replaces.dialog))
    return startAttended(opensips, call, call.replaces);
  const dialog = opensips.dialogs.findActiveById(parseParameter(call.target, 'osid') ?? '');
  if (dialog === undefined) return [];
  // `start` of a blind transfer has the new Call-ID in the field `leg`: callops 3.6.8 and 4.0.1 reuse a buffer.
  return [startTransfer(opensips, call, { dialog, legField: call.callid })];
}

/**
 * The first dialog of an attended transfer is known only if it was requested with `call_transfer`. With
 * `dlg_send_sequential` only the replaced call has events, even if there is an `osid` (measured on 3.4.18, 3.6.8, 4.0.1).
 */
function startAttended(opensips: OpenSips, call: NewCall, replaced: ReplacedLeg): TransferringDialog[] {
  const { dialog, leg } = replaced;
  const first = dialog.transferCallid && opensips.dialogs.findActive(dialog.transferCallid);
  const transferring = first
    ? [startTransfer(opensips, call, { dialog: first, legField: first.transferLeg ?? UNKNOWN_LEG })]
    : [];
  dialog.transferLeg = leg;
  return [...transferring, startTransfer(opensips, call, { dialog, legField: leg })];
}

function startTransfer(
  opensips: OpenSips,
  { callid, destination }: NewCall,
  { dialog, legField }: { readonly dialog: Dialog; readonly legField: string },
): TransferringDialog {
  retainDialog(dialog);
  dialog.transferCallid = callid;
  raiseTransferEvent(opensips, dialog, { leg: legField, destination, state: 'start', status: '' });
  return { dialog, destination };
}

/** Raises `ok` or `fail`. A later `notify` has an empty leg. */
export function raiseResult(
  opensips: OpenSips,
  { dialog, destination }: TransferringDialog,
  status: string,
): void {
  const state = isSuccess(status) ? 'ok' : 'fail';
  raiseTransferEvent(opensips, dialog, {
    leg: dialog.transferLeg ?? UNKNOWN_LEG,
    destination,
    state,
    status,
  });
  dialog.transferLeg = '';
  releaseDialog(opensips, dialog);
}

/**
 * Handles the phone's NOTIFY within the first dialog. It raises an event only if callops handles NOTIFYs of the dialog
 * and knows of a new call, which may be that of an earlier transfer (`sequential-refer-after-491`).
 */
export function raiseNotify(
  opensips: OpenSips,
  { dialog, leg }: { readonly dialog: Dialog; readonly leg: Leg },
  status: string,
): void {
  const party = dialog[leg];
  if (!isActive(dialog) || opensips.frozenPhones.has(party.user)) return;
  // The first NOTIFY of the scripted phones has CSeq 100 (`caller-gives-up`: callee_cseq).
  party.cseq = Math.max(party.cseq + 1, 100);
  if (!dialog.handlesNotify || dialog.transferCallid === undefined) return;
  const known = dialog.transferLeg ?? UNKNOWN_LEG;
  raiseTransferEvent(opensips, dialog, { leg: known, destination: '', state: 'notify', status });
}

function raiseTransferEvent(
  opensips: OpenSips,
  { callid, transferCallid }: Dialog,
  fields: {
    readonly leg: string;
    readonly destination: string;
    readonly state: 'start' | 'notify' | 'ok' | 'fail';
    readonly status: string;
  },
): void {
  const { leg, destination, state, status } = fields;
  opensips.raiseEvent('E_CALL_TRANSFER', {
    callid,
    leg,
    transfer_callid: transferCallid,
    destination,
    state,
    status,
  });
}
