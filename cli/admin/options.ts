/** The options of the admin commands, each described once, and the lists that they set. Pure. @module */
import { Option } from 'commander';
import type * as z from 'zod';
import { ADMIN_ROLES } from '../../shared/policy/admin-roles.ts';
import { LOCATIONS } from '../../shared/policy/locations.ts';
import { Pattern, SCOPES } from '../../shared/policy/policy.ts';
import { MAX_GRACE_S, TenantChange } from '../../shared/protocol/admin/requests.ts';
import { DELIVERY_STATES } from '../../shared/protocol/webhooks/deliveries.ts';
import { EndpointChange } from '../../shared/protocol/webhooks/endpoints.ts';
import { wholeNumber } from '../../shared/settings/value-types.ts';
import { acceptedBy, choice, listParserOf, parserOf } from '../commands/argument-parsers.ts';
import { entryNumber, idType, urlType } from './arguments.ts';
import { BOUND_LISTS } from './bound-lists.ts';
import { collectLimit } from './limits.ts';

/** Lists that `--clear` may empty. */
const LISTS = ['allow', 'deny', 'origin', 'address', ...BOUND_LISTS] as const;

export interface ListOptions extends Partial<Record<(typeof LISTS)[number], readonly string[]>> {
  readonly clear?: readonly string[];
}

export interface PageOptions {
  readonly entries?: number;
  readonly before?: number;
}

export const REPEATABLE = 'can be repeated';
export const REPLACES = `replaces the previous list; ${REPEATABLE}`;
/** What is not given stays as it is. The second part is for what is created. */
export const unchanged = (initial: string) => `(default: unchanged, at first ${initial})`;

const PATTERN_FAULT =
  'is not a pattern of user@host. Use 1 to 64 characters with @ or *, without sip: and spaces, such as *@example.com.';

const RulePattern = acceptedBy(TenantChange, PATTERN_FAULT, (text) => ({ rules: { allow: [text] } }));

export const LIMIT = new Option(
  '--limit <NAME=N>',
  `Limit, such as starts_per_second=10; NAME=default resets it; ${REPEATABLE} ${unchanged('the default of each limit')}`,
).argParser(collectLimit);

export const ALLOW = list(
  '--allow <PATTERN>',
  `Allowed destinations, such as *@example.com; ${REPLACES} ${unchanged('all')}`,
  RulePattern,
);

export const DENY = list(
  '--deny <PATTERN>',
  `Denied destinations, such as +1900*@*; ${REPLACES} ${unchanged('none')}`,
  RulePattern,
);

export const ORIGIN = list(
  '--origin <ORIGIN>',
  `Origins of web pages that may connect, such as https://app.example.com; ${REPLACES} ${unchanged('none')}`,
  acceptedBy(
    TenantChange,
    'is not an origin. Use a scheme, a host in lower case and a port if it is not the default, such as https://app.example.com, or * for all.',
    (text) => ({ origins: [text] }),
  ),
);

export const CLEAR = new Option('--clear <LIST>', `List to empty; ${REPEATABLE} (default: none)`)
  .choices(LISTS)
  .argParser(listParserOf('--clear', choice('a list that can be emptied', LISTS)));

export const KEPT_SECONDS = number(
  '--kept-seconds <N>',
  `How long calls and commands are stored, in seconds: 60 to 3600 ${unchanged('3600')}`,
  60,
  3_600,
);

export const LOCATION = new Option(
  '--location <HINT>',
  'Region in which the site is created; it cannot be moved later (default: near the first client)',
)
  .choices(LOCATIONS)
  .argParser(parserOf('--location', choice('a region', LOCATIONS)));

const ROLES = ['api', 'adapter'] as const;
export const ROLE = new Option('--role <ROLE>', 'Role of the key')
  .choices(ROLES)
  .default('api')
  .argParser(parserOf('--role', choice('a role', ROLES)));

export const ADMIN_ROLE = new Option(
  '--role <ROLE>',
  'What the administrator may do: read shows everything, operate also manages keys and webhooks, all does everything. It must be given',
)
  .choices(ADMIN_ROLES)
  .argParser(parserOf('--role', choice('a role', ADMIN_ROLES)));

