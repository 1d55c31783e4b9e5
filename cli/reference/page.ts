/** Renders docs/cli.md from the program's commands. Pure. @module */
import type { Argument, Command, Option } from 'commander';
import { type Definitions, describeDefault } from '../../shared/settings/settings.ts';
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

${program.description()} In this repository, run it as \`npm run -s call-api -- …\`. \`npm run build:cli\` builds a single file,
\`dist/call-api.js\`, which runs on Node.js 20 or later without other files.

    call-api start alice bob --domain example.com
    call-api watch
    call-api doctor

On a terminal, each step is shown with the time since the start; in a pipe, as a plain line; and with \`--json\`, as one JSON object
per line. Hints and errors go to stderr. Ctrl-C while \`start\` is running ends the call and waits until it has ended. A second Ctrl-C
leaves at once.

| With \`--json\` | Each line |
|---|---|
| a command | \`{"method","event","data"?,"error"?,"seq"?}\`: its events ([protocol.md](protocol.md)), from \`Started\` to \`Ended\` |
| \`list\` | a call; \`get\`: \`{"call","timeline"}\` |
| \`watch\` | \`{"event":"Standing","call"}\` for each active call, then \`{"event","call","data"?}\` for each change, and \`{"event":"Up"}\` or \`{"event":"Down"}\` for the adapter |
| \`token\` | the response of [\`POST /v1/tokens\`](protocol.md) |
| \`doctor\` | \`{"check","state","says","mend"?}\`; \`state\` is \`well\`, \`ill\`, or \`unknown\` if it could not be checked |

## Settings

A flag overrides its environment variable, which overrides the configuration file, which overrides the default. The configuration
file is a JSON object with the names of the flags as keys, such as \`{"url": "wss://calls.example.com", "domain": "example.com"}\`. Its
path is \`call-api/config.json\` in \`$XDG_CONFIG_HOME\` (\`~/.config\`), unless \`--config\` or \`${SETTINGS.config.env}\` names another one.
\`admin\` reads the same file. \`HTTPS_PROXY\` and \`NO_PROXY\` lead through the proxy of a company: see
[operations.md](operations.md#company-networks).

${settingsTable(SETTINGS)}

These flags and \`--json\` can stand before or after the command.

## Exit codes

| Code | Meaning |
|---|---|
${Object.entries(EXIT_MEANINGS)
  .map(([name, meaning]) => `| ${EXIT[name as keyof typeof EXIT]} | ${cell(meaning)} |`)
  .join('\n')}

## Commands

${commands.map((command) => sectionOf(command, program)).join('\n')}
## Without an edge

With \`--direct HOST:PORT\`, the same commands are sent to the MI of an OpenSIPS over UDP, by the same state machines. They need no
edge, no adapter and no key: whoever reaches MI can do everything. \`--next-hop\` is the SIP address of OpenSIPS itself
([opensips.md](opensips.md)). Nothing is stored between two runs, so \`end\` accepts a Call-ID only, and \`list\`, \`get\` and \`watch\`
show active calls only. \`token\`, \`manage\` and \`admin\` need an edge.

## Doctor

\`doctor\` checks each part between this machine and the phones, and says what to do about each fault: the edge and its version, the
clock, the key or token and its scopes, the adapter, the round trip, MI, the version and the modules of OpenSIPS, how transfers and
holds are sent (\`engine\`), the event subscriptions, the events, and whether the first leg passes the routing script (\`loop\`). The
last check needs a call: use \`--test-address\` with a phone that may ring for a moment. If that phone refuses to be transferred, it
says so (\`phone\`). If the edge cannot be reached, it shows at which step the way ends: \`dns\`, \`tcp\`, \`proxy\`, \`tls\`.

Without an edge, \`doctor\` raises a test event to see whether it arrives, asks the test phone by OPTIONS whether it accepts transfers,
and tests the routing script with calls between two phones of its own. It registers them under random names that begin with
\`call-api-doctor-\`, over UDP and IPv4, from this machine to \`--next-hop\`. They show the traps of [opensips.md](opensips.md): a script that
does not answer for OpenSIPS itself (\`first leg\`), that swallows the NOTIFYs of transfers (\`notify\`), that asks for a password after
\`create_dialog()\` (\`challenge\`), or whose calls end after one refused request because of dialog pinging (\`pinging\`). At the end it hangs
up and removes the registrations. This takes 5 to 10 s, and your call records may show these calls. Where the script asks this
machine for a password, the calls cannot be made, and the checks that need them are \`unknown\`.

\`doctor\` exits with ${EXIT.unreachable} if the edge, the adapter or OpenSIPS cannot be reached, with ${EXIT.notAllowed} if the key or token is rejected, with ${EXIT.usage} if
\`--site\` is missing, and with ${EXIT.failed} if it finds any other fault. A check that could not be made (\`unknown\`) is not a fault.

## Completion

    source <(call-api completion bash)        # in ~/.bashrc
    source <(call-api completion zsh)         # in ~/.zshrc, after compinit
    call-api completion fish > ~/.config/fish/completions/call-api.fish

## Administration

\`call-api admin\`, or \`npm run admin\`: ${admin.description()} [administration.md](administration.md) explains what each command is for.
It exits with 0 when it is done, 1 if the edge rejected the request, 2 for wrong usage, and 3 if the edge cannot be reached.

${adminCommands
  .map((command) => `- \`${termOf(command, admin)}\`: ${command.description()}${flagsOf(command)}`)
  .join('\n')}

