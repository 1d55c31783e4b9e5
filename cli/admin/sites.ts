/** The commands about sites: `site create`, `site list` … Pure. @module */

import { ADAPTER_OPTIONS, type AdapterOptions, adaptersFor } from './adapter-options.ts';
import { type CommandGroup, pathOf } from './command-group.ts';
import { LINK_OPTIONS, type LinkOptions, linkFor } from './link-options.ts';
import { ALLOW, CLEAR, DENY, type ListOptions, LOCATION, rulesFor } from './options.ts';

interface SiteOptions extends ListOptions, LinkOptions, AdapterOptions {
  readonly location?: string;
}

const SITE_OPTIONS = [LOCATION, ALLOW, DENY, CLEAR, ...LINK_OPTIONS, ...ADAPTER_OPTIONS];

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
    display: { as: 'table', list: 'sites', columns: ['id', 'location', 'rules', 'link', 'created'] },
  });
  group.add({
    usage: 'show <TENANT> <SITE>',
    summary: 'Show a site with its limits, the bytes that it stores, and its adapter with its versions.',
    request: ([tenant, site]) => ({ method: 'GET', path: pathOf('tenants', tenant, 'sites', site) }),
    display: { as: 'fields' },
  });
  group.add<SiteOptions>({
    usage: 'set <TENANT> <SITE>',
    summary:
      'Change the rules of a site, who opens the link to its adapter, or how several adapters share it.',
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
  return {
    location: options.location,
    rules: rulesFor(options),
    link: linkFor(options),
    ...adaptersFor(options),
  };
}
