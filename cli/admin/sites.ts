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
    summary: 'Create a site: one OpenSIPS, or a cluster.',
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
    summary: 'List the sites.',
    request: ([tenant]) => ({ method: 'GET', path: pathOf('tenants', tenant, 'sites') }),
    display: { as: 'table', list: 'sites', columns: ['id', 'location', 'rules', 'created'] },
  });
  group.add({
    usage: 'show <TENANT> <SITE>',
    summary: 'Show a site with its limits, and the bytes that it stores.',
    request: ([tenant, site]) => ({ method: 'GET', path: pathOf('tenants', tenant, 'sites', site) }),
    display: { as: 'fields' },
  });
  group.add<SiteOptions>({
    usage: 'set <TENANT> <SITE>',
    summary: 'Change the rules of a site.',
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
    summary: 'Delete a site with all its data, and revoke the keys that are only for it.',
    request: ([tenant, site]) => ({ method: 'DELETE', path: pathOf('tenants', tenant, 'sites', site) }),
    display: { as: 'nothing' },
  });
}

function siteSettings(options: SiteOptions): object {
  return { location: options.location, rules: rulesFor(options) };
}
