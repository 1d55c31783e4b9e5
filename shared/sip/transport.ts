/** The transport parameter of SIP URIs (RFC 3261 §19.1.1). @module */

/**
 * Returns a SIP URI with `;transport=`, unless it has one. A `sips:` URI stays as it is, because it implies TLS.
 * @param transport such as `tcp`; without it the URI stays as it is
 */
export function withTransport(uri: string, transport: string | undefined): string {
  if (transport === undefined || !/^sip:/i.test(uri) || /;transport=/i.test(uri)) return uri;
  return `${uri};transport=${transport}`;
}

/** Returns a SIP URI without its transport parameter. */
export function withoutTransport(uri: string): string {
  return uri.replace(/;transport=[^;?>]*/gi, '');
}
