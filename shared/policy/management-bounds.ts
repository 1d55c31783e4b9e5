/** What a tenant may manage itself, with an API key that has the scope `manage`. Pure. @module */
import * as z from 'zod';
import { expectations } from '../protocol/validation/expectations.ts';
import { Scope } from './policy.ts';

/** As many keys as a tenant can have: see `worker/tenant/keys.ts`. */
const MAX_KEYS = 2_000;

const HostPattern = z
  .string()
  .max(253)
  .regex(/^(?:\*|(?:\*\.)?[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])$/)
  .register(expectations, { expected: 'a host such as hooks.example.com, *.example.com or *' });

const OriginPattern = z
  .string()
  .max(256)
  .regex(/^(?:\*|https?:\/\/(?:\*\.)?[a-z0-9_.:[\]-]+)$/)
  .register(expectations, {
    expected: 'an origin such as https://app.example.com, https://*.example.com or *',
  });

/** The bounds, with their defaults. They apply to what a tenant does itself, not to what an administrator does for it. */
export const ManagementBounds = z.object({
  max_keys: z
    .number()
    .int()
    .min(0)
    .max(MAX_KEYS)
    .meta({ description: 'the tenant creates no API key while it has this many that are not revoked' })
    .default(20),
  scopes: z
    .array(Scope)
    .max(Scope.options.length)
    .meta({ description: 'the scopes that keys may have which the tenant creates or rotates' })
    .default(Scope.exclude(['manage']).options.slice()),
  webhook_hosts: z
    .array(HostPattern)
    .max(100)
    .meta({ description: 'the hosts to which the tenant may send webhooks' })
    .default(['*']),
  origins: z
    .array(OriginPattern)
    .max(100)
    .meta({ description: 'the origins that the tenant may add' })
    .default(['*']),
});
export type ManagementBounds = z.infer<typeof ManagementBounds>;

/** Returns whether webhooks may be sent to a host. `*.example.com` does not include `example.com` itself. */
export function isHostWithin({ webhook_hosts }: ManagementBounds, hostname: string): boolean {
  return webhook_hosts.some((pattern) => matches(pattern, hostname.toLowerCase().replace(/\.$/, '')));
}

/** Returns whether an origin may be added. `*`, which stands for every page, needs the bound `*`. */
export function isOriginWithin({ origins }: ManagementBounds, origin: string): boolean {
  return origins.some((pattern) => matches(pattern, origin));
}

/** A star stands for any characters: all of a text, or one or more labels of a host. */
function matches(pattern: string, text: string): boolean {
  const [before = '', after] = pattern.split('*');
  if (after === undefined) return text === pattern;
  if (before === '' && after === '') return true;
  return text.length > pattern.length - 1 && text.startsWith(before) && text.endsWith(after);
}
