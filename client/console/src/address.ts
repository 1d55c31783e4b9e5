/** SIP addresses as people read them. Pure. @module */

/** `alice@example.com` of `sip:alice@example.com:5060;transport=tcp`. */
export function shortAddress(uri: string | null): string {
  if (uri === null) return 'unknown';
  const match = /^sips?:([^;?]*)/i.exec(uri);
  return (match?.[1] ?? uri).replace(/:\d+$/, '');
}

/** `alice`, or the host where there is no user. */
export function nameOf(uri: string | null): string {
  const [name = ''] = shortAddress(uri).split('@');
  return name;
}

/** What somebody has typed, as a SIP URI: the scheme may be left out. */
export function asUri(typed: string): string {
  const text = typed.trim();
  return text === '' || /^sips?:/i.test(text) ? text : `sip:${text}`;
}

/** A first look, so that most mistakes are told before they are sent; the edge checks in full. */
export function looksDialable(typed: string): boolean {
  return /^sips?:[^\s@]+@[^\s@]+$/i.test(asUri(typed));
}
