/**
 * The MI commands of OpenSIPS in use, with what they take and answer: https://docs.opensips.org, modules
 * `tm`, `dialog`, `callops` and the core's event interface.
 * @module
 */
import * as z from 'zod';
import { DIAGNOSTIC_MI } from './diagnosis.ts';

/** A SIP-like status line, as MI results and events carry it: `486 Busy Here`. */
export const StatusLine = z.string().regex(/^\d{3}( .*)?$/s, 'not a status line');

/** `t_uac_dlg` answers once, with the final SIP response; a refusal is a result too. */
export const UacResult = z.object({
  Status: StatusLine,
  /** The answering phone's contact: where in-dialog requests go. */
  RURI: z.string().optional(),
  'Next-hop': z.string().optional(),
  Routes: z.array(z.string()).optional(),
  Message: z.string().optional(),
});
export type UacResult = z.infer<typeof UacResult>;

/** A leg's answering side in `dlg_list`. */
const Callee = z.object({ callee_tag: z.string().nullish(), callee_contact: z.string().nullish() });

/** A dialog as `dlg_list` shows it; the SDP is left where it is. */
export const Dialog = z.object({
  ID: z.string(),
  state: z.number().int(),
  /** Unix time in seconds of the answer; 0 until then. */
  timestart: z.number().int(),
  callid: z.string(),
  from_uri: z.string(),
  to_uri: z.string(),
  caller_contact: z.string().nullish(),
  CALLEES: z.array(Callee).nullish(),
});
export type Dialog = z.infer<typeof Dialog>;

/** `dlg_list` with `callid`. */
export const DialogResult = z.object({ Dialog });
/** `dlg_list` of all, or a page of it. */
export const DialogsResult = z.object({ count: z.number().int().optional(), Dialogs: z.array(Dialog) });

export const UptimeResult = z.object({ Now: z.string(), 'Up since': z.string(), 'Up time': z.string() });
export const VersionResult = z.object({ Server: z.string() });
/**
 * Params of each MI command that the edge may ask for. OpenSIPS matches params by name and number, so an
 * extra one is refused there: nothing optional is ever sent as null.
 */
export const MiParams = {
  t_uac_dlg: z.strictObject({
    method: z.literal('INVITE'),
    ruri: z.string(),
    next_hop: z.string(),
    headers: z.string(),
    body: z.string(),
  }),
  call_transfer: z.union([
    z.strictObject({ callid: z.string(), leg: z.string(), destination: z.string() }),
    z.strictObject({
      callid: z.string(),
      leg: z.string(),
      transfer_callid: z.string(),
      transfer_leg: z.string(),
      destination: z.string().exactOptional(),
    }),
  ]),
  /** `leg` from OpenSIPS 4.0 on. */
  call_hold: z.strictObject({ callid: z.string(), leg: z.string().exactOptional() }),
  call_unhold: z.strictObject({ callid: z.string(), leg: z.string().exactOptional() }),
  dlg_end_dlg: z.strictObject({ dialog_id: z.string() }),
  dlg_list: z.union([
    z.strictObject({ callid: z.string() }),
    z.strictObject({ index: z.number().int().min(0), counter: z.number().int().min(1) }),
  ]),
} as const;

export type MiMethod = keyof typeof MiParams;

/** One MI command with its params. */
export type MiCommand = {
  [M in MiMethod]: { readonly method: M; readonly params: Readonly<z.infer<(typeof MiParams)[M]>> };
}[MiMethod];

/** What an adapter runs unless it is told otherwise. MI has no authentication, and `kill` is an MI command. */
export const ALLOWED_MI: readonly string[] = [...Object.keys(MiParams), ...DIAGNOSTIC_MI];

/** Characters of an error's message that are kept: it is stored and told, and OpenSIPS's own are under a hundred. */
const MESSAGE_LENGTH = 1_000;

/** An MI error: JSON-RPC's own codes, or positive and SIP-like ones. */
export const MiError = z.object({
  code: z.number().int(),
  message: z.string().transform((text) => text.slice(0, MESSAGE_LENGTH)),
  data: z.unknown().optional(),
});
export type MiError = z.infer<typeof MiError>;

/** OpenSIPS knows no such dialog. Any other refusal of `dlg_list` says nothing of the call. */
export const NOT_FOUND = 404;
