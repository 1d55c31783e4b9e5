/** What callops says of a transfer: E_CALL_TRANSFER (README, EVI point 3). */
import { type Dialog, isAlive, type Leg } from './dialog.ts';
import { type Opensips, release, retain } from './opensips.ts';
import { isAnswer } from './ring.ts';

/** Who gets the REFER, and for what. */
export type Transfer = {
  readonly dialog: Dialog;
  readonly leg: Leg;
  /** The URI in Refer-To. */
  readonly target: string;
  /** The other call of an attended transfer, and its leg that is to be replaced. */
  readonly replaced?: { readonly dialog: Dialog; readonly leg: Leg };
};

/** A dialog whose clients are told how its transfer goes. */
export type Told = {
  readonly dialog: Dialog;
  readonly leg: Leg;
  readonly callid: string;
  readonly destination: string;
};

/** `start`: for each dialog concerned that still stands. One that has ended cannot be matched (`start-unmatched`). */
export function begin(opensips: Opensips, transfer: Transfer, call: Dialog, destination: string): Told[] {
  const { dialog, leg, replaced } = transfer;
  const concerned = [{ dialog, leg }, ...(replaced === undefined ? [] : [replaced])];
  const told = concerned
    .filter((one) => isAlive(one.dialog))
    .map((one) => ({ ...one, callid: call.callid, destination }));
  for (const one of told) {
    retain(one.dialog);
    one.dialog.transferLeg = one.leg;
    one.dialog.transferCallid = call.callid;
    // A blind transfer's `start` has the new Call-ID where the leg should be: callops 3.6.8 reuses a buffer.
    const shown = replaced === undefined ? call.callid : one.leg;
    raiseTransfer(opensips, one.dialog, shown, destination, 'start', '');
  }
  return told;
}

/** `ok` or `fail`. From now on a `notify` names no leg. */
export function finish(opensips: Opensips, { dialog, leg, destination }: Told, status: string): void {
  raiseTransfer(opensips, dialog, leg, destination, isAnswer(status) ? 'ok' : 'fail', status);
  dialog.transferLeg = '';
  release(opensips, dialog);
}

/** The phone's NOTIFY within the first dialog. It is an event only while callops knows of a new call. */
export function notify(opensips: Opensips, { dialog, leg }: Transfer, status: string): void {
  if (!isAlive(dialog)) return;
  const party = dialog[leg];
  // The first NOTIFY of the scripted phones has CSeq 100 (`caller-gives-up`: callee_cseq).
  party.cseq = Math.max(party.cseq + 1, 100);
  if (dialog.transferCallid !== undefined) {
    raiseTransfer(opensips, dialog, dialog.transferLeg ?? '', '', 'notify', status);
  }
}

function raiseTransfer(
  opensips: Opensips,
  dialog: Dialog,
  leg: string,
  destination: string,
  state: 'start' | 'notify' | 'ok' | 'fail',
  status: string,
): void {
  const { callid, transferCallid } = dialog;
  opensips.raise('E_CALL_TRANSFER', {
    callid,
    leg,
    transfer_callid: transferCallid,
    destination,
    state,
    status,
  });
}
