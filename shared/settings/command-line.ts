/**
 * Reads the settings of a program whose command line consists of flags alone: `--name value`, `--name=value`, `--switch`,
 * `--help` and `-h`.
 * @module
 */
import { quote } from './quote.ts';
import { type Definitions, describeDefault, type Reading, readSettings, type Sources } from './settings.ts';

/** The values, or a text to print (`--help`), or a sentence for each mistake. */
export type CommandLine<D extends Definitions> = Reading<D> | { readonly help: string };

/** The parts of the help beside the list of flags. */
export interface Manual {
  /** How the program is called, and what it does. */
  readonly introduction: string;
  /** The meaning of each exit code. */
  readonly exitCodes: Readonly<Record<number, string>>;
}

/**
 * Reads flags, environment, file and defaults.
 * @param argv the arguments after the program's name
 */
export function readCommandLine<D extends Definitions>(
  definitions: D,
  manual: Manual,
  argv: readonly string[],
  sources: Omit<Sources, 'flags'>,
): CommandLine<D> {
  const flags: Record<string, string> = {};
  for (let at = 0; at < argv.length; at += 1) {
    const argument = argv[at] ?? '';
    if (argument === '--help' || argument === '-h') return { help: helpOf(definitions, manual) };
    const [, name = '', inline] = /^--([^=]+)(?:=(.*))?$/s.exec(argument) ?? [];
    const setting = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
    if (!setting || setting.isEnvironmentOnly) {
      const unknown = name === '' ? argument : `--${name}`;
      return { errors: [`Unknown argument ${quote(unknown)}. Use --help to list the flags.`] };
    }
    if (inline === undefined && setting.value !== undefined) {
      at += 1;
      const next = argv[at];
      if (next === undefined || next.startsWith('-'))
        return { errors: [`--${name} has no value. Write --${name} ${setting.value.toUpperCase()}.`] };
      flags[name] = next;
    } else {
      flags[name] = inline ?? 'true';
    }
  }
  return readSettings(definitions, { ...sources, flags });
}

/** Returns the help: each flag with its placeholder, its variable, what it is for and its default. */
function helpOf(definitions: Definitions, { introduction, exitCodes }: Manual): string {
  const flags = Object.entries(definitions)
    .filter(([, { isEnvironmentOnly }]) => !isEnvironmentOnly)
    .map(([name, setting]) => {
      const { value, env, help } = setting;
      const flag = value === undefined ? `--${name}` : `--${name} ${value.toUpperCase()}`;
      const variable = env === undefined ? '' : `   (${env})`;
      return `  ${flag}${variable}\n      ${help}.\n      Default: ${describeDefault(setting)}.\n`;
    });
  const codes = Object.entries(exitCodes).map(([code, meaning]) => `  ${code}  ${meaning}\n`);
  return `${introduction}

A flag overrides the environment variable in parentheses, which overrides the configuration file.

${flags.join('')}  --help, -h
      Show this help.

Exit codes:
${codes.join('')}`;
}