export const SITE = new Option(
  '--site <SITE>',
  'The only site for which the key is valid; required for an adapter (default: all sites)',
).argParser(parserOf('--site', idType('site')));

export const SCOPE = new Option(
  '--scope <SCOPE>',
  `What the key allows, such as CallStart; ${REPEATABLE} (default: everything but manage)`,
)
  .choices(SCOPES)
  .argParser(listParserOf('--scope', choice('a scope', SCOPES)));

export const KEY_GRACE = grace('How long the old key stays valid, in seconds', 0);

export const SECRET_GRACE = grace('How long the old secret is used as well, in seconds', 86_400);

export const AUDIT_ENTRIES = number(
  '--entries <N>',
  'Maximum number of entries, 1 to 1000 (default: 100)',
  1,
  1_000,
);

export const DELIVERY_ENTRIES = number(
  '--entries <N>',
  'Maximum number of entries, 1 to 500 (default: 100)',
  1,
  500,
);

export const BEFORE = new Option(
  '--before <N>',
  'Only entries with a lower number (default: from the newest)',
).argParser(
  parserOf('--before', entryNumber('is not the number of an entry. Use a whole number from 1 on.')),
);

export const AFTER = new Option(
  '--after <TENANT>',
  'Only tenants whose names come after this one (default: from the first)',
).argParser(parserOf('--after', idType('tenant')));

export const DELETED = new Option('--deleted', 'Include deleted tenants');

export const URL_OPTION = new Option(
  '--url <URL>',
  'Address to which the events are sent (default: unchanged)',
).argParser(parserOf('--url', urlType()));

export const EVENT = list(
  '--event <TYPE>',
  `Types of events to send, such as call.* or command.call_start.ended; ${REPLACES} ${unchanged('all')}`,
  acceptedBy(
    EndpointChange,
    'is not a type of event. Use lower-case letters, _, . and *, such as call.ended or call.*.',
    (text) => ({ events: [text] }),
  ),
);

export const ADDRESS = list(
  '--address <PATTERN>',
  `Send only events of these parties, such as *@example.com; ${REPLACES} ${unchanged('all')}`,
  acceptedBy(Pattern, PATTERN_FAULT),
);

export const DESCRIPTION = new Option(
  '--description <TEXT>',
  `Text that helps to recognize the webhook ${unchanged('empty')}`,
).argParser(
  parserOf(
    '--description',
    acceptedBy(
      EndpointChange,
      'is not possible. Use at most 256 characters without control characters.',
      (description) => ({ description }),
    ),
  ),
);

export const ENABLE = new Option('--enable', 'Send events again, also those that are waiting').conflicts(
  'disable',
);

export const DISABLE = new Option('--disable', 'Send no events; those that are waiting are kept');

export const STATE = new Option('--state <STATE>', 'Only deliveries in this state (default: all)')
  .choices(DELIVERY_STATES)
  .argParser(parserOf('--state', choice('a state of a delivery', DELIVERY_STATES)));

/** Returns the new list, an empty one for `--clear`, or undefined where it remains unchanged. */
export function listFor(options: ListOptions, name: (typeof LISTS)[number]): readonly string[] | undefined {
  return options[name] ?? (options.clear?.includes(name) ? [] : undefined);
}

/** Returns the changes of the destination rules, or undefined where they remain unchanged. */
export function rulesFor(options: ListOptions): object | undefined {
  const rules = { allow: listFor(options, 'allow'), deny: listFor(options, 'deny') };
  return rules.allow || rules.deny ? rules : undefined;
}

export function list(flags: string, help: string, type: z.ZodType<string, string>): Option {
  return new Option(flags, help).argParser(listParserOf(flagOf(flags), type));
}

export function number(flags: string, help: string, min: number, max: number): Option {
  return new Option(flags, help).argParser(parserOf(flagOf(flags), wholeNumber(min, max)));
}

function grace(help: string, standard: number): Option {
  return number('--grace <SECONDS>', `${help}: 0 to ${MAX_GRACE_S} (default: ${standard})`, 0, MAX_GRACE_S);
}

function flagOf(flags: string): string {
  return flags.replace(/ .*/, '');
}
