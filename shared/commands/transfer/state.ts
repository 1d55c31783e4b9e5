/** Where a transfer stands, and what its steps tell. @module */
import type { Failure, Input } from '../../command.ts';
import type { Leg } from '../../evi.ts';
import type { MiCommand } from '../../mi.ts';

export type TransferCommand = Extract<MiCommand, { method: 'call_transfer' }>;

/** Where a transfer stands. */
export interface Transfer {
  /** The dialog whose party is sent away. */
  readonly callid: string;
  readonly leg: Leg;
  /** As it was asked; empty in an attended transfer that names none. */
  readonly destination: string;
  readonly command: TransferCommand;
  phase: 'asked' | 'accepted' | 'begun' | 'over';
  /** Was `Accepted` told? A lost reply must not put the client's events out of order. */
  told: boolean;
  /** Events that overtook the reply: they may be another transfer's, if OpenSIPS refuses this one. */
  early: { readonly input: Extract<Input, { type: 'event' }> }[];
  /** The dialog's id in OpenSIPS, once an event names it. */
  dialogId?: string;
  /** The contact of the phone that is sent away, once known. */
  contact?: string;
  /** When the dialog was last heard of before that, and when it ended, in milliseconds of the adapter's clock. */
  seenAt?: number;
  endedAt?: number;
  newCallid?: string;
  newState: number;
  /** The destination after OpenSIPS's lookup. */
  lookedUp: string;
  /** The last word that the phone itself gave. */
  lastStatus: string;
  /** Found in the list: no E_CALL_TRANSFER will come. */
  unmatched: boolean;
  /** The page of `dlg_list` that is being read. */
  page: { index: number; counter: number };
  pause: number;
  lookPause: number;
  /** The answer was lost, and it was asked once more: OpenSIPS transfers a dialog once, so that does no harm. */
  again: boolean;
  /** How often no adapter was there to take it. */
  tries: number;
  /** Nobody wants it any more: it is asked for no more, only what may come of it is looked for. */
  abandoned: boolean;
  /** The last search was in vain once: a dialog that ended meanwhile may have moved the pages. */
  vain: boolean;
  /** Events may have been missed. */
  doubt: boolean;
  /** The deadline has passed; one last search decides. */
  last: boolean;
}

/** What a step brought, for the command to tell its client. */
export type Progress =
  | { readonly type: 'accepted' }
  | { readonly type: 'begun'; readonly callid: string; readonly destination: string }
  | {
      readonly type: 'pending';
      readonly callid: string;
      readonly destination: string;
      readonly status: string;
    }
  | { readonly type: 'answered'; readonly callid: string; readonly destination: string }
  | { readonly type: 'failed'; readonly failure: Failure };
