/** The commands about webhooks and their deliveries: `webhook create`, `webhook list` … Pure. @module */
import { type CommandGroup, pathOf, withQuery } from './command-group.ts';
import {
  ADDRESS,
  BEFORE,
  CLEAR,
  DELIVERY_ENTRIES,
  DESCRIPTION,
  DISABLE,
  ENABLE,
  EVENT,
  type ListOptions,
  listFor,
  type PageOptions,
  SECRET_GRACE,
  STATE,
  URL_OPTION,
} from './options.ts';

interface WebhookOptions extends ListOptions {
  readonly url?: string;
  readonly event?: readonly string[];
  readonly description?: string;
  readonly enable?: true;
  readonly disable?: true;
}

const WEBHOOK_COLUMNS = [
  'id',
  'url',
  'events',
  'addresses',
  'enabled',
  'behind',
  'waiting',
  'failed',
  'dropped',
];
const DELIVERY_COLUMNS = ['n', 'webhook_id', 'type', 'state', 'created', 'next_try', 'attempts'];

export function addWebhookCommands(group: CommandGroup): void {
  group.add<WebhookOptions>({
    usage: 'create <TENANT> <SITE> <URL>',
    summary: 'Create a webhook for the events of a site, and print its secret. It is shown only once.',
    options: [EVENT, ADDRESS, DESCRIPTION],
    request: ([tenant, site, url], options) => ({
      method: 'POST',
      path: webhookPath(tenant, site),
      body: { ...webhookSettings(options), url },
    }),
    display: { as: 'secret' },
  });
  group.add({
    usage: 'list <TENANT> <SITE>',
    summary: 'List the webhooks of a site, with their waiting and failed deliveries.',
    request: ([tenant, site]) => ({ method: 'GET', path: webhookPath(tenant, site) }),
    display: { as: 'table', list: 'webhooks', columns: WEBHOOK_COLUMNS },
  });
  group.add({
    usage: 'show <TENANT> <SITE> <WEBHOOK-ID>',
    summary: 'Show a webhook and its public keys.',
    request: (args) => ({ method: 'GET', path: webhookPath(...args) }),
    display: { as: 'fields' },
  });
  group.add<WebhookOptions>({
    usage: 'set <TENANT> <SITE> <WEBHOOK-ID>',
    summary: 'Change a webhook.',
    options: [URL_OPTION, EVENT, ADDRESS, DESCRIPTION, CLEAR, ENABLE, DISABLE],
    request: (args, options) => ({
      method: 'PATCH',
      path: webhookPath(...args),
      body: webhookSettings(options),
    }),
    display: { as: 'fields' },
  });
  group.add<{ readonly grace?: number }>({
    usage: 'rotate <TENANT> <SITE> <WEBHOOK-ID>',
    summary: 'Replace the secret of a webhook, and print the new one.',
    options: [SECRET_GRACE],
    request: (args, { grace }) => ({
      method: 'POST',
      path: webhookPath(...args, 'rotate'),
      body: { grace },
    }),
    display: { as: 'secret' },
  });
  group.add({
    usage: 'delete <TENANT> <SITE> <WEBHOOK-ID>',
    summary: 'Delete a webhook with its waiting deliveries.',
    request: (args) => ({ method: 'DELETE', path: webhookPath(...args) }),
    display: { as: 'nothing' },
  });
  group.add({
    usage: 'test <TENANT> <SITE> <WEBHOOK-ID>',
    summary: 'Send a test event.',
    request: (args) => ({ method: 'POST', path: webhookPath(...args, 'test') }),
    display: { as: 'fields' },
  });
  group.add<PageOptions & { readonly state?: string }>({
    usage: 'deliveries <TENANT> <SITE> <WEBHOOK-ID>',
    summary: 'List the deliveries of a webhook with their attempts, newest first.',
    options: [STATE, DELIVERY_ENTRIES, BEFORE],
    request: (args, { state, entries, before }) => ({
      method: 'GET',
      path: withQuery(webhookPath(...args, 'deliveries'), { state, limit: entries, before }),
    }),
    display: { as: 'table', list: 'deliveries', columns: DELIVERY_COLUMNS },
  });
  group.add({
    usage: 'replay <TENANT> <SITE> <WEBHOOK-ID> <N>',
    summary: 'Send a delivery again.',
    request: ([tenant, site, webhook, number]) => ({
      method: 'POST',
      path: webhookPath(tenant, site, webhook, 'deliveries', number, 'replay'),
    }),
    display: { as: 'fields' },
  });
}

function webhookPath(tenant?: string, site?: string, ...rest: readonly (string | undefined)[]): string {
  return pathOf('tenants', tenant, 'sites', site, 'webhooks', ...rest);
}

function webhookSettings(options: WebhookOptions): object {
  const { url, event, description, enable, disable } = options;
  return {
    url,
    events: event,
    addresses: listFor(options, 'address'),
    description,
    enabled: enable ? true : disable ? false : undefined,
  };
}
