/** What the edge says over HTTP. @module */
import { isFields } from '../../frames.ts';

/** Who we are here: `GET /v1/me`. */
export interface Me {
  readonly tenant: string;
  readonly site: string;
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly caller?: string;
  readonly expires?: string;
}

/** Who we are; a sentence where we may not come in. Rejects where nobody answers. */
export async function whoAmI(token: string | undefined): Promise<Me | string> {
  const response = await fetch('/v1/me', { headers: bearer(token) });
  const body: unknown = await response.json();
  if (isMe(body)) return body;
  const detail = isFields(body) && typeof body['detail'] === 'string' ? body['detail'] : response.statusText;
  // What passes by itself is no answer to the question.
  if (response.status >= 500) throw new Error(detail);
  return detail;
}

function bearer(token: string | undefined): HeadersInit {
  return token === undefined ? {} : { Authorization: `Bearer ${token}` };
}

function isMe(value: unknown): value is Me {
  return isFields(value) && typeof value['tenant'] === 'string' && Array.isArray(value['scopes']);
}
