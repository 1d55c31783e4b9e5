/**
 * How the edge and an adapter that listens prove who they are when the edge dials. The edge sends a signed token; the adapter answers
 * with a MAC that only the site's key can make. Then the link protocol runs as on a socket that the adapter has opened.
 * @module
 */
import * as z from 'zod';
import { EventMessage, GapMessage, Hello, InDialogMessage, MiRequest, Reply, Welcome } from './link.ts';

/** The token of the edge: a JWT of a type of its own, so that no other kind is accepted (RFC 8725 §3.11). */
export const DIAL_TOKEN = {
  algorithm: 'EdDSA',
  type: 'call-api-dial+jwt',
  issuer: 'call-api',
  seconds: 60,
} as const;

/** Where the edge publishes the keys that verify its tokens (RFC 7517). */
export const JWKS_PATH = '/.well-known/jwks.json';

/** Where an adapter that listens asks to be dialed. */
export const KNOCK_PATH = '/adapter/knock';

/** The header of the adapter's response: `<key id>.<base64url MAC>`. */
export const PROOF_HEADER = 'x-call-api-proof';

/** How the demo tenant's key is called, which has no id. */
export const DEMO_KEY_ID = 'demo-adapter';

/**
 * Returns what the adapter's MAC covers. Its key is the SHA-256 of the key's secret, in lower-case hex, as UTF-8.
 * @param audience that of the edge's token: the origin of the URL that is dialed
 * @param jti the nonce of the edge's token
 */
export function proofMessage(audience: string, jti: string): string {
  return `call-api adapter proof\n${audience}\n${jti}`;
}

/** What health shows of a site whose adapter is dialed. */
export const DialHealth = z
  .object({
    host: z.string().meta({
      description: 'host and port of the URL that the edge dials; of several, with commas between them',
    }),
    state: z.enum(['idle', 'dialing', 'open']).meta({
      description: '`idle`: no link is needed; `dialing`: one is needed, and not open yet',
    }),
    failure: z.string().optional().meta({ description: 'why the last attempt failed; absent if it did not' }),
  })
  .meta({ description: 'how the edge dials the adapter; absent if the adapter connects to the edge' });
export type DialHealth = z.infer<typeof DialHealth>;

/** The longest body of a knock, in characters: that of a frame. */
export const MAX_KNOCK_LENGTH = 512 * 1024;

/** An adapter that nobody has dialed delivers what has happened, and asks to be dialed. */
export const Knock = z.strictObject({
  hello: Hello,
  messages: z.array(z.union([Reply, EventMessage, GapMessage])).meta({
    description: 'the numbered messages without acknowledgment, in order',
  }),
});
export type Knock = z.infer<typeof Knock>;

/** The answer to a knock. */
export const KnockAnswer = z.object({
  welcome: Welcome.meta({ description: '`applied` covers the messages of the knock' }),
  requests: z.array(z.discriminatedUnion('type', [MiRequest, InDialogMessage])).meta({
    description:
      'requests that have waited for this adapter. They may be sent again on a socket, and run at most once',
  }),
  dials: z.boolean().meta({ description: 'whether the edge is about to dial' }),
});
export type KnockAnswer = z.infer<typeof KnockAnswer>;
