/** Creates a token for a user's browser with an API key, which never leaves the back end: docs/protocol.md. @module */

import type { Method } from '../api/command-types.ts';

export interface TokenOptions {
  /** The address of the edge, such as `https://calls.example.com`. */
  readonly url: string;
  /** An API key with the scope `tokens`. */
  readonly apiKey: string;
  /** The user that the token is for: 1 to 128 printable ASCII characters. */
  readonly subject: string;
  /** Required unless the key is for one site. */
  readonly site?: string;
  /** What the user may do. Default: all scopes of the key except `tokens` and `manage`. */
  readonly scopes?: readonly (Method | 'read')[];
  /** The only SIP URI that may dial. The token then sees and controls its own calls only. */
  readonly caller?: string;
  /** Seconds until the token expires: 60 to 86,400. Default: 3,600. */
  readonly expiresIn?: number;
  readonly signal?: AbortSignal;
  /** Default: the global `fetch`. */
  readonly fetch?: typeof fetch;
}

export interface ClientToken {
  readonly token: string;
  /** When it expires: ISO 8601, UTC. */
  readonly expires: string;
  readonly tenant: string;
  readonly site: string;
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly caller?: string;
}

/** The edge has created no token. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
  /** The HTTP status. */
  readonly status: number;
  /** Seconds after which a repetition may succeed; undefined if it would not. */
  readonly retryAfter: number | undefined;

  constructor(message: string, status: number, retryAfter: number | undefined) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

/**
 * Returns a new token. Rejects with a {@link TokenError} if the edge refuses, and with the error of `fetch` if it cannot be reached.
 */
export async function createToken({
  url,
  apiKey,
  subject,
  site,
  scopes,
  caller,
  expiresIn,
  signal,
  fetch = globalThis.fetch,
}: TokenOptions): Promise<ClientToken> {
  // `JSON.stringify` leaves out what is undefined.
  const body = JSON.stringify({ subject, site, scopes, caller, expires_in: expiresIn });
  const response = await fetch(new URL('/v1/tokens', url), {
    method: 'POST',
    headers: { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' },
    body,
    ...(signal ? { signal } : {}),
  });
  if (response.ok) return (await response.json()) as ClientToken;
  const retryAfter = Number(response.headers.get('Retry-After') ?? Number.NaN);
  throw new TokenError(
    await reasonOf(response),
    response.status,
    Number.isFinite(retryAfter) ? retryAfter : undefined,
  );
}

/** Returns the `detail` of a problem document (RFC 9457). */
async function reasonOf(response: Response): Promise<string> {
  const text = await response.text();
  try {
    const { detail } = JSON.parse(text) as { readonly detail?: unknown };
    if (typeof detail === 'string') return detail;
  } catch {
    // A proxy has answered.
  }
  return `url: the server has answered with status ${response.status}, and is no edge or not ready. Use the address of the edge.`;
}
