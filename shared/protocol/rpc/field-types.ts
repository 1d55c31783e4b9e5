/**
 * Types of fields that params, results and notifications have in common. The descriptions in `.meta()` appear in every
 * generated document; `x-added` marks what OpenSIPS's own Call API does not have.
 * @module
 */
import * as z from 'zod';
import { MAX_URI_LENGTH, parseSipUri } from '../../sip/sip-uri.ts';

/** Marks a method or a param that OpenSIPS's own Call API does not have. Clients need not know it. */
export const ADDED = { 'x-added': true } as const;

/** A SIP URI that can be dialed. The pattern is for documents; validation parses the URI. */
export const SipUri = z
  .string()
  .superRefine((text, context) => {
    const uri = parseSipUri(text);
    if ('error' in uri) context.addIssue({ code: 'custom', message: uri.error });
  })
  .meta({
    description:
      'A SIP URI (RFC 3261 §19.1), without headers (`?…`) and without the parameters `method` and `maddr`',
    pattern: '^[sS][iI][pP][sS]?:[^?]+$',
    maxLength: MAX_URI_LENGTH,
    examples: ['sip:alice@example.com', 'sip:+15550100@10.0.0.11:5060;transport=tcp'],
  });

/**
 * RFC 3261 §25.1: `callid = word ["@" word]`. Because of this, no space, comma or control character reaches MI. Real
 * Call-IDs are well under 256 characters.
 */
export const CallId = z
  .string()
  .max(256)
  .regex(
    /^[A-Za-z0-9\-.!%*_+`'~()<>:\\"/[\]?{}]+(@[A-Za-z0-9\-.!%*_+`'~()<>:\\"/[\]?{}]+)?$/,
    'not a Call-ID',
  )
  .meta({ description: 'The Call-ID of a call', examples: ['5c2572635a67bd58', 'a84b4c76e66710@10.0.0.10'] });

export const LegName = z.enum(['caller', 'callee']).meta({ description: 'A party of a call' });

/** The client's identifier of a command. An empty string counts as none. */
export const CommandId = z
  .string()
  .regex(/^[A-Za-z0-9._~-]{0,64}$/, 'up to 64 of A-Z a-z 0-9 . _ ~ -')
  .meta({
    description:
      'The client’s own identifier of the command. A request that repeats it gets the same response, and the command is not run twice',
    examples: ['b8179f1e-4f6b-4c4e-8d60-0f5f8f4b6f0a'],
  });

/** The largest {@link Metadata}, in bytes of JSON. */
const MAX_METADATA_BYTES = 2_048;

/** Data of the client that is attached to a call and sent with each of its notifications. */
export const Metadata = z
  .record(z.string(), z.unknown())
  .refine(
    (metadata) => utf8Length(JSON.stringify(metadata)) <= MAX_METADATA_BYTES,
    `takes up to ${MAX_METADATA_BYTES} bytes of JSON`,
  )
  .meta({
    description: `An object of the client’s choice, up to ${MAX_METADATA_BYTES.toLocaleString('en')} bytes of JSON. Every notification of the command and of its calls contains it`,
    examples: [{ ticket: 7 }],
    ...ADDED,
  });

/** The site's sequence number of a notification or a change. */
export const Seq = z
  .number()
  .int()
  .min(0)
  .meta({ description: 'sequence number, which increases within the site' });

/** Returns the length of a text in UTF-8 (RFC 3629 §3), in bytes. */
function utf8Length(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const codePoint = character.codePointAt(0) ?? 0;
    bytes += codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;
  }
  return bytes;
}
