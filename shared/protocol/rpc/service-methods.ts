/**
 * The JSON-RPC methods that are neither commands nor queries: token renewal, diagnosis and service discovery; and the
 * names of all methods.
 * @module
 */
import * as z from 'zod';
import { expectations } from '../validation/expectations.ts';
import { commandParams } from './commands.ts';
import { ADDED } from './field-types.ts';
import { queryParams } from './queries.ts';

/** Renews the token of a socket. Needs no scope and, unlike commands, has no `cmd_id`. */
export const AUTHORIZE = 'Authorize';

/** More than any token has. */
const MAX_TOKEN_LENGTH = 8_192;

export const AuthorizeParams = z
  .object({
    token: z
      .string()
      .min(1)
      .max(MAX_TOKEN_LENGTH)
      .register(expectations, { expected: 'a client token', isSecret: true })
      .meta({ description: 'a new token for the same tenant, site and subject' }),
  })
  .meta({ description: 'Replaces the token of an open socket before it expires', ...ADDED });

/** Returns the token of the notification of the same name. Needs no scope. */
export const ACKNOWLEDGE = 'Acknowledge';

export const AcknowledgeParams = z
  .object({
    token: z
      .string()
      .min(1)
      .max(64)
      .register(expectations, { expected: 'the token of a notification Acknowledge' })
      .meta({ description: 'the token of the notification `Acknowledge`' }),
  })
  .meta({
    description:
      'Proves that the client has read everything until the notification `Acknowledge` with this token. Send it as a notification, without an `id`: then it does not count as a message',
    ...ADDED,
  });

/** Returns the OpenRPC document (OpenRPC §Service Discovery Method). Needs no scope. */
export const DISCOVER = 'rpc.discover';

export const DiscoverParams = z
  .object({})
  .meta({ description: 'Returns the OpenRPC document of this service', ...ADDED });

/** Asks OpenSIPS through the link; the response is sent when OpenSIPS has replied. */
export const DIAGNOSE = 'Diagnose';

export const DiagnoseParams = z.object({}).meta({
  description:
    'Reports the state of the link, of OpenSIPS and of its event subscriptions. Needs a key or a token that is not bound to a caller',
  ...ADDED,
});

/** Methods that need a socket: their effect lasts as long as the socket, or their response is sent later. */
export const SOCKET_ONLY_METHODS: readonly string[] = [
  'CallWatch',
  'CallUnwatch',
  AUTHORIZE,
  ACKNOWLEDGE,
  DIAGNOSE,
];

/** The names of all methods. */
export const METHOD_NAMES: readonly string[] = [
  ...Object.keys(commandParams),
  ...Object.keys(queryParams),
  AUTHORIZE,
  ACKNOWLEDGE,
  DIAGNOSE,
  DISCOVER,
];
