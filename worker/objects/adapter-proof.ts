/** How an adapter that was dialed proves that it has a key: see `shared/protocol/dial.ts`. @module */
import { proofMessage } from '../../shared/protocol/dial.ts';
import { toBase64Url } from './base64-url.ts';

/** What an adapter has sent as its proof. */
export interface AdapterProof {
  readonly keyId: string;
  /** Base64url. */
  readonly mac: string;
}

/** What a proof must cover. */
export interface Challenge {
  readonly audience: string;
  /** The nonce of the edge's token. */
  readonly jti: string;
}

/** Parses the header with the proof; undefined where it is malformed. */
export function parseProof(header: string | null): AdapterProof | undefined {
  const [, keyId, mac] = /^([a-z0-9-]{1,32})\.([A-Za-z0-9_-]{43})$/.exec(header ?? '') ?? [];
  return keyId === undefined || mac === undefined ? undefined : { keyId, mac };
}

/** Returns the MAC that proves to have a key. @param secretHash what is stored of its secret */
export async function computeProof(secretHash: string, { audience, jti }: Challenge): Promise<string> {
  const encoder = new TextEncoder();
  const hmac = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', encoder.encode(secretHash), hmac, false, ['sign']);
  const mac = await crypto.subtle.sign('HMAC', key, encoder.encode(proofMessage(audience, jti)));
  return toBase64Url(new Uint8Array(mac));
}
