/**
 * Finds the new call of a transfer for which OpenSIPS raised no E_CALL_TRANSFER: if the phone ends the old dialog before
 * its new INVITE arrives, OpenSIPS cannot match the two (trace `start-unmatched`).
 * @module
 */
import { dialogState } from '../../opensips/evi.ts';
import type { Dialog } from '../../opensips/mi.ts';
import { areSipUrisEqual } from '../../sip/sip-uri.ts';
import { withoutTransport } from '../../sip/transport.ts';

/** What is known of a transferred dialog. */
export interface TransferredDialog {
  readonly callid: string;
  /** Its id in OpenSIPS. The new INVITE contains it as `osid`, unless the phone strips parameters; with callops' mode `callid`, its Call-ID. */
  readonly dialogId?: string;
  /** The contact of the transferred phone. */
  readonly contact?: string;
  readonly destination: string;
  /** The URI parameter with the transferred dialog's id: callops' `match_param`. */
  readonly matchParam: string;
  /** The address that the phone was sent to, as the replaced call has it: perhaps with the id of that call's own transfer. */
  readonly replacedUri?: string;
  /** When the dialog ended, in Unix milliseconds. */
  readonly endedAt?: number;
}

/** How much the clocks of OpenSIPS and of the adapter beside it may differ; `timestart` has a resolution of 1 s. */
const CLOCK_SKEW_S = 2;

/** Returns the new call of a transfer. It is recognized by `osid`, otherwise by contact, destination and time. */
export function findTransferredCall(
  dialogs: readonly Dialog[],
  transferred: TransferredDialog,
): Dialog | undefined {
  const candidates = dialogs.filter(
    ({ state, callid }) => state !== dialogState.ended && callid !== transferred.callid,
  );
  return (
    candidates.find((dialog) => hasMatchParam(dialog, transferred)) ??
    candidates.find((dialog) => isLikelyNewCall(dialog, transferred))
  );
}

/** Depending on the phone, either party's URI contains the parameter. */
function hasMatchParam(dialog: Dialog, { dialogId, callid, matchParam }: TransferredDialog): boolean {
  const params = [dialogId, callid].map((id) => `${matchParam}=${id}`);
  return [dialog.to_uri, dialog.from_uri].some((uri) =>
    uri.split(';').some((param) => params.includes(param)),
  );
}

function isLikelyNewCall(dialog: Dialog, transferred: TransferredDialog): boolean {
  // To with another dialog's id belongs to that dialog's new call. From may have an old id that the phone was called with.
  const calledUri = stripOsid(dialog.to_uri, transferred.matchParam);
  const isOwnUri = dialog.to_uri === calledUri || withoutHeaders(dialog.to_uri) === transferred.replacedUri;
  if (transferred.dialogId !== undefined && !isOwnUri) return false;
  if (transferred.contact === undefined || !dialog.caller_contact) return false;
  if (!areSipUrisEqual(dialog.caller_contact, transferred.contact)) return false;
  const [called, destination] = [withoutHeaders(calledUri), transferred.destination].map(withoutTransport);
  if (!areSipUrisEqual(called ?? '', destination ?? '')) return false;
  const earliest = transferred.endedAt === undefined ? 0 : transferred.endedAt / 1000 - CLOCK_SKEW_S;
  return dialog.timestart === 0 || dialog.timestart >= earliest;
}

/** Returns a SIP URI without its headers, such as Replaces (RFC 3261 §19.1.1). */
function withoutHeaders(uri: string): string {
  return uri.replace(/\?.*$/, '');
}

/** Returns the URI as the parties know it. OpenSIPS itself adds `osid`, or what `match_param` names. */
export function stripOsid(uri: string, matchParam = 'osid'): string {
  const prefix = `;${matchParam}=`;
  const start = uri.indexOf(prefix);
  if (start < 0) return uri;
  return uri.slice(0, start) + uri.slice(start + prefix.length).replace(/^[^;?>]*/, '');
}
