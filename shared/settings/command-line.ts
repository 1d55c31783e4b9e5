/**
 * Reads the settings of a program whose command line consists of flags alone: `--name value`, `--name=value`, `--switch`,
 * `--help` and `-h`.
 * @module
 */
import { type Definitions, type Reading, readSettings, type Sources } from './settings.ts';

/** The values, or a text to print (`--help`), or a sentence for each mistake. */
export type CommandLine<D extends Definitions> = Reading<D> | { readonly help: string };

/**
 * Reads flags, environment, file and defaults.
 * @param introduction the text before the list of flags in the help
 * @param argv the arguments after the program's name
 */
export function readCommandLine<D extends Definitions>(
  definitions: D,
  introduction: string,
  argv: readonly string[],
  sources: Omit<Sources, 'flags'>,
): CommandLine<D> {
  const flags: Record<string, string> = {};
  for (let at = 0; at < argv.length; at += 1) {
    const argument = argv[at] ?? '';
    if (argument === '--help' || argument === '-h') return { help: helpOf(definitions, introduction) };
    const [, name = '', inline] = /^--([^=]+)(?:=(.*))?$/s.exec(argument) ?? [];
    const setting = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
    if (!setting || setting.isEnvironmentOnly) {
      const unknown = name === '' ? argument : `--${name}`;
      return { errors: [`Unknown argument: ${unknown}. --help lists the flags.`] };
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
function helpOf(definitions: Definitions, introduction: string): string {
  const entries = Object.entries(definitions)
    .filter(([, { isEnvironmentOnly }]) => !isEnvironmentOnly)
    .map(([name, { value, env, help, default: standard }]) => {
      const flag = value === undefined ? `--${name}` : `--${name} ${value.toUpperCase()}`;
      const variable = env === undefined ? '' : `   (${env})`;
      return `  ${flag}${variable}\n      ${help}${standard === undefined ? '' : `\n      default: ${standard}`}\n`;
    });
  return `${introduction}

A flag goes before the variable in brackets, and that before the file.

${entries.join('')}  --help, -h
      this text
`;
}
