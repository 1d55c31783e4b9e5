/** What a client may say in the URL of its socket. @module */
import * as z from 'zod';
import { Id } from './policy.ts';

export const SocketQuery = z.object({
  session: z
    .string()
    .regex(/^[A-Za-z0-9._~-]{1,64}$/, 'takes 1 to 64 of A-Z a-z 0-9 . _ ~ -')
    .optional()
    .meta({ description: 'a name of the client’s own, by which it comes back to what it missed' }),
  since: z
    .string()
    .regex(/^\d{1,15}$/, 'takes the seq of a notification')
    .optional()
    .meta({ description: 'the `seq` that the session has got last' }),
  site: Id.optional().meta({ description: 'which one, for an API key of several' }),
  access_token: z
    .string()
    .optional()
    .meta({ description: 'a key or a token, for clients that can send no header and no subprotocol' }),
});
