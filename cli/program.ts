/** The command line `call-api`: help, completion and docs/cli.md are made from what is described here. @module */
import type { Command } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { addAdminCommands } from './admin/admin-program.ts';
import { addSharedOptions, CommandBuilder } from './commands/builder.ts';
import { addCallCommands } from './commands/call-commands.ts';
import { CliCommand } from './commands/cli-command.ts';
import { addQueryCommands } from './commands/query-commands.ts';
import type { Context } from './commands/session.ts';
import { addToolCommands } from './commands/tool-commands.ts';
import { EXIT, EXIT_MEANINGS } from './exit.ts';
import { addManageCommands } from './manage/manage-program.ts';

/** Creates the program. Nothing is done before it parses. */
export function createProgram(context: Context): Command {
  const program = new CliCommand('call-api')
    .description(
      'Start, hold, transfer and end phone calls of an OpenSIPS, and find out why they do not work.',
    )
    .version(manifest.version, '--version', 'Show the version')
    .helpOption('-h, --help', 'Show this help')
    .helpCommand('help [command]', 'Show the help of a command.')
    // Options of `admin` and `manage` have names that the program has too. So those of the program end at the command's name.
    .enablePositionalOptions()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void context.out.write(text),
      writeErr: (text) => void context.err.write(text),
    })
    .showHelpAfterError('Use --help to list the commands and options.')
    .exitOverride()
    .addHelpText('after', `\n${exitHelp()}`);
  addSharedOptions(program);
  const builder = new CommandBuilder(program, context);
  addCallCommands(builder);
  addQueryCommands(builder);
  addToolCommands(builder);
  addManageCommands(program, context);
  addAdminCommands(program, context);
  return program;
}

/** Creates the program for reading its commands: it prints nothing. */
export function createSilentProgram(): Command {
  const nowhere = { write: () => true };
  const { signal } = new AbortController();
  return createProgram({ env: {}, out: nowhere, err: nowhere, interrupt: signal, onExit: () => {} });
}

/** Returns the exit codes, for the end of the help. */
function exitHelp(): string {
  const rows = Object.entries(EXIT_MEANINGS).map(
    ([name, meaning]) => `  ${String(EXIT[name as keyof typeof EXIT]).padEnd(5)}${meaning}`,
  );
  return `Exit codes:\n${rows.join('\n')}`;
}
