/** The commands about API keys and adapter keys: `key create`, `key list` … Pure. @module */
import { EXIT, Failure } from '../exit.ts';
import { type CommandGroup, pathOf } from './command-group.ts';
import { KEY_GRACE, ROLE, SCOPE, SITE } from './options.ts';

interface KeyOptions {
  readonly role?: string;
  readonly site?: string;
  readonly scope?: readonly string[];
}

const COLUMNS = ['id', 'role', 'site', 'scopes', 'created', 'last_used', 'revoked_at'];

/** @param options.roles whether keys of adapters can be created as well */
export function addKeyCommands(group: CommandGroup, { roles = true } = {}): void {
  group.add<KeyOptions>({
    usage: 'create <TENANT>',
    summary: 'Create a key and print it. It is shown only once.',
    options: [...(roles ? [ROLE] : []), SITE, SCOPE],
    request: ([tenant], options) => ({
      method: 'POST',
      path: pathOf('tenants', tenant, 'keys'),
      body: keyBody(options),
    }),
    display: { as: 'key' },
  });
  group.add({
    usage: 'list <TENANT>',
    summary: 'List the keys, without their secrets.',
    request: ([tenant]) => ({ method: 'GET', path: pathOf('tenants', tenant, 'keys') }),
    display: { as: 'table', list: 'keys', columns: COLUMNS },
  });
  group.add<{ readonly grace?: number }>({
    usage: 'rotate <TENANT> <KEY-ID>',
    summary: 'Replace a key: create one with the same permissions, print it, and revoke the old one.',
    options: [KEY_GRACE],
    request: ([tenant, key], { grace }) => ({
      method: 'POST',
      path: pathOf('tenants', tenant, 'keys', key, 'rotate'),
      body: { grace },
    }),
    display: { as: 'key' },
  });
  group.add({
    usage: 'revoke <TENANT> <KEY-ID>',
    summary: 'Revoke a key and its tokens, and close their connections.',
    request: ([tenant, key]) => ({ method: 'DELETE', path: pathOf('tenants', tenant, 'keys', key) }),
    display: { as: 'fields' },
  });
}

function keyBody({ role = 'api', site, scope }: KeyOptions): object {
  if (role === 'adapter' && site === undefined)
    throw new Failure(EXIT.usage, '--role: "adapter" needs --site, because an adapter key is for one site.');
  if (role === 'adapter' && scope !== undefined)
    throw new Failure(EXIT.usage, '--scope: an adapter key has no scopes. Remove it, or use --role api.');
  return { role, site, scopes: scope };
}
