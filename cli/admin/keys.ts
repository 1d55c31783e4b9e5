/** The commands about API keys and adapter keys: `key create`, `key list` … Pure. @module */
import { type CommandGroup, pathOf } from './command-group.ts';
import { GRACE, ROLE, SCOPE, SITE } from './options.ts';

interface KeyOptions {
  readonly role?: string;
  readonly site?: string;
  readonly scope?: readonly string[];
}

const COLUMNS = ['id', 'role', 'site', 'scopes', 'created', 'last_used', 'revoked_at'];

export function addKeyCommands(group: CommandGroup): void {
  group.add<KeyOptions>({
    usage: 'create <TENANT>',
    summary: 'makes a key and prints it; it is shown this once',
    options: [ROLE, SITE, SCOPE],
    request: ([tenant], { role = 'api', site, scope }) => ({
      method: 'POST',
      path: pathOf('tenants', tenant, 'keys'),
      body: { role, site, scopes: scope },
    }),
    display: { as: 'key' },
  });
  group.add({
    usage: 'list <TENANT>',
    summary: 'lists the keys; of their secrets nothing is known',
    request: ([tenant]) => ({ method: 'GET', path: pathOf('tenants', tenant, 'keys') }),
    display: { as: 'table', list: 'keys', columns: COLUMNS },
  });
  group.add<{ readonly grace?: number }>({
    usage: 'rotate <TENANT> <KEY-ID>',
    summary: 'makes a key that may do the same, prints it, and ends the old one',
    options: [GRACE],
    request: ([tenant, key], { grace }) => ({
      method: 'POST',
      path: pathOf('tenants', tenant, 'keys', key, 'rotate'),
      body: { grace },
    }),
    display: { as: 'key' },
  });
  group.add({
    usage: 'revoke <TENANT> <KEY-ID>',
    summary: 'ends a key and the tokens that it has minted, and closes their sockets',
    request: ([tenant, key]) => ({ method: 'DELETE', path: pathOf('tenants', tenant, 'keys', key) }),
    display: { as: 'fields' },
  });
}
