/**
 * What a tenant allows: who may do what, how much of it, and where calls may go.
 * @module
 */
import * as z from 'zod';
import { type Method, methods } from './methods.ts';

/**
 * What a key or a token may do: one scope for each command, `read` for what stands and what happens, `tokens` for
 * minting client tokens (API keys only). Echo needs none.
 */
export const SCOPES = [
  ...(Object.keys(methods) as Method[]).filter((method) => method !== 'Echo'),
  'read',
  'tokens',
] as const;
export const Scope = z.enum(SCOPES);
export type Scope = z.infer<typeof Scope>;

/** Id of a tenant, a site or a key: it stands in object names, keys and URLs. */
export const Id = z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$/, '1 to 32 of a-z 0-9 -');

/** How much of it. Each has a default that an honest user does not meet. */
export const Limits = z.object({
  /** Messages that a client session may send, a second; twice as many at once. */
  messages_per_second: z.number().int().min(1).max(10_000).default(50),
  /** Commands that a session may have under way. */
  commands_in_flight: z.number().int().min(1).max(100_000).default(1_000),
  /** CallStarts a second for the whole tenant, shared equally by its sites; twice as many at once. */
  starts_per_second: z.number().min(0.01).max(10_000).default(50),
  /** Calls made here that may stand at a time for the whole tenant, shared equally by its sites. */
  standing_calls: z.number().int().min(1).max(1_000_000).default(10_000),
  /** Bytes of a message. */
  message_bytes: z.number().int().min(1_024).max(65_536).default(65_536),
  /** Sockets that one subject may have open at a site. */
  sessions_per_subject: z.number().int().min(1).max(10_000).default(1_000),
});
export type Limits = z.infer<typeof Limits>;

/** What an administrator may write as a pattern: see {@link Rules}. */
export const Pattern = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[\x21-\x7e]*$/, 'a pattern has printable ASCII and no space in it')
  .regex(/^(?!sips?:)/i, 'a pattern is compared with user@host, without sip: before it')
  // It could never match: a rule that is thought to hold and does not.
  .regex(/[@*]/, 'a pattern is compared with user@host: write +1900*@* or *@example.com');

/** The rules of tenant and site travel with each socket that comes in: some 60 KB at most. */
const Patterns = z.array(z.string().min(1).max(64)).max(250).default([]);

/**
 * Where calls may go. A pattern is compared with `user@host` of a SIP URI (user as it is, host in lower case): `*` is
 * any run of characters, all else is itself. `+1900*@*` are premium numbers of North America.
 */
export const Rules = z.object({
  /** Where any are given, one of them must match. */
  allow: Patterns,
  /** None of them may match, whatever is allowed. */
  deny: Patterns,
});
export type Rules = z.infer<typeof Rules>;

/** What holds at one site: its share of the tenant's limits, and the rules of both. */
export const Policy = z.object({
  /** Rises with each change at the tenant: an older one never replaces a newer one. */
  version: z.number().int(),
  /** `starts_per_second` and `standing_calls` are already this site's share. */
  limits: Limits,
  /** Each of these must let a destination pass: the tenant's, then the site's. */
  rules: z.array(Rules),
  /** Seconds that logs (commands with the numbers in them) are kept; at most an hour. */
  kept_seconds: z.number().int().min(60).max(3_600),
});
export type Policy = z.infer<typeof Policy>;
