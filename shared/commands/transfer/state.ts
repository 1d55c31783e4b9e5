/** The state of a transfer, and the progress that its steps return. @module */

import type { Leg } from '../../opensips/evi.ts';
import type { InDialogRequest } from '../../opensips/in-dialog.ts';
import type { MiCommand } from '../../opensips/mi.ts';
import type { CommandState, EventInput } from '../command.ts';
import type { Failure } from '../failures.ts';

/** The request that makes the phone place its new call: the command of callops, or REFER within the dialog. */
export type TransferCommand =
  | Extract<MiCommand, { method: 'call_transfer' }>
  | Extract<InDialogRequest, { method: 'refer' }>;

/** Which party is transferred, and where to. */
export interface TransferTarget {
  /** The Call-ID of the dialog whose party is transferred. */
  readonly callid: string;
  readonly leg: Leg;
  /** The requested destination. It is empty in an attended transfer without one. */
  readonly destination: string;
  /** The call of an attended transfer that the new call replaces, and the party that the phone is then connected with. */
  readonly replaced?: { readonly callid: string; readonly leg: Leg };
}

export interface Transfer extends Omit<TransferTarget, 'replaced'> {
  readonly command: TransferCommand;
  /** For the reply to the command, in milliseconds. */
  readonly timeoutMs: number;
  /** The URI parameter with the dialog's id in the new INVITE. */
  readonly matchParam: string;
  /** `replacing`: the new call is answered, and the call that it replaces has not ended yet. */
  phase: 'requested' | 'accepted' | 'started' | 'replacing' | 'finished';
  /** The phone has answered the REFER with 2xx. callops does not report the answer. */
  hasPhoneAccepted: boolean;
  /** The client has been notified of the acceptance. A lost reply must not put its notifications out of order. */
  isAcceptedReported: boolean;
  /** Events that arrived before the reply. If OpenSIPS refuses this transfer, they may belong to another one. */
  earlyEvents: EventInput[];
  /** How often the request came before the ACK of the call. */
  notReadyCount: number;
  /** The dialog's id in OpenSIPS, once it is known. */
  dialogId?: string;
  /** The contact of the transferred phone, once it is known. */
  contact?: string;
  /** When the last event of the dialog arrived before the transfer, in milliseconds of the adapter's clock. */
  lastEventAt?: number;
  /** When the dialog ended, by the same clock. */
  endedAt?: number;
  newCallid?: string;
  /** When the first event of the new call arrived, by the same clock. */
  newCallAt?: number;
  /** The id of the new call's dialog. A call that goes on after a 302 or 407 continues in another one. */
  newDialogId?: string;
  newDialogState: number;
  isRingingReported: boolean;
  /** How often the destination's phone has reported its progress. */
  pendingCount: number;
  /** The destination that OpenSIPS has looked up. */
  resolvedDestination: string;
  /** The last status that the phone itself has sent in a NOTIFY. */
  lastNotifyStatus: string;
  /**
   * The new call has been refused, and the phone may go on with the same Call-ID. The SIP status line, or an empty string if it is
   * not known.
   */
  refusedStatus?: string;
  /** The phone has not gone on in time, as far as events have shown. The state of the dialog in OpenSIPS decides. */
  isFollowUpRead: boolean;
  /** The routing script seems to have refused the new call before it rang; with the SIP status line if that is known. */
  refusal?: { readonly status?: string };
  /** The call that the new one replaces, and its party that the phone is then connected with. */
  readonly replacedCallid?: string;
  readonly replacedLeg?: Leg;
  /** The address of that party, once the call has been read. */
  replacedUri?: string;
  hasReplacedEnded: boolean;
  /** The new call was found in the list of dialogs, so there will be no E_CALL_TRANSFER. */
  isUnmatched: boolean;
  /** The page of `dlg_list` that is being read. */
  page: { index: number; counter: number };
  /** The delay before the next search for the new call. */
  searchDelayMs: number;
  /** The delay before the next read of the new call's dialog. */
  pollDelayMs: number;
  /** The reply was lost, and the request was repeated. That does no harm: callops transfers a dialog only once. */
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

/** Returns whether the transfer is a REFER of the adapter, whose reply is the phone's answer. */
export function isRefer({ command }: Pick<Transfer, 'command'>): boolean {
  return command.method === 'refer';
}

/** Returns whether the phone has not started its new call yet. */
export function awaitsCall({ phase }: Pick<Transfer, 'phase'>): boolean {
  return phase === 'requested' || phase === 'accepted';
}

/** Returns what the runner must know of a transfer. */
export function transferFlags(transfer: Transfer): Pick<CommandState, 'transferring' | 'awaitsCall'> {
  if (transfer.phase === 'finished') return {};
  const { callid, replacedCallid } = transfer;
  const transferring = replacedCallid === undefined ? [callid] : [callid, replacedCallid];
  return { transferring, ...(awaitsCall(transfer) ? { awaitsCall: true } : {}) };
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
