/**
 * Finds the call that a transfer made although no E_CALL_TRANSFER was raised: the phone had hung the old
 * dialog up before its new INVITE came, and then OpenSIPS cannot match the two (trace `start-unmatched`).
 * @module
 */
import { dialogState } from '../evi.ts';
import type { Dialog } from '../mi.ts';
import { sameSipUri } from '../sip-uri.ts';

/** What is known of the old dialog and its transfer. */
export interface Lost {
  readonly callid: string;
  /** Its id in OpenSIPS, which the new INVITE carries as `osid` unless the phone strips parameters. */
  readonly dialogId?: string;
  /** The contact of the phone that was sent away. */
  readonly contact?: string;
  readonly destination: string;
  /** When the old dialog ended, Unix time in milliseconds. */
  readonly endedAt?: number;
}

/** Clocks of OpenSIPS and the adapter beside it may differ by so much, and `timestart` counts whole seconds. */
const CLOCK_SLACK_S = 2;

/** The new dialog, if it is among these: by `osid`, else by contact, destination and time. */
export function findCall(dialogs: readonly Dialog[], lost: Lost): Dialog | undefined {
  const standing = dialogs.filter((each) => each.state !== dialogState.ended && each.callid !== lost.callid);
  return (
    standing.find((each) => hasOsid(each, lost.dialogId)) ?? standing.find((each) => isSuccessor(each, lost))
  );
}

/** `osid` can stand in either party, as the phones write it. */
function hasOsid(dialog: Dialog, dialogId: string | undefined): boolean {
  if (dialogId === undefined) return false;
  return [dialog.to_uri, dialog.from_uri].some((uri) => uri.split(';').includes(`osid=${dialogId}`));
}

function isSuccessor(dialog: Dialog, lost: Lost): boolean {
  // To with another dialog's id is another's successor. From may have an old one: the phone was once called so.
  if (lost.dialogId !== undefined && dialog.to_uri !== withoutOsid(dialog.to_uri)) return false;
  if (lost.contact === undefined || !dialog.caller_contact) return false;
  if (!sameSipUri(dialog.caller_contact, lost.contact)) return false;
  if (!sameSipUri(withoutOsid(dialog.to_uri), lost.destination)) return false;
  const since = lost.endedAt === undefined ? 0 : lost.endedAt / 1000 - CLOCK_SLACK_S;
  return dialog.timestart === 0 || dialog.timestart >= since;
}

/** The URI as the parties know it: `osid` is OpenSIPS's own. */
export function withoutOsid(uri: string): string {
  return uri.replace(/;osid=[^;?>]*/g, '');
}
