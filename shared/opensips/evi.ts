/**
 * The events of OpenSIPS's event interface (EVI) that are used here, as recorded from 3.6 and 4.0. They have no number and
 * no time, and are never sent again.
 * @module
 */
import * as z from 'zod';
import { Address, DialogId, KnownCallId, StatusText } from './stored-text.ts';

/** The states of a dialog in E_DLG_STATE_CHANGED and `dlg_list` (dialog module, `dlg_hash.h`). */
export const dialogState = {
  unconfirmed: 1,
  /** A provisional response has arrived: the phone rings, and the INVITE can be canceled. */
  ringing: 2,
  answered: 3,
  /** The ACK has arrived: in-dialog requests such as REFER are safe. */
  acknowledged: 4,
  ended: 5,
} as const;

/** A party of a dialog. E_CALL_TRANSFER has an invalid `leg` in state `start` (OpenSIPS 3.6.8), so that one is never read. */
export type Leg = 'caller' | 'callee';

export const TransferEvent = z.object({
  name: z.literal('E_CALL_TRANSFER'),
  params: z.object({
    /** The transferred dialog. */
    callid: KnownCallId,
    /** The new dialog. Can be empty in state `notify`. */
    transfer_callid: KnownCallId,
    destination: Address,
    /** `start`, `notify`, `ok` or `fail`. Others are ignored. */
    state: z.string(),
    status: StatusText,
  }),
});
export type TransferEvent = z.infer<typeof TransferEvent>;

export const HoldEvent = z.object({
  name: z.literal('E_CALL_HOLD'),
  params: z.object({ callid: KnownCallId, leg: z.string(), action: z.string(), state: z.string() }),
});

export const DialogEvent = z.object({
  name: z.literal('E_DLG_STATE_CHANGED'),
  params: z.object({
    id: DialogId,
    callid: KnownCallId,
    /** Absent until the called side has sent a response with a tag: a call that the script refuses has none. */
    to_tag: z.string().nullish(),
    old_state: z.coerce.number().int(),
    new_state: z.coerce.number().int(),
  }),
});

/** The script has refused an INVITE. Raised by `docs/opensips.cfg`; other scripts may not have it. */
export const RefusedEvent = z.object({
  name: z.literal('E_CALL_REFUSED'),
  params: z.object({
    callid: KnownCallId,
    /** The parameter `osid` of the request URI: the id of the dialog whose transfer has made the call. Empty without one. */
    osid: z.string(),
    /** The SIP status line: `404 Not Found`. */
    status: StatusText,
  }),
});

/** A party has hung up. Raised by `docs/opensips.cfg`; other scripts may not have it. */
export const ByeEvent = z.object({
  name: z.literal('E_CALL_BYE'),
  params: z.object({ callid: KnownCallId, leg: z.string() }),
});

export const EviEvent = z.discriminatedUnion('name', [
  TransferEvent,
  HoldEvent,
  DialogEvent,
  RefusedEvent,
  ByeEvent,
]);
export type EviEvent = z.infer<typeof EviEvent>;

/** The events to which an adapter subscribes. */
export const EVENT_NAMES = ['E_CALL_TRANSFER', 'E_CALL_HOLD', 'E_DLG_STATE_CHANGED'] as const;

/** Events of the example script. An adapter subscribes to them if OpenSIPS has them. */
export const SCRIPT_EVENT_NAMES = ['E_CALL_REFUSED', 'E_CALL_BYE'] as const;
