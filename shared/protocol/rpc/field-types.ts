/**
 * Types of fields that params, results and notifications have in common. The descriptions in `.meta()` appear in every
 * generated document; `x-added` marks what OpenSIPS's own Call API does not have.
 * @module
 */
import * as z from 'zod';
import { MAX_URI_LENGTH, parseSipUri } from '../../sip/sip-uri.ts';
import { byteLength } from '../byte-length.ts';
import { expectations } from '../validation/expectations.ts';

/** Marks a method or a param that OpenSIPS's own Call API does not have. Clients need not know it. */
export const ADDED = { 'x-added': true } as const;

/** A SIP URI that can be dialed. The pattern is for documents; validation parses the URI. */
export const SipUri = z
  .string()
  .superRefine((text, context) => {
    const uri = parseSipUri(text);
    if ('error' in uri) context.addIssue({ code: 'custom', message: uri.error });
  })
  .register(expectations, { expected: 'a SIP URI such as sip:alice@example.com' })
  .meta({
    description:
      'A SIP URI (RFC 3261 §19.1), without headers (`?…`) and without the parameters `method` and `maddr`',
    pattern: '^[sS][iI][pP][sS]?:[^?]+$',
    maxLength: MAX_URI_LENGTH,
    examples: ['sip:alice@example.com', 'sip:+15550100@10.0.0.11:5060;transport=tcp'],
  });

/**
 * The longest {@link CallId}, in characters. RFC 3261 has no limit: most phones use under 100, some gateways some hundred. What is
 * listed must be addressable, and the longest one still fits into a URL, whose limit is 16 KB.
 */
export const MAX_CALL_ID_LENGTH = 4_096;

/** RFC 3261 §25.1: `callid = word ["@" word]`. Because of this, no space, comma or control character reaches MI. */
export const CallId = z
  .string()
  .max(MAX_CALL_ID_LENGTH)
  .regex(
    /^[A-Za-z0-9\-.!%*_+`'~()<>:\\"/[\]?{}]+(@[A-Za-z0-9\-.!%*_+`'~()<>:\\"/[\]?{}]+)?$/,
    'is not a Call-ID. Use one such as 5c2572635a67bd58.',
  )
  .register(expectations, { expected: 'a Call-ID such as 5c2572635a67bd58' })
  .meta({ description: 'The Call-ID of a call', examples: ['5c2572635a67bd58', 'a84b4c76e66710@10.0.0.10'] });

export const LegName = z.enum(['caller', 'callee']).meta({ description: 'A party of a call' });

/** The characters that need no escape in a URL (RFC 3986 §2.3), for error messages. */
export const UNRESERVED_CHARACTERS = 'letters A-Z a-z, digits, ".", "_", "~" or "-"';

/** The client's identifier of a command. An empty string counts as none. */
export const CommandId = z
  .string()
  .regex(/^[A-Za-z0-9._~-]{0,64}$/)
  .register(expectations, { expected: `up to 64 ${UNRESERVED_CHARACTERS}` })
  .meta({
    description:
      'The client’s own identifier of the command. A request that repeats it gets the same response, and the command is not run twice',
    examples: ['b8179f1e-4f6b-4c4e-8d60-0f5f8f4b6f0a'],
  });

/** The `cmd_id` of an existing command. */
export const RequiredCommandId = CommandId.min(1).register(expectations, {
  expected: `1 to 64 ${UNRESERVED_CHARACTERS}`,
});

/** The largest {@link Metadata}, in bytes of JSON. */
const MAX_METADATA_BYTES = 2_048;

/** Data of the client that is attached to a call and sent with each of its notifications. */
export const Metadata = z
  .record(z.string(), z.unknown())
  .refine(
    (metadata) => byteLength(JSON.stringify(metadata)) <= MAX_METADATA_BYTES,
    `has more than ${MAX_METADATA_BYTES} bytes of JSON. Use a smaller object.`,
  )
  .register(expectations, { expected: 'an object such as {"ticket":7}' })
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
