/** The policy of a tenant: scopes, limits, and the addresses that may be dialed. @module */
import * as z from 'zod';
import { commandParams, isCallCommand } from '../protocol/rpc/commands.ts';
import { expectations } from '../protocol/validation/expectations.ts';
import { ActiveAdapters } from './adapters-setting.ts';
import { DialTarget } from './link-setting.ts';

/**
 * What a key or a token permits: a scope for each command except Echo, which needs none; `read` for calls, their changes
 * and the state of the site; `tokens` for issuing client tokens, and `manage` for the tenant's own keys, origins, webhooks and rules (API keys
 * only).
 */
export const SCOPES = [
  ...Object.keys(commandParams).filter(isCallCommand),
  'read',
  'tokens',
  'manage',
] as const;
export const Scope = z.enum(SCOPES);
export type Scope = z.infer<typeof Scope>;

/** The scopes that a token may have. */
export const TokenScope = Scope.exclude(['tokens', 'manage']);
/** The scopes of a key for which none are named: `manage` is for whoever asks for it. */
export const DEFAULT_SCOPES: readonly Scope[] = Scope.exclude(['manage']).options;

/** The id of a tenant, a site or a key. It is part of object names, keys and URLs. */
export const Id = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/)
  .register(expectations, {
    expected: '1 to 32 of a-z, 0-9 and "-", without "-" at the beginning and the end',
  });

const integer = (min: number, max: number, description: string) =>
  z.number().int().min(min).max(max).meta({ description });

/** A rate of a tenant. Its share of a site may be a fraction. */
const tenantRate = (max: number, description: string) =>
  z
    .number()
    .min(0.01)
    .max(max)
    .meta({ description: `${description}, divided among its sites` });

const KB = 1_024;
const MB = 1_024 * KB;

/**
 * The limits of a tenant. The defaults are higher than normal use needs. Those of the whole tenant are ten times those of a subject,
 * because a tenant can issue tokens for any number of subjects.
 */
export const Limits = z.object({
  messages_per_second: integer(
    1,
    10_000,
    'requests of a subject per second at a site, over all its sockets and HTTP requests; twice as many in a burst',
  ).default(50),
  tenant_messages_per_second: tenantRate(
    100_000,
    'requests per second of all subjects of the tenant, half as many in a burst',
  ).default(500),
  replayed_bytes_per_minute: integer(
    64 * KB,
    64 * 1_024 * MB,
    'bytes per minute that are read for a subject from what the site has stored: missed changes, lists and commands',
  ).default(64 * MB),
  tenant_replayed_bytes_per_minute: integer(
    64 * KB,
    640 * 1_024 * MB,
    'bytes per minute that are read for all subjects of the tenant, divided among its sites',
  ).default(640 * MB),
  written_bytes_per_minute: integer(
    64 * KB,
    4_096 * MB,
    'bytes of parameters per minute in the commands of a subject, which the site stores; a fifteenth of them at once',
  ).default(8 * MB),
  tenant_written_bytes_per_minute: integer(
    64 * KB,
    40_960 * MB,
    'bytes of parameters per minute in the commands of all subjects of the tenant, divided among its sites; a sixtieth of them at once',
  ).default(16 * MB),
  connections_per_minute: integer(
    1,
    60_000,
    'connections of a subject per minute: WebSockets and event streams',
  ).default(60),
  tenant_connections_per_minute: tenantRate(
    600_000,
    'connections per minute of all subjects of the tenant',
  ).default(600),
  commands_in_flight: integer(1, 100_000, 'commands of a session that may run at the same time').default(
    1_000,
  ),
  starts_per_second: tenantRate(
    10_000,
    'CallStarts per second of the tenant, twice as many in a burst',
  ).default(50),
  standing_calls: integer(
    1,
    1_000_000,
    'active calls of the tenant that were made through this API, divided among its sites',
  ).default(10_000),
  message_bytes: integer(1_024, 65_536, 'the size of a message, in bytes').default(65_536),
  stored_bytes: integer(
    16_777_216,
    8_589_934_592,
    'bytes that a site may store; the oldest commands and calls are dropped first. What is running is not: if that takes all, further commands but CallEnd are refused',
  ).default(1_073_741_824),
  sessions_per_subject: integer(1, 10_000, 'open sockets of a subject at a site').default(1_000),
  unread_bytes: integer(
    256 * KB,
    16 * MB,
    'bytes that a socket may leave unread before it is closed',
  ).default(MB),
  stream_unread_bytes: integer(
    64 * KB,
    8 * MB,
    'bytes that the reader of an event stream may leave unread before it is closed',
  ).default(256 * KB),
});
export type Limits = z.infer<typeof Limits>;

const PATTERN = 'a pattern of user@host, such as +1900*@* or *@example.com';

/** A pattern of {@link Rules}, as an administrator may enter it. */
export const Pattern = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[\x21-\x7e]*$/, `contains a space or a character that is not printable ASCII. Use ${PATTERN}.`)
  .regex(/^(?!sips?:)/i, `begins with a scheme. Use ${PATTERN}.`)
  // A pattern without these could never match, so the rule would have no effect.
  .regex(/[@*]/, `does not match user@host. Use ${PATTERN}.`)
  .regex(/^(?!.*(?:@[^@[]*|\][^@]*):)/, `has a port, which is not compared. Remove it: use ${PATTERN}.`)
  .regex(/^(?!.*@[^@]*[;?])/, `has parameters, which are not compared. Remove them: use ${PATTERN}.`)
  .regex(
    /^(?!.*\[(?:[^\]]*::[^\]]*\*|[^\]]*\*[^\]]*::))/,
    'abbreviates an IPv6 address that has a star. Write zeros instead of "::": [2001:db8:0:0:*].',
  )
  .register(expectations, { expected: PATTERN });

/** The rules of the tenant and of the site are sent with each new socket: about 60 KB at most. */
const Patterns = z.array(z.string().min(1).max(64)).max(250).default([]);

/**
 * Which addresses may be dialed. `allow` is compared with the user of a SIP URI as it is dialed, `deny` with every form in
 * which a gateway may dial it. `+1900*@*` are the premium-rate numbers of North America.
 */
export const Rules = z
  .object({
    allow: Patterns.meta({ description: 'if there are any, an address must match one of them' }),
    deny: Patterns.meta({
      description: 'an address must match none of them, however it is written, even if `allow` permits it',
    }),
  })
  .meta({
    description:
      'Which addresses may be dialed. A pattern is compared with the `user@host` of a SIP URI; `*` matches any characters',
  });
export type Rules = z.infer<typeof Rules>;

/** The effective policy of a site. */
export const Policy = z.object({
  /** Increases with each change of the tenant, so that an older policy never replaces a newer one. */
  version: z.number().int(),
  /** Those of the whole tenant are the share of this site: see `worker/tenant/policy.ts`. */
  limits: Limits,
  /** All of these must allow an address: those of the tenant, then those of the site. */
  rules: z.array(Rules),
  kept_seconds: integer(
    60,
    3_600,
    'how long commands and calls are stored, in seconds, with the phone numbers in them',
  ),
  /** All adapters of the site serve it at the same time; absent: one does, and the others wait. */
  active_adapters: ActiveAdapters.optional(),
  /** Where the edge dials the adapter of the site; absent if the adapter connects to the edge. */
  link: DialTarget.optional(),
});
export type Policy = z.infer<typeof Policy>;

/** The role of a key: `api` for clients and for issuing tokens, `adapter` for the process beside OpenSIPS. */
export type KeyRole = 'api' | 'adapter';
