/** The commands about tenants and their audit trail: `tenant create`, `tenant list` … and `audit`. Pure. @module */
import { BOUND_OPTIONS, type BoundOptions, boundsFor } from './bounds.ts';
import { type CommandGroup, type Display, pathOf, withQuery } from './command-group.ts';
import {
  AFTER,
  ALLOW,
  AUDIT_ENTRIES,
  BEFORE,
  CLEAR,
  DELETED,
  DENY,
  KEPT_SECONDS,
  LIMIT,
  type ListOptions,
  listFor,
  ORIGIN,
  type PageOptions,
  rulesFor,
} from './options.ts';

interface TenantOptions extends ListOptions, BoundOptions {
  readonly limit?: Readonly<Record<string, number | null>>;
  readonly keptSeconds?: number;
}

const TENANT_OPTIONS = [LIMIT, ALLOW, DENY, ORIGIN, CLEAR, KEPT_SECONDS, ...BOUND_OPTIONS];

export const AUDIT_TRAIL: Display = {
  as: 'table',
  list: 'entries',
  columns: ['n', 'at', 'actor', 'role', 'from', 'action', 'target', 'outcome'],
};

export function addTenantCommands(group: CommandGroup): void {
  group.add<TenantOptions>({
    usage: 'create <TENANT>',
    summary: 'Create a tenant.',
    options: TENANT_OPTIONS,
    request: ([tenant], options) => ({
      method: 'POST',
      path: '/tenants',
      body: { id: tenant, ...tenantSettings(options) },
    }),
    display: { as: 'fields' },
  });
  group.add<{ readonly after?: string; readonly deleted?: true }>({
    usage: 'list',
    summary: 'List the tenants.',
    options: [AFTER, DELETED],
    request: (_, { after, deleted }) => ({
      method: 'GET',
      path: withQuery('/tenants', { after, deleted: deleted && 'true' }),
    }),
    display: { as: 'table', list: 'tenants', columns: ['id', 'created', 'deleted'] },
  });
  group.add({
    usage: 'show <TENANT>',
    summary: 'Show the limits and rules of a tenant.',
    request: ([tenant]) => ({ method: 'GET', path: pathOf('tenants', tenant) }),
    display: { as: 'fields' },
  });
  group.add<TenantOptions>({
    usage: 'set <TENANT>',
    summary: 'Change the limits and rules of a tenant, at once for all its sites.',
    options: TENANT_OPTIONS,
    request: ([tenant], options) => ({
      method: 'PATCH',
      path: pathOf('tenants', tenant),
      body: tenantSettings(options),
    }),
    display: { as: 'fields' },
  });
  group.add({
    usage: 'delete <TENANT>',
    summary: 'Delete a tenant with all its data.',
    request: ([tenant]) => ({ method: 'DELETE', path: pathOf('tenants', tenant) }),
    display: { as: 'nothing' },
  });
}

export function addAuditCommand(group: CommandGroup): void {
  group.add<PageOptions>({
    usage: 'audit [TENANT]',
    summary:
      'List the changes of a tenant, newest first. Without TENANT: the creation and deletion of tenants, changes of administrators and refused requests.',
    options: [AUDIT_ENTRIES, BEFORE],
    request: ([tenant], { entries, before }) => ({
      method: 'GET',
      path: withQuery(tenant === undefined ? '/audit' : pathOf('tenants', tenant, 'audit'), {
        limit: entries,
        before,
      }),
    }),
    display: AUDIT_TRAIL,
  });
}

/** Returns what is to be set. JSON leaves out undefined members, so what is not given remains unchanged. */
function tenantSettings(options: TenantOptions): object {
  return {
    limits: options.limit,
    rules: rulesFor(options),
    origins: listFor(options, 'origin'),
    kept_seconds: options.keptSeconds,
    bounds: boundsFor(options),
  };
}
