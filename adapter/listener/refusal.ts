/** Why a connection to the listener is refused. The client is never told. @module */

export const REFUSALS = {
  'no-token': 'It has no token of an edge. Only the edge may connect here.',
  'not-http': 'It does not speak HTTP, or its request is too large.',
  'not-tls': 'The TLS handshake failed.',
  'too-slow': 'It has not finished its request in time.',
  'too-many': 'Too many connections wait, so the oldest one was closed.',
  malformed: 'Its token is not a JWT of an edge.',
  signature:
    'Its token is not signed by the edge. Check that --edge (EDGE_URL) is the edge in which the link of the site is set.',
  keys: 'The keys of the edge cannot be read, so no token can be checked. Check --edge (EDGE_URL), the network and the firewall.',
  expired: 'Its token has expired. Check the clock of this machine.',
  future: 'Its token is not valid yet. Check the clock of this machine.',
  audience:
    'Its token is for another URL. Set --public-url (ADAPTER_PUBLIC_URL) to the URL in the link of the site.',
  tenant:
    'Its token is for a site of another tenant. Set --key (ADAPTER_KEY) to an adapter key of the site that dials this adapter.',
  replayed: 'Its token was used before.',
  'too-many-tokens': 'The edge has dialed too often in the last minute.',
} as const;

export type RefusalReason = keyof typeof REFUSALS;

export interface Refusal {
  readonly refused: RefusalReason;
  /** What was found, for the log. It contains nothing that is not signed by the edge. */
  readonly detail?: string;
}
