/** What a token is asked to be, and what is answered. @module */
import * as z from 'zod';
import { Uri } from '../../shared/methods.ts';
import { Id, Scope } from '../../shared/policy.ts';
import { Subject, TOKEN_SECONDS } from './tokens.ts';

/** What a token can be asked to be. */
export const Wish = z.strictObject({
  site: Id.optional().meta({ description: 'needed unless the key is for one' }),
  subject: Subject.meta({ description: 'whose token it is' }),
  scopes: z
    .array(Scope.exclude(['tokens']))
    .min(1)
    .max(Scope.options.length)
    .optional()
    .meta({ description: 'all that the key has but `tokens`, where not given' }),
  caller: Uri.optional().meta({
    description: 'the only address that may dial; then its own calls are the only ones that exist for it',
  }),
  expires_in: z
    .number()
    .int()
    .min(TOKEN_SECONDS.min)
    .max(TOKEN_SECONDS.max)
    .default(TOKEN_SECONDS.default)
    .meta({ description: 'seconds' }),
});
export type Wish = z.infer<typeof Wish>;

/** What is answered. */
export const Minted = z.object({
  token: z.string(),
  expires: z.iso.datetime(),
  tenant: Id,
  site: Id,
  subject: Subject,
  scopes: z.array(Scope),
  caller: z.string().optional(),
});
