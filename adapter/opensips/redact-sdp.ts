/** Removes SDP from the results of MI commands: it describes the media of phones, and never leaves this machine. Pure. @module */

/** The fields of a dialog with SDP: `caller_sdp`, `callee_sent_sdp` and others. */
const SDP_FIELD = /_sdp$/;

/** The SIP response in a result of `t_uac_dlg`. Its body is the SDP of the phone. */
const MESSAGE_FIELD = 'Message';

/** Returns a result without SDP: dialogs without such fields, and SIP messages without a body. */
export function redactSdp(result: unknown): unknown {
  if (Array.isArray(result)) return result.map(redactSdp);
  if (typeof result !== 'object' || result === null) return result;
  const fields = Object.entries(result).filter(([name]) => !SDP_FIELD.test(name));
  return Object.fromEntries(
    fields.map(([name, value]) => [
      name,
      name === MESSAGE_FIELD && typeof value === 'string' ? withoutBody(value) : redactSdp(value),
    ]),
  );
}

/** Cuts a SIP message after the empty line that ends its headers (RFC 3261 §7). */
function withoutBody(message: string): string {
  const end = /\r?\n\r?\n/.exec(message);
  return end === null ? message : message.slice(0, end.index + end[0].length);
}
