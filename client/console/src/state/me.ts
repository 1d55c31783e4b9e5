/** Requests `GET /v1/me`: who the token belongs to, and what it allows. @module */
import { isJsonObject } from '../../../connection/messages.ts';

/** The response of `GET /v1/me`. */
export interface Me {
  readonly tenant: string;
  readonly site: string;
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly caller?: string;
  readonly expires?: string;
}

/** As long as a socket may take to open. */
const TIMEOUT_MS = 10_000;

/**
 * Returns who the token belongs to, or the reason why it is rejected. Rejects if the edge does not answer within 10 s, or says
 * nothing about the token.
 */
export async function fetchMe(token: string | undefined): Promise<Me | string> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const response = await fetch('/v1/me', { headers: authorizationHeader(token), signal });
  const body: unknown = await response.json();
  if (isMe(body)) return body;
  if (response.status === 401)
    return 'This token is invalid, expired or revoked. Get a new one from your application’s back end.';
  if (response.status === 400)
    return 'This API key is valid for several sites. Sign in with a token or an API key for one site.';
  const detail =
    isJsonObject(body) && typeof body['detail'] === 'string' ? body['detail'] : response.statusText;
  // A rate limit or a server error is temporary and does not concern the token.
  if (response.status === 429 || response.status >= 500) throw new Error(detail);
  return `Sign-in failed. ${detail}`;
}

export function authorizationHeader(token: string | undefined): HeadersInit {
  return token === undefined ? {} : { Authorization: `Bearer ${token}` };
}

function isMe(value: unknown): value is Me {
  return isJsonObject(value) && typeof value['tenant'] === 'string' && Array.isArray(value['scopes']);
}
