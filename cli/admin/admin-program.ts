/** `call-api admin`: all commands of the administrator, as a part of the program. @module */
import { type Command, Option } from 'commander';
import type { Context } from '../commands/session.ts';
import { leavesOf, termOf } from '../commands/usage.ts';
import { EXIT } from '../exit.ts';
import { deliver } from '../output/stream-output.ts';
import { readAdminSettings } from '../settings/admin-settings.ts';
import { ADMIN_SETTINGS } from '../settings/definitions.ts';
import { flagsIn, optionsFor } from '../settings/reader.ts';
import { addAdministratorCommands } from './administrators.ts';
import { type AdminRequest, CommandGroup, type Display } from './command-group.ts';
import { addKeyCommands } from './keys.ts';
import { format } from './output.ts';
import { sendAdminRequest } from './request.ts';
import { addSiteCommands } from './sites.ts';
import { addAuditCommand, addTenantCommands } from './tenants.ts';
import { addWebhookCommands } from './webhooks.ts';

const ADMIN_ACCESS = {
  base: '/v1/admin',
  credential: 'the admin secret or key',
  origin: 'ADMIN_SECRET or --secret-file',
} as const;

const GROUPS = {
  administrator: addAdministratorCommands,
  tenant: addTenantCommands,
  site: addSiteCommands,
  key: addKeyCommands,
  webhook: addWebhookCommands,
} as const;

/** `admin` has fewer exit codes than the other commands: a secret that the edge refuses is a refusal like any other. */
const EXIT_HELP = `The admin secret, or the key of an administrator, is read from ADMIN_SECRET or --secret-file, because other users can see a flag in the process list.

Exit codes:
  0    done
  1    the edge rejected the request
  2    wrong usage: nothing was sent
  3    the edge cannot be reached`;

/** Adds `admin` to a program. Its options may stand anywhere behind it. */
export function addAdminCommands(program: Command, context: Context): void {
  const admin = program.command('admin');
  admin
    .description('Manage the tenants of an edge. Requires ADMIN_SECRET.')
    .enablePositionalOptions(false)
    .configureHelp({
      showGlobalOptions: true,
      // The program's own options have no meaning here.
      visibleGlobalOptions: (command) => (command === admin ? [] : [...admin.options]),
      visibleCommands: leavesOf,
      subcommandTerm: (command) => termOf(command, admin),
    })
    .addHelpText('after', `\n${EXIT_HELP}`);
  for (const option of optionsFor(ADMIN_SETTINGS)) admin.addOption(option);
  admin.addOption(new Option('--json', 'Print the response as JSON'));

  const run = async (request: AdminRequest, display: Display) => {
    const options: Record<string, unknown> = { ...program.opts(), ...admin.opts() };
    const settings = readAdminSettings(flagsIn(ADMIN_SETTINGS, options), context.env);
    const access = { ...settings, ...ADMIN_ACCESS };
    const answer = await sendAdminRequest(access, request, context.interrupt);
    const { out, hints, lost } = format(answer, display, { json: options['json'] === true });
    if (lost === undefined) context.out.write(out);
    else await deliver(context.out, out, lost);
    context.err.write(hints);
    context.onExit(EXIT.done);
  };
  for (const [name, addCommands] of Object.entries(GROUPS)) {
    const command = admin.command(name).description(`Create, change and list ${name}s.`);
    addCommands(new CommandGroup(command, run));
  }
  addAuditCommand(new CommandGroup(admin, run));
}
