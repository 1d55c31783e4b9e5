/** The events E_CALL_TRANSFER that callops raises about a transfer, measured on OpenSIPS 3.6.8. @module */
import { type Dialog, isActive, type Leg } from '../opensips/dialog.ts';
import { type OpenSips, releaseDialog, retainDialog } from '../opensips/opensips.ts';
import { isSuccess } from './ring-phone.ts';

/** Which leg gets the REFER, and its target. */
export type Transfer = {
  readonly dialog: Dialog;
  readonly leg: Leg;
  /** The URI in Refer-To. */
  readonly target: string;
  /** The other call of an attended transfer, and its leg that is replaced. */
  readonly replaced?: { readonly dialog: Dialog; readonly leg: Leg };
};

/** A dialog for which callops raises the events of a transfer. */
export type TransferringDialog = {
  readonly dialog: Dialog;
  readonly leg: Leg;
  readonly callid: string;
  readonly destination: string;
};

/**
 * Raises `start` for each dialog of the transfer that is still active. callops cannot match a dialog that has ended
 * (`start-unmatched`).
 */
export function raiseStart(
  opensips: OpenSips,
  transfer: Transfer,
  call: Dialog,
  destination: string,
): TransferringDialog[] {
  const { dialog, leg, replaced } = transfer;
  const transferring = [{ dialog, leg }, ...(replaced === undefined ? [] : [replaced])]
    .filter((subject) => isActive(subject.dialog))
    .map((subject) => ({ ...subject, callid: call.callid, destination }));
  for (const subject of transferring) {
    retainDialog(subject.dialog);
    subject.dialog.transferLeg = subject.leg;
    subject.dialog.transferCallid = call.callid;
    // `start` of a blind transfer has the new Call-ID in the field `leg`: callops 3.6.8 reuses a buffer.
    const legField = replaced === undefined ? call.callid : subject.leg;
    raiseTransferEvent(opensips, subject.dialog, legField, destination, 'start', '');
  }
  return transferring;
}

/** Raises `ok` or `fail`. A later `notify` has an empty leg. */
export function raiseResult(
  opensips: OpenSips,
  { dialog, leg, destination }: TransferringDialog,
  status: string,
): void {
  raiseTransferEvent(opensips, dialog, leg, destination, isSuccess(status) ? 'ok' : 'fail', status);
  dialog.transferLeg = '';
  releaseDialog(opensips, dialog);
}

/** Handles the phone's NOTIFY within the first dialog. It raises an event only while callops knows of a new call. */
export function raiseNotify(opensips: OpenSips, { dialog, leg }: Transfer, status: string): void {
  if (!isActive(dialog)) return;
  const party = dialog[leg];
  // The first NOTIFY of the scripted phones has CSeq 100 (`caller-gives-up`: callee_cseq).
  party.cseq = Math.max(party.cseq + 1, 100);
  if (dialog.transferCallid !== undefined) {
    raiseTransferEvent(opensips, dialog, dialog.transferLeg ?? '', '', 'notify', status);
  }
}

function raiseTransferEvent(
  opensips: OpenSips,
  dialog: Dialog,
  leg: string,
  destination: string,
  state: 'start' | 'notify' | 'ok' | 'fail',
  status: string,
): void {
  const { callid, transferCallid } = dialog;
  opensips.raiseEvent('E_CALL_TRANSFER', {
    callid,
    leg,
    transfer_callid: transferCallid,
    destination,
    state,
    status,
  });
}
