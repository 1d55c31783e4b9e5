/**
 * The header Refer-To of a transfer (RFC 3515 §2.1), as OpenSIPS's module callops writes it
 * (`call_get_blind_refer_to` and `call_get_attended_refer_to` in `callops.c`), so that it recognizes the new call. Pure.
 * @module
 */
import type { FullDialog } from './dialog.ts';

/** How callops recognizes the new call of a transfer: its parameters `mode` and `match_param`. */
export interface Matching {
  /** `param`: by the dialog's id, `callid`: by its Call-ID, `manual`: by the script. */
  readonly mode: 'param' | 'callid' | 'manual';
  /** The name of the URI parameter. */
  readonly param: string;
}

/** The dialog whose party the phone is to be connected with, in the place of the other party (RFC 3891). */
export interface ReplacedDialog {
  readonly callid: string;
  readonly fromTag: string;
  readonly toTag: string;
}

/**
 * What may stand between `<` and `>`: printable ASCII without what ends the URI or the header, and without `?`, which begins
 * the URI's headers. RFC 3261 allows `?` in a user part, but phones disagree on it.
 */
const ADDRESS = /^(?:sips?|tel):[!#-;=@-[\]-~]+$/i;
/** A parameter's value: `paramchar` of RFC 3261 §25.1 and `@`, which stands in most Call-IDs. callops escapes nothing here. */
const PARAM_VALUE = /^[A-Za-z0-9\-_.!~*'()[\]/:&+$%@]+$/;
/** What is escaped in a header of a URI: what callops escapes (`is_username_char`), and `& , ; = ?` (RFC 3261 §25.1, `hvalue`). */
const HEADER_VALUE_RESERVED = /[^A-Za-z0-9\-_.!~*'()+$/]/g;
const PRINTABLE = /^[\x21-\x7e]+$/;

/**
 * Returns the destination without the parameter by which callops recognizes a call: an address that comes from a dialog may
 * have that of an earlier transfer, and only the first one counts. Returns undefined if it cannot be written into Refer-To.
 */
export function referDestination(address: string, { param }: Matching): string | undefined {
  const name = param.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const destination = address.replace(new RegExp(`;${name}(?:=[^;?]*)?(?=[;?]|$)`, 'gi'), '');
  return ADDRESS.test(destination) ? destination : undefined;
}

/**
 * Returns the header with its line end; undefined if a part of it cannot be written into a header.
 * @param destination as {@link referDestination} returns it
 * @param dialog the dialog that is transferred
 */
export function referToHeader(
  destination: string,
  { ID: id, callid }: Pick<FullDialog, 'ID' | 'callid'>,
  { mode, param }: Matching,
  replaced?: ReplacedDialog,
): string | undefined {
  if (!ADDRESS.test(destination)) return undefined;
  const match = { param: id, callid, manual: undefined }[mode];
  if (match !== undefined && !PARAM_VALUE.test(match)) return undefined;
  const matchParam = match === undefined ? '' : `;${param}=${match}`;
  const replaces = replaced === undefined ? '' : replacesOf(replaced);
  return replaces === undefined ? undefined : `Refer-To: <${destination}${matchParam}${replaces}>\r\n`;
}

function replacesOf({ callid, toTag, fromTag }: ReplacedDialog): string | undefined {
  if (![callid, toTag, fromTag].every((part) => PRINTABLE.test(part))) return undefined;
  return `?Replaces=${escapeHeaderValue(callid)}%3Bto-tag%3D${escapeHeaderValue(toTag)}%3Bfrom-tag%3D${escapeHeaderValue(fromTag)}`;
}

/**
 * Escapes a value for the header of a URI. callops leaves `& , ; = ?` as they are, which would end the value for the phone;
 * the value that the phone reads is otherwise the same.
 */
function escapeHeaderValue(value: string): string {
  return value.replace(
    HEADER_VALUE_RESERVED,
    (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
