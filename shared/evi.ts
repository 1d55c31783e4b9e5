/**
 * The events of OpenSIPS's event interface (EVI) in use, as recorded from 3.6 and 4.0. They carry no number
 * and no time, and are never sent again.
 * @module
 */
import * as z from 'zod';

/** States of a dialog in E_DLG_STATE_CHANGED and `dlg_list` (dialog module, `dlg_hash.h`). */
export const dialogState = {
  unconfirmed: 1,
  /** A provisional response came: it rings, and can be cancelled. */
  ringing: 2,
  answered: 3,
  /** The ACK is through: in-dialog requests such as REFER are safe. */
  acknowledged: 4,
  ended: 5,
} as const;

/** A party of a dialog. In `start` of E_CALL_TRANSFER it is garbage (OpenSIPS 3.6.8), so it is read nowhere. */
export type Leg = 'caller' | 'callee';

export const TransferEvent = z.object({
  name: z.literal('E_CALL_TRANSFER'),
  params: z.object({
    /** The dialog that is transferred. */
    callid: z.string(),
    /** The new one. Can be empty in `notify`. */
    transfer_callid: z.string(),
    destination: z.string(),
    /** `start`, `notify`, `ok` or `fail`; others are ignored. */
    state: z.string(),
    status: z.string(),
  }),
});

export const HoldEvent = z.object({
  name: z.literal('E_CALL_HOLD'),
  params: z.object({ callid: z.string(), leg: z.string(), action: z.string(), state: z.string() }),
});

export const DialogEvent = z.object({
  name: z.literal('E_DLG_STATE_CHANGED'),
  params: z.object({
    id: z.string(),
    callid: z.string(),
    old_state: z.coerce.number().int(),
    new_state: z.coerce.number().int(),
  }),
});

export const EviEvent = z.discriminatedUnion('name', [TransferEvent, HoldEvent, DialogEvent]);
export type EviEvent = z.infer<typeof EviEvent>;

/** What an adapter subscribes to. */
export const EVENT_NAMES = ['E_CALL_TRANSFER', 'E_CALL_HOLD', 'E_DLG_STATE_CHANGED'] as const;
