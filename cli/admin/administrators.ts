/** The commands about administrators: `administrator create`, `administrator list` … Pure. @module */
import { type CommandGroup, pathOf } from './command-group.ts';
import { ADMIN_ROLE, KEY_GRACE } from './options.ts';

const COLUMNS = ['name', 'role', 'id', 'created', 'last_used', 'revoked_at'];

export function addAdministratorCommands(group: CommandGroup): void {
  group.add<{ readonly role?: string }>({
    usage: 'create <NAME>',
    summary: 'Create an administrator and print its key. It is shown only once.',
    options: [ADMIN_ROLE],
    request: ([name], { role }) => ({ method: 'POST', path: '/administrators', body: { name, role } }),
    display: { as: 'admin-key' },
  });
  group.add({
    usage: 'list',
    summary: 'List the administrators, without their keys.',
    request: () => ({ method: 'GET', path: '/administrators' }),
    display: { as: 'table', list: 'administrators', columns: COLUMNS },
  });
  group.add<{ readonly grace?: number }>({
    usage: 'rotate <NAME>',
    summary: 'Replace the key of an administrator: create one, print it, and revoke the old one.',
    options: [KEY_GRACE],
    request: ([name], { grace }) => ({
      method: 'POST',
      path: pathOf('administrators', name, 'rotate'),
      body: { grace },
    }),
    display: { as: 'admin-key' },
  });
  group.add({
    usage: 'revoke <NAME>',
    summary: 'Revoke the key of an administrator.',
    request: ([name]) => ({ method: 'DELETE', path: pathOf('administrators', name) }),
    display: { as: 'fields' },
  });
}
