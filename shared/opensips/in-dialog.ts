/**
 * Requests within a dialog. The edge says what a phone is to do; the adapter builds the SIP request and sends it with the MI
 * command `dlg_send_sequential`. The edge has no access to that command itself, which could send any request within any call.
 * OpenSIPS replies when the phone has answered.
 * @module
 */
import * as z from 'zod';
import { StatusLine } from './mi.ts';

const Leg = z.enum(['caller', 'callee']);

/** The params of each request. `callid` and `leg` name the party that receives it. */
export const InDialogParams = {
  /**
   * Sends REFER (RFC 3515). `destination` is a SIP URI. With `replaced_callid` and `replaced_leg` the phone is to take the place of the
   * other party in that call (RFC 3891): `replaced_leg` is the party it is then connected with.
   */
  refer: z.strictObject({
    callid: z.string(),
    leg: Leg,
    /** Empty in an attended transfer: the address of `replaced_leg` in its call. */
    destination: z.string(),
    replaced_callid: z.string().exactOptional(),
    replaced_leg: Leg.exactOptional(),
  }),
  /** Sends a re-INVITE with the other party's SDP: with `hold` nothing is sent to the phone's speaker, `resume` restores the original. */
  hold: z.strictObject({ callid: z.string(), leg: Leg, direction: z.enum(['hold', 'resume']) }),
  /** Sends OPTIONS (RFC 3261 §11): whether the phone is still there. */
  probe: z.strictObject({ callid: z.string(), leg: Leg }),
} as const;

export type InDialogMethod = keyof typeof InDialogParams;

/** A request within a dialog, with its params. */
export type InDialogRequest = {
  [M in InDialogMethod]: {
    readonly method: M;
    readonly params: Readonly<z.infer<(typeof InDialogParams)[M]>>;
  };
}[InDialogMethod];

/**
 * The reply: the phone's final response, which may be a refusal. `408 Request Timeout` means that the phone has not answered within
 * `fr_timeout`. There is an MI error instead if nothing was sent: 404 for an unknown dialog, 410 for one that is not answered yet.
 */
export const InDialogResult = z.object({
  status: StatusLine,
  /** The dialog's `ID`, which the new call of a transfer has in its `osid`. */
  dialog_id: z.string().optional(),
  /** The contact of the phone that received the request. */
  contact: z.string().nullish(),
  /** The destination in Refer-To, without `osid` and Replaces. */
  destination: z.string().optional(),
});
export type InDialogResult = z.infer<typeof InDialogResult>;

/** Which requests an adapter can send, as it tells the edge. */
export const InDialogSupport = z.object({
  refer: z.boolean().meta({ description: 'whether transfers are sent as REFER within the dialog' }),
  hold: z.boolean().meta({ description: 'whether hold and resume are sent as re-INVITE within the dialog' }),
  timeout_ms: z.number().int().min(1).meta({
    description: 'how long OpenSIPS waits for a phone: `fr_timeout` of its tm module, in milliseconds',
  }),
});
export type InDialogSupport = z.infer<typeof InDialogSupport>;

/** Returns whether a method is a request within a dialog; the others are MI commands. */
export function isInDialogMethod(method: string): method is InDialogMethod {
  return Object.hasOwn(InDialogParams, method);
}
