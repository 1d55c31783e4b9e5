/**
 * The params and results of the MI commands of OpenSIPS that are used here. Source: https://docs.opensips.org, modules `tm`,
 * `dialog` and `callops`, and the event interface of the core.
 * @module
 */
import * as z from 'zod';
import { DIAGNOSTIC_MI_COMMANDS } from './diagnostics.ts';
import { Address, MAX_CALLID_LENGTH, StatusText } from './stored-text.ts';

/** A SIP status line in MI results and events, such as `486 Busy Here`. */
export const StatusLine = z
  .string()
  .regex(/^\d{3}( .*)?$/s, 'is not a SIP status line.')
  .pipe(StatusText);

/** The result of `t_uac_dlg`. It has the final SIP response, which may be an error. */
export const UacResult = z.object({
  Status: StatusLine,
  /** The contact of the phone that has answered: the target of in-dialog requests. */
  RURI: Address.optional(),
  'Next-hop': z.string().optional(),
  Routes: z.array(z.string()).optional(),
  Message: z.string().optional(),
});
export type UacResult = z.infer<typeof UacResult>;

/** The called side of a dialog in `dlg_list`. */
const DialogCallee = z.object({ callee_tag: z.string().nullish(), callee_contact: Address.nullish() });

/** A dialog in `dlg_list`. Other fields, such as the SDP, are dropped. */
export const Dialog = z.object({
  ID: z.string(),
  state: z.number().int(),
  /** When the call was answered, in Unix seconds; 0 until then. */
  timestart: z.number().int(),
  callid: z.string().transform((text) => text.slice(0, MAX_CALLID_LENGTH)),
  from_uri: Address,
  to_uri: Address,
  caller_contact: Address.nullish(),
  CALLEES: z.array(DialogCallee).nullish(),
});
export type Dialog = z.infer<typeof Dialog>;

/**
 * Returns the contact of the called phone; undefined before it is known. A call to several phones lists those that only rang first,
 * without a contact.
 */
export function calleeContact({ CALLEES: callees }: Dialog): string | undefined {
  return callees?.find(({ callee_contact: contact }) => contact)?.callee_contact ?? undefined;
}

/** The result of `dlg_list` with `callid`. */
export const DialogResult = z.object({ Dialog });

/** The result of `dlg_list` without `callid`: all dialogs or a page of them. */
export const DialogsResult = z.object({ count: z.number().int().optional(), Dialogs: z.array(Dialog) });

export const UptimeResult = z.object({ Now: z.string(), 'Up since': z.string(), 'Up time': z.string() });
export const VersionResult = z.object({ Server: z.string() });

/**
 * The params of each MI command that the edge may send. OpenSIPS matches params by their names and number, so it rejects
 * an extra one: optional params must be omitted, not null.
 */
export const MiParams = {
  /** Without `body`: the adapter adds it, so that the edge neither sends nor stores SDP. */
  t_uac_dlg: z.strictObject({
    method: z.literal('INVITE'),
    ruri: z.string(),
    next_hop: z.string(),
    headers: z.string(),
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
  /** `leg` needs OpenSIPS 4.0. */
  call_hold: z.strictObject({ callid: z.string(), leg: z.string().exactOptional() }),
  call_unhold: z.strictObject({ callid: z.string(), leg: z.string().exactOptional() }),
  dlg_end_dlg: z.strictObject({ dialog_id: z.string() }),
  dlg_list: z.union([
    z.strictObject({ callid: z.string() }),
    z.strictObject({ index: z.number().int().min(0), counter: z.number().int().min(1) }),
  ]),
} as const;

export type MiMethod = keyof typeof MiParams;

/** An MI command with its params. */
export type MiCommand = {
  [M in MiMethod]: { readonly method: M; readonly params: Readonly<z.infer<(typeof MiParams)[M]>> };
}[MiMethod];

/** The only MI commands that an adapter runs by default. MI has no authentication, and `kill` is an MI command. */
export const ALLOWED_MI_COMMANDS: readonly string[] = [...Object.keys(MiParams), ...DIAGNOSTIC_MI_COMMANDS];

/** Longer messages of errors are cut off, because they are stored and sent. Those of OpenSIPS have under 100 characters. */
const MAX_ERROR_MESSAGE_LENGTH = 1_000;

/** An MI error. Its code is one of JSON-RPC or positive and similar to a SIP status. */
export const MiError = z.object({
  code: z.number().int(),
  message: z.string().transform((text) => text.slice(0, MAX_ERROR_MESSAGE_LENGTH)),
  data: z.unknown().optional(),
});
export type MiError = z.infer<typeof MiError>;

/** The error code for a dialog that OpenSIPS does not know. Other errors of `dlg_list` say nothing about the call. */
export const NOT_FOUND = 404;
