/** The options that bound what a tenant manages itself. Pure. @module */
import { Option } from 'commander';
import { SCOPES } from '../../shared/policy/policy.ts';
import { TenantChange } from '../../shared/protocol/admin/requests.ts';
import { acceptedBy, choice, listParserOf } from '../commands/argument-parsers.ts';
import { type ListOptions, list, number, REPLACES, unchanged } from './options.ts';

export interface BoundOptions extends ListOptions {
  readonly ownKeys?: number;
  readonly ownScope?: readonly string[];
  readonly ownWebhookHost?: readonly string[];
  readonly ownOrigin?: readonly string[];
}

export const BOUND_OPTIONS: readonly Option[] = [
  number(
    '--own-keys <N>',
    `How many API keys the tenant may have when it creates one itself: 0 to 2000 ${unchanged('20')}`,
    0,
    2_000,
  ),
  new Option(
    '--own-scope <SCOPE>',
    `Scopes of keys that the tenant may create itself; ${REPLACES} ${unchanged('all but manage')}`,
  )
    .choices(SCOPES)
    .argParser(listParserOf('--own-scope', choice('a scope', SCOPES))),
  list(
    '--own-webhook-host <HOST>',
    `Hosts to which the tenant may send webhooks, such as *.example.com; ${REPLACES} ${unchanged('all')}`,
    acceptedBy(
      TenantChange,
      'is not a host. Use a name in lower case such as hooks.example.com, *.example.com, or * for all.',
      (host) => ({ bounds: { webhook_hosts: [host] } }),
    ),
  ),
  list(
    '--own-origin <ORIGIN>',
    `Origins that the tenant may add, such as https://*.example.com; ${REPLACES} ${unchanged('all')}`,
    acceptedBy(
      TenantChange,
      'is not an origin. Use a scheme and a host in lower case, such as https://app.example.com, https://*.example.com, or * for all.',
      (origin) => ({ bounds: { origins: [origin] } }),
    ),
  ),
];

/** Returns the changes of the bounds, or undefined where they remain unchanged. */
export function boundsFor(options: BoundOptions): object | undefined {
  const isCleared = (name: string) => (options.clear?.includes(name) ? [] : undefined);
  const bounds = {
    max_keys: options.ownKeys,
    scopes: options.ownScope ?? isCleared('own-scope'),
    webhook_hosts: options.ownWebhookHost ?? isCleared('own-webhook-host'),
    origins: options.ownOrigin ?? isCleared('own-origin'),
  };
  return Object.values(bounds).some((value) => value !== undefined) ? bounds : undefined;
}
