/** Converts between SIP URIs and the addresses that people read and type. Pure. @module */

/** Returns `alice@example.com` for `sip:alice@example.com:5060;transport=tcp`. */
export function shortAddress(uri: string | null): string {
  if (uri === null) return 'unknown';
  const match = /^sips?:([^;?]*)/i.exec(uri);
  return (match?.[1] ?? uri).replace(/:\d+$/, '');
}

/** Returns the user part, such as `alice`, or the host if there is no user. */
export function displayName(uri: string | null): string {
  const [name = ''] = shortAddress(uri).split('@');
  return name;
}

/** Returns the SIP URI of a typed address, whose scheme may be missing. */
export function toSipUri(typed: string): string {
  const text = typed.trim();
  return text === '' || /^sips?:/i.test(text) ? text : `sip:${text}`;
}

/** Whether a typed address is likely to be valid. Catches most mistakes early; the edge validates it fully. */
export function isDialable(typed: string): boolean {
  return /^sips?:[^\s@]+@[^\s@]+$/i.test(toSipUri(typed));
}
