/** `POST /v1/tokens`: how a back end exchanges its API key for a client token. @module */
import * as z from 'zod';
import { Id, Scope, TokenScope } from '../../policy/policy.ts';
import { SipUri } from '../rpc/field-types.ts';
import { expectations } from '../validation/expectations.ts';

/** Seconds from issuing to expiry. */
export const TOKEN_SECONDS = { min: 60, max: 86_400, default: 3_600 } as const;

/** The user that a token is for, as the back end names it. Printable ASCII only, because it appears in headers and logs. */
export const Subject = z
  .string()
  .regex(/^[\x20-\x7e]{1,128}$/)
  .register(expectations, { expected: '1 to 128 printable ASCII characters' })
  .meta({ examples: ['alice'] });

/** The body of the request. */
export const TokenRequest = z.strictObject({
  site: Id.optional().meta({ description: 'required unless the key is for one site' }),
  subject: Subject.meta({ description: 'the user that the token is for' }),
  scopes: z
    .array(TokenScope)
    .min(1)
    .max(Scope.options.length)
    .optional()
    .meta({ description: 'default: all scopes of the key except `tokens` and `manage`' }),
  caller: SipUri.optional().meta({
    description: 'the only address that may dial; the token then sees and controls only its own calls',
  }),
  expires_in: z
    .number()
    .int()
    .min(TOKEN_SECONDS.min)
    .max(TOKEN_SECONDS.max)
    .register(expectations, {
      expected: `a whole number of seconds from ${TOKEN_SECONDS.min} to ${TOKEN_SECONDS.max}`,
    })
    .default(TOKEN_SECONDS.default)
    .meta({ description: 'seconds' }),
});
export type TokenRequest = z.infer<typeof TokenRequest>;

/** The response. */
export const IssuedToken = z.object({
  token: z.string(),
  expires: z.iso.datetime(),
  tenant: Id,
  site: Id,
  subject: Subject,
  scopes: z.array(Scope),
  caller: z.string().optional(),
});
