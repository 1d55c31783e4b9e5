/** `GET /.well-known/jwks.json`: the keys with which adapters verify that this edge dials them. @module */
import { loadDialKeys } from '../auth/dial-keys.ts';

/** How long the keys may be cached, in seconds: a new secret signs at once, so it should not be longer than people wait. */
const MAX_AGE_S = 300;

export async function respondWithKeys(env: Env): Promise<Response> {
  const keys = (await loadDialKeys(env)).map(({ publicJwk }) => publicJwk);
  return Response.json({ keys }, { headers: { 'Cache-Control': `public, max-age=${MAX_AGE_S}` } });
}
