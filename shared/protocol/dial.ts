/**
 * How the edge dials an adapter that listens: what each of them proves to the other before the first message of the link. Pure.
 * @module
 */
import * as z from 'zod';
import { AdapterMessage, Hello, InDialogMessage, MiRequest, Welcome } from './link.ts';

/** The JWT with which the edge dials. */
export const DIAL_TOKEN = {
  algorithm: 'EdDSA',
  issuer: 'call-api',
  /** A type of its own, so that no other kind of JWT is accepted (RFC 8725 §3.11). */
  type: 'call-api-dial+jwt',
  /** Between `iat` and `exp`, in seconds. */
  lifetimeS: 60,
} as const;

/** The header of the adapter's answer: the id of its key, a dot, and the HMAC in base64url. */
export const PROOF_HEADER = 'x-call-api-proof';

/** The id, in a proof, of the key of the open `demo` tenant, which has no parts. */
export const DEMO_KEY_ID = 'demo-adapter';

/** Returns what the adapter signs with HMAC-SHA256, to show that it has the key of the site. */
export function proofMessage(audience: string, nonce: string): string {
  return `call-api adapter proof\n${audience}\n${nonce}`;
}

/** The longest body of a knock, in characters. */
export const MAX_KNOCK_LENGTH = 512 * 1024;

/** `POST /adapter/knock`: an adapter without a link has messages for the edge. */
export const Knock = z.object({
  hello: Hello,
  /** The numbered messages from `hello.base` on, in order. */
  messages: z.array(AdapterMessage),
});
export type Knock = z.infer<typeof Knock>;

/** The answer to a knock. The messages up to `welcome.applied` are stored. */
export const KnockAnswer = z.object({
  welcome: Welcome,
  /** What waits for this adapter. It may be sent again on a link: each runs at most once. */
  requests: z.array(z.discriminatedUnion('type', [MiRequest, InDialogMessage])),
  /** Whether the edge is about to dial. */
  dials: z.boolean(),
});
export type KnockAnswer = z.infer<typeof KnockAnswer>;
