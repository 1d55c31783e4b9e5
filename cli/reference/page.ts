/** Renders docs/cli.md from the program's commands. Pure. @module */
import type { Argument, Command, Option } from 'commander';
import type { Definitions } from '../../shared/settings/settings.ts';
import { leavesOf, termOf } from '../commands/usage.ts';
import { EXIT, EXIT_MEANINGS } from '../exit.ts';
import { ADMIN_SETTINGS, SETTINGS } from '../settings/definitions.ts';

/** Returns the whole page. */
export function renderPage(program: Command): string {
  const commands = program.commands.filter((command) => command.name() !== 'admin');
  const [admin = program] = program.commands.filter((command) => command.name() === 'admin');
  const adminCommands = leavesOf(admin);
  return `# call-api: the command line

<!-- Made from the commands themselves: npm run docs:cli -->

${program.description()} In this repository it is \`npm run -s call-api -- …\`; \`npm run build:cli\` makes one file of it,
\`dist/call-api.js\`, which needs nothing but Node 20 or newer.

    call-api start alice bob --domain example.com
    call-api watch
    call-api doctor

On a terminal each step is shown with the time since the beginning, in a pipe as a plain line, and with \`--json\` as one object a
line. What is not the result goes to stderr. Ctrl-C while \`start\` runs ends the call and waits for its end; a second one leaves
at once.

| with \`--json\` | each line |
|---|---|
| a command | \`{"method","event","data"?,"error"?,"seq"?}\`: what is told of it ([protocol.md](protocol.md)), from \`Started\` to \`Ended\` |
| \`list\` | a call; \`get\`: \`{"call","timeline"}\` |
| \`watch\` | \`{"event":"Standing","call"}\` for what stands, then \`{"event","call","data"?}\` for each change, \`{"event":"Up"}\` or \`{"event":"Down"}\` for the adapter |
| \`token\` | the answer of [\`POST /v1/tokens\`](protocol.md) |
| \`doctor\` | \`{"check","state","says","mend"?}\`; \`state\` is \`well\`, \`ill\`, or \`unknown\` for what could not be checked |

## Settings

A flag goes before its variable, that before the file, and that before the default. The file holds an object of JSON with the
names of the flags as keys, such as \`{"url": "wss://calls.example.com", "domain": "example.com"}\`; it is \`call-api/config.json\`
in \`$XDG_CONFIG_HOME\` (\`~/.config\`), or what \`--config\` or \`${SETTINGS.config.env}\` names. \`admin\`
reads the same file.

${settingsTable(SETTINGS)}

These and \`--json\` may stand before or behind the command.

## Exit codes

| code | |
|---|---|
${Object.entries(EXIT_MEANINGS)
  .map(([name, meaning]) => `| ${EXIT[name as keyof typeof EXIT]} | ${cell(meaning)} |`)
  .join('\n')}

## Commands

${commands.map((command) => sectionOf(command, program)).join('\n')}
## Without an edge

With \`--direct HOST:PORT\` the same commands go straight to the MI of an OpenSIPS, over UDP, with the same state machines; no edge
and no adapter is needed, and nobody is asked for a key: whoever reaches MI may do all. \`--next-hop\` is OpenSIPS's own SIP
address ([opensips.md](opensips.md)). Nothing is kept between two runs, so \`end\` takes a Call-ID only, and \`list\`, \`get\` and
\`watch\` tell of the calls that stand. \`token\` and \`admin\` are the edge's.

## Doctor

It goes the way from here to the phones and says of each place whether it is well, and if not, what mends it: the edge and its
version, the clock, the key or token and what it may do, the adapter and since when it is connected, the round trip, MI, the
version and the modules of OpenSIPS, the subscriptions and when they lapse, the events, and the loop of the first leg through
the script (\`next_hop\`). The last needs a call: give \`--test-address\` a phone that may ring for a moment. Without an edge an
event is raised instead to see whether it arrives. It exits with 1 where something is ill.

## Completion

    source <(call-api completion bash)        # in ~/.bashrc
    source <(call-api completion zsh)         # in ~/.zshrc, after compinit
    call-api completion fish > ~/.config/fish/completions/call-api.fish

## Administration

\`call-api admin\` is \`npm run admin\`: ${admin.description()}. [administration.md](administration.md) tells what each is for.
It exits with 0 when it is done, 1 when the edge refuses it, 2 when it is not understood, 3 when the edge is not reached.

${adminCommands
  .map((command) => `- \`${termOf(command, admin)}\`: ${command.description()}${flagsOf(command)}`)
  .join('\n')}

| flag | |
|---|---|
${uniqueOptions(adminCommands)
  .map((option) => `| \`${option.flags}\` | ${aboutOf(option)} |`)
  .join('\n')}

Each of them takes these, anywhere behind \`admin\`, and \`--json\`, which prints the answer as JSON:

${settingsTable(ADMIN_SETTINGS)}
`;
}

function settingsTable(definitions: Definitions): string {
  const rows = Object.entries(definitions).map(
    ([name, { value, env, help, default: standard, ...setting }]) => {
      const flag = setting.isEnvironmentOnly ? '' : `\`--${name} <${value}>\``;
      const variable = env === undefined ? '' : `\`${env}\``;
      return `| ${flag} | ${variable} | ${cell(help)}${standard === undefined ? '' : ` (default: ${standard})`} |`;
    },
  );
  return `| flag | variable | |\n|---|---|---|\n${rows.join('\n')}`;
}

function sectionOf(command: Command, program: Command): string {
  const rows = [
    ...command.registeredArguments.map((argument) => [`\`${argument.name()}\``, aboutOf(argument)]),
    ...visibleOptions(command).map((option) => [`\`${option.flags}\``, aboutOf(option)]),
  ];
  const table =
    rows.length === 0
      ? ''
      : `\n| | |\n|---|---|\n${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n`;
  return `### ${command.name()}\n\n\`call-api ${termOf(command, program)}\`: ${command.description()}.\n${table}`;
}

function aboutOf({ description, argChoices, defaultValue }: Argument | Option): string {
  const choices = argChoices ? `${description === '' ? '' : ': '}${argChoices.join(', ')}` : '';
  const standard = typeof defaultValue === 'string' ? ` (default: \`${defaultValue}\`)` : '';
  return cell(`${description}${choices}${standard}`);
}

function flagsOf(command: Command): string {
  const flags = visibleOptions(command).map(({ long }) => `\`${long}\``);
  return flags.length === 0 ? '' : ` (${flags.join(', ')})`;
}

function visibleOptions({ options }: Command): readonly Option[] {
  return options.filter(({ hidden }) => !hidden);
}

/** Returns the options of commands, each once. */
function uniqueOptions(commands: readonly Command[]): Option[] {
  return [
    ...new Map(commands.flatMap(({ options }) => options).map((option) => [option.flags, option])).values(),
  ];
}

/** Escapes a bar, which would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
