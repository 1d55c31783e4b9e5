/** The commands about sites: `site create`, `site list` … Pure. @module */
import { type CommandGroup, pathOf } from './command-group.ts';
import { ALLOW, CLEAR, DENY, type ListOptions, LOCATION, rulesFor } from './options.ts';

interface SiteOptions extends ListOptions {
  readonly location?: string;
}

const SITE_OPTIONS = [LOCATION, ALLOW, DENY, CLEAR];

export function addSiteCommands(group: CommandGroup): void {
  group.add<SiteOptions>({
    usage: 'create <TENANT> <SITE>',
    summary: 'makes a site: one OpenSIPS, or a cluster of them',
    options: SITE_OPTIONS,
    request: ([tenant, site], options) => ({
      method: 'POST',
      path: pathOf('tenants', tenant, 'sites'),
      body: { id: site, ...siteSettings(options) },
    }),
    display: { as: 'fields' },
  });
  group.add({
    usage: 'list <TENANT>',
    summary: 'lists the sites',
    request: ([tenant]) => ({ method: 'GET', path: pathOf('tenants', tenant, 'sites') }),
    display: { as: 'table', list: 'sites', columns: ['id', 'location', 'rules', 'created'] },
  });
  group.add<SiteOptions>({
    usage: 'set <TENANT> <SITE>',
    summary: 'changes its rules',
    options: SITE_OPTIONS,
    request: ([tenant, site], options) => ({
      method: 'PATCH',
      path: pathOf('tenants', tenant, 'sites', site),
      body: siteSettings(options),
    }),
    display: { as: 'fields' },
  });
  group.add({
    usage: 'delete <TENANT> <SITE>',
    summary: 'deletes it with all that it holds, and ends the keys that are for it alone',
    request: ([tenant, site]) => ({ method: 'DELETE', path: pathOf('tenants', tenant, 'sites', site) }),
    display: { as: 'nothing' },
  });
}

function siteSettings(options: SiteOptions): object {
  return { location: options.location, rules: rulesFor(options) };
}