| Flag | Meaning |
|---|---|
${uniqueOptions(adminCommands)
  .map((option) => `| \`${option.flags}\` | ${aboutOf(option)} |`)
  .join('\n')}

Each command also accepts these flags, anywhere after \`admin\`, and \`--json\`, which prints the response as JSON:

${settingsTable(ADMIN_SETTINGS)}
`;
}

function settingsTable(definitions: Definitions): string {
  const rows = Object.entries(definitions).map(([name, setting]) => {
    const { value, env, help } = setting;
    const flag = setting.isEnvironmentOnly ? '' : `\`--${name} <${value}>\``;
    const variable = env === undefined ? '' : `\`${env}\``;
    return `| ${flag} | ${variable} | ${cell(`${help} (default: ${describeDefault(setting)})`)} |`;
  });
  return `| Flag | Variable | Meaning |\n|---|---|---|\n${rows.join('\n')}`;
}

function sectionOf(command: Command, program: Command): string {
  const rows = [
    ...command.registeredArguments.map((argument) => [`\`${argument.name()}\``, aboutOf(argument)]),
    ...visibleOptions(command).map((option) => [`\`${option.flags}\``, aboutOf(option)]),
  ];
  const table =
    rows.length === 0
      ? ''
      : `\n| Argument or flag | Meaning |\n|---|---|\n${rows.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n`;
  const leaves = leavesOf(command).map(
    (leaf) => `- \`${termOf(leaf, program)}\`: ${leaf.description()}${flagsOf(leaf)}\n`,
  );
  const list = leaves.length === 0 ? '' : `\n${leaves.join('')}`;
  return `### ${command.name()}\n\n\`call-api ${termOf(command, program)}\`: ${command.description()}\n${table}${list}`;
}

function aboutOf({ description, argChoices, defaultValue }: Argument | Option): string {
  const choices = argChoices ? `: ${argChoices.join(', ')}` : '';
  const standard = typeof defaultValue === 'string' ? ` (default: ${defaultValue})` : '';
  // The choices stand before the default.
  return cell(`${description.replace(/( \(default: .*\))?$/, `${choices}$1`)}${standard}`);
}

function flagsOf(command: Command): string {
  const flags = visibleOptions(command).map(({ long }) => `\`${long}\``);
  return flags.length === 0 ? '' : ` Flags: ${flags.join(', ')}.`;
}

function visibleOptions({ options }: Command): readonly Option[] {
  return options.filter(({ hidden }) => !hidden);
}

/** Returns the options of commands, each once; two with the same flag may have different defaults. */
function uniqueOptions(commands: readonly Command[]): Option[] {
  return [
    ...new Map(
      commands
        .flatMap(({ options }) => options)
        .map((option) => [`${option.flags} ${option.description}`, option]),
    ).values(),
  ];
}

/** Escapes a bar, which would end the cell. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
