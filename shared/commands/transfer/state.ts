/** The state of a transfer, and the progress that its steps return. @module */

import type { Leg } from '../../opensips/evi.ts';
import type { MiCommand } from '../../opensips/mi.ts';
import type { EventInput } from '../command.ts';
import type { Failure } from '../failures.ts';

export type TransferCommand = Extract<MiCommand, { method: 'call_transfer' }>;

export interface Transfer {
  /** The Call-ID of the dialog whose party is transferred. */
  readonly callid: string;
  readonly leg: Leg;
  /** The requested destination. It is empty in an attended transfer without one. */
  readonly destination: string;
  readonly command: TransferCommand;
  phase: 'requested' | 'accepted' | 'started' | 'finished';
  /** The client has been notified of the acceptance. A lost reply must not put its notifications out of order. */
  isAcceptedReported: boolean;
  /** Events that arrived before the reply. If OpenSIPS refuses this transfer, they may belong to another one. */
  earlyEvents: EventInput[];
  /** The dialog's id in OpenSIPS, once it is known. */
  dialogId?: string;
  /** The contact of the transferred phone, once it is known. */
  contact?: string;
  /** When the last event of the dialog arrived before the transfer, in milliseconds of the adapter's clock. */
  lastEventAt?: number;
  /** When the dialog ended, by the same clock. */
  endedAt?: number;
  newCallid?: string;
  newDialogState: number;
  /** The destination that OpenSIPS has looked up. */
  resolvedDestination: string;
  /** The last status that the phone itself has sent in a NOTIFY. */
  lastNotifyStatus: string;
  /** The new call was found in the list of dialogs, so there will be no E_CALL_TRANSFER. */
  isUnmatched: boolean;
  /** The page of `dlg_list` that is being read. */
  page: { index: number; counter: number };
  /** The delay before the next search for the new call. */
  searchDelayMs: number;
  /** The delay before the next read of the new call's dialog. */
  pollDelayMs: number;
  /** The reply was lost, and the request was repeated. That does no harm: OpenSIPS transfers a dialog only once. */
  isRetried: boolean;
  /** How often the request was not run because no adapter was connected. */
  notRunCount: number;
  /** The command has failed or was canceled. The REFER is not repeated, but its new call is searched for. */
  isAbandoned: boolean;
  /** Events may have been lost. */
  eventsMayBeLost: boolean;
  /** The time for the new call has passed. The final search decides. */
  isFinalSearch: boolean;
  /** The final search has found nothing once. A dialog that ended during it may have shifted the pages. */
  isFinalSearchRepeated: boolean;
}

/** What a step has achieved, for the command to notify its client. */
export type TransferProgress =
  | { readonly type: 'accepted' }
  | { readonly type: 'started'; readonly callid: string; readonly destination: string }
  | {
      readonly type: 'pending';
      readonly callid: string;
      readonly destination: string;
      readonly status: string;
    }
  | { readonly type: 'answered'; readonly callid: string; readonly destination: string }
  | { readonly type: 'failed'; readonly failure: Failure };
