/** Converts between SIP URIs and the addresses that people read and type. Pure. @module */

/** Returns `alice@example.com` for `sip:alice@example.com:5060;transport=tcp`. */
export function shortAddress(uri: string | null): string {
  if (uri === null) return 'Unknown';
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

/** Longer values are cut. */
const MAX_QUOTED_CHARACTERS = 64;

/** Returns what is wrong with a typed address; empty if nothing is. Catches most mistakes; the edge validates it fully. */
export function addressError(typed: string): string {
  const uri = toSipUri(typed);
  if (uri === '') return 'Enter a SIP address, such as bob@example.com.';
  if (/^sips?:[^\s@]+@[^\s@]+$/i.test(uri)) return '';
  return `${JSON.stringify(typed.slice(0, MAX_QUOTED_CHARACTERS))} is not a SIP address. Enter user@host, such as bob@example.com.`;
}
