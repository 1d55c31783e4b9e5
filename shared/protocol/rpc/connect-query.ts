/** The query parameters of a client's WebSocket URL. @module */
import * as z from 'zod';
import { Id } from '../../policy/policy.ts';
import { expectations } from '../validation/expectations.ts';
import { UNRESERVED_CHARACTERS } from './field-types.ts';

export const ConnectQuery = z.object({
  session: z
    .string()
    .regex(/^[A-Za-z0-9._~-]{1,64}$/)
    .register(expectations, { expected: `1 to 64 ${UNRESERVED_CHARACTERS}` })
    .optional()
    .meta({ description: 'a name of your choice; connect with the same name to resume the session' }),
  since: z
    .string()
    .regex(/^\d{1,15}$/)
    .register(expectations, { expected: 'the seq of a notification' })
    .optional()
    .meta({ description: '`seq` of the last notification that the session has received' }),
  events: z.enum(['all', 'original']).optional().meta({
    description:
      '`original`: the socket receives no event of a command that OpenSIPS’s own Call API does not have, and no `SessionReset`; default: `all`',
  }),
  ack: z.literal('1').optional().meta({
    description:
      '`1`: the client returns the token of each `Acknowledge`, and so receives as fast as it reads; default: it is assumed to read 64 KB a second',
  }),
  batch: z.literal('1').optional().meta({
    description:
      '`1`: a frame may have several notifications, as an array, which costs less at a busy site; default: one in each frame',
  }),
  site: Id.optional().meta({ description: 'required if an API key is for several sites' }),
  access_token: z.string().register(expectations, { isSecret: true }).optional().meta({
    description: 'an API key or a client token, for clients that can send neither a header nor a subprotocol',
  }),
});
