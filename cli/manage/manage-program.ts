/** `call-api manage`: a tenant manages its own keys, origins, webhooks and rules. @module */
import { type Command, Option } from 'commander';
import { CommandGroup, type RunRequest, withQuery } from '../admin/command-group.ts';
import { addKeyCommands } from '../admin/keys.ts';
import {
  ALLOW,
  AUDIT_ENTRIES,
  BEFORE,
  CLEAR,
  DENY,
  type ListOptions,
  listFor,
  ORIGIN,
  type PageOptions,
  rulesFor,
} from '../admin/options.ts';
import { format } from '../admin/output.ts';
import { sendAdminRequest } from '../admin/request.ts';
import { AUDIT_TRAIL } from '../admin/tenants.ts';
import { addWebhookCommands } from '../admin/webhooks.ts';
import type { Context } from '../commands/session.ts';
import { leavesOf, termOf } from '../commands/usage.ts';
import { EXIT, Failure } from '../exit.ts';
import { deliver } from '../output/stream-output.ts';
import { SETTINGS } from '../settings/definitions.ts';
import { flagsIn, optionsFor } from '../settings/reader.ts';
import { readCallSettings } from '../settings/settings.ts';

const MANAGE_ACCESS = {
  base: '/v1/manage',
  credential: 'the API key',
  origin: 'CALL_API_TOKEN or --token-file',
} as const;

/** The settings that these commands use. The site is an argument. */
const { url, token, 'token-file': tokenFile, ca, config } = SETTINGS;
const MANAGE_SETTINGS = { url, token, 'token-file': tokenFile, ca, config } as const;

/** Adds `manage` to a program. Its options may stand anywhere behind it. */
export function addManageCommands(program: Command, context: Context): void {
  const manage = program.command('manage');
  manage
    .description(
      'Manage the keys, origins, webhooks and rules of your tenant. Requires an API key with the scope manage.',
    )
    .enablePositionalOptions(false)
    .configureHelp({
      showGlobalOptions: true,
      visibleGlobalOptions: (command) => (command === manage ? [] : [...manage.options]),
      visibleCommands: leavesOf,
      subcommandTerm: (command) => termOf(command, manage),
    });
  for (const option of optionsFor(MANAGE_SETTINGS)) manage.addOption(option);
  manage.addOption(new Option('--json', 'Print the response as JSON'));

  const run: RunRequest = async (request, display) => {
    const options: Record<string, unknown> = { ...program.opts(), ...manage.opts() };
    const { edge, token: key, network } = readCallSettings(flagsIn(MANAGE_SETTINGS, options), context.env);
    if (key === undefined)
      throw new Failure(EXIT.usage, 'The API key is missing. Set CALL_API_TOKEN or use --token-file.');
    const access = { edge: edge.origin, secret: key, network, ...MANAGE_ACCESS };
    const answer = await sendAdminRequest(access, request, context.interrupt);
    const { out, hints, lost } = format(answer, display, { json: options['json'] === true, isOwn: true });
    if (lost === undefined) context.out.write(out);
    else await deliver(context.out, out, lost);
    context.err.write(hints);
    context.onExit(EXIT.done);
  };
  addOwnCommands(new CommandGroup(manage, run));
  const group = (name: string) =>
    new CommandGroup(manage.command(name).description(`Create, change and list ${name}s.`), run, {
      isOwn: true,
    });
  addKeyCommands(group('key'), { roles: false });
  addWebhookCommands(group('webhook'));
}

function addOwnCommands(group: CommandGroup): void {
  group.add({
    usage: 'show',
    summary: 'Show the rules and origins of your tenant, and what you may change.',
    request: () => ({ method: 'GET', path: '' }),
    display: { as: 'fields' },
  });
  group.add<ListOptions>({
    usage: 'set',
    summary: 'Change the rules and origins of your tenant. Those of the administrator apply as well.',
    options: [ALLOW, DENY, ORIGIN, CLEAR],
    request: (_, options) => ({
      method: 'PATCH',
      path: '',
      body: { rules: rulesFor(options), origins: listFor(options, 'origin') },
    }),
    display: { as: 'fields' },
  });
  group.add({
    usage: 'sites',
    summary: 'List the sites of your tenant.',
    request: () => ({ method: 'GET', path: '/sites' }),
    display: { as: 'table', list: 'sites', columns: ['id', 'created'] },
  });
  group.add<PageOptions>({
    usage: 'audit',
    summary: 'List what the API keys of your tenant have changed, newest first.',
    options: [AUDIT_ENTRIES, BEFORE],
    request: (_, { entries, before }) => ({
      method: 'GET',
      path: withQuery('/audit', { limit: entries, before }),
    }),
    display: AUDIT_TRAIL,
  });
}
