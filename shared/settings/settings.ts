/**
 * Reads the settings of a program from its flags, environment variables, configuration file and defaults, in that order of
 * precedence. Pure but for the `readFile` that it is given.
 * @module
 */
import type * as z from 'zod';
import { type ConfigFile, readConfigFile } from './config-file.ts';
import { reasonOf } from './error-reason.ts';
import { quote } from './quote.ts';

/** One setting, described once. Its name is its flag and its key in the configuration file. */
export interface Setting {
  /** Placeholder of the value, such as `host:port`. A setting without one is a switch. */
  readonly value?: string;
  /** The environment variable. */
  readonly env?: string;
  /** Used where nothing is given; read like any other text. */
  readonly default?: string;
  /** Describes the default in the help, where it is not a fixed text. */
  readonly defaultHelp?: string;
  /** What it is for, without the final period. */
  readonly help: string;
  /** Reads the text of a value. Its error message completes the sentence `--flag: "text" …`, and says what to write. */
  readonly type: z.ZodType<unknown, string>;
  /** Set for credentials: error messages do not print the value. */
  readonly isSecret?: true;
  /** Set for what must not appear in the list of processes: there is no flag, and no key in the file. */
  readonly isEnvironmentOnly?: true;
  /** Names the setting whose value is the content of the file that this one names. */
  readonly fileFor?: string;
}

/** All settings of a program by name. The one named `config`, if there is one, is the path of the configuration file. */
export type Definitions = Readonly<Record<string, Setting>>;

/** The values by name; what is not given and has no default is undefined. */
export type Values<D extends Definitions> = {
  readonly [N in keyof D as D[N] extends { readonly fileFor: string } ? never : N]:
    | z.output<D[N]['type']>
    | (D[N] extends { readonly default: string } ? never : undefined);
};

/** Where a value comes from. */
export interface Origin {
  readonly from: 'flag' | 'environment' | 'file' | 'default';
  /** What the user wrote it as: `--url`, `CALL_API`, or `"url" in config.json`. */
  readonly name: string;
}

export interface Sources {
  /** Text of each flag by name. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  /** An empty variable counts as unset: that is how compose files and shells leave one out. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Returns the content of a file; may throw. */
  readonly readFile: (path: string) => string;
  /** The configuration file where none is named. It may be absent. */
  readonly defaultConfigPath?: string | undefined;
  /** Keys that the configuration file may have, where other parts of the program read it too. */
  readonly configKeys?: readonly string[];
}

/** The values and where each comes from, or a sentence for each mistake. */
export type Reading<D extends Definitions> =
  | {
      readonly values: Values<D>;
      readonly origins: { readonly [N in keyof D]?: Origin };
    }
  | { readonly errors: readonly string[] };

interface Found {
  readonly text: string;
  readonly origin: Origin;
}

/** Returns the default as the help shows it. */
export function describeDefault({ default: text, defaultHelp }: Setting): string {
  return text ?? defaultHelp ?? 'none';
}

/** Reads all settings; reports all mistakes at once. */
export function readSettings<D extends Definitions>(definitions: D, sources: Sources): Reading<D> {
  const file = readConfigFile(definitions, sources);
  if ('errors' in file) return file;
  const values: Record<string, unknown> = {};
  const origins: Record<string, Origin> = {};
  const errors: string[] = [];
  for (const [name, setting] of Object.entries(definitions)) {
    if (setting.fileFor !== undefined) continue;
    values[name] = undefined;
    const found = find(name, definitions, sources, file);
    if (found === undefined) continue;
    if ('error' in found) {
      errors.push(found.error);
      continue;
    }
    const parsed = setting.type.safeParse(found.text);
    if (parsed.success) {
      values[name] = parsed.data;
      origins[name] = found.origin;
    } else {
      const shown = setting.isSecret ? 'the value' : quote(withoutCredentials(found.text));
      for (const { message } of parsed.error.issues) errors.push(`${found.origin.name}: ${shown} ${message}`);
    }
  }
  if (errors.length > 0) return { errors };
  return { values: values as Values<D>, origins: origins as { readonly [N in keyof D]?: Origin } };
}

/** Returns the text of highest precedence, be it given itself or in a file. Of two from one source, the text counts. */
function find(
  name: string,
  definitions: Definitions,
  { flags, env, readFile }: Sources,
  file: ConfigFile,
): Found | { readonly error: string } | undefined {
  const fileSetting = Object.keys(definitions).find((other) => definitions[other]?.fileFor === name);
  const candidates = fileSetting === undefined ? [name] : [name, fileSetting];
  for (const from of ['flag', 'environment', 'file'] as const) {
    for (const candidate of candidates) {
      const { env: variable = '' } = definitions[candidate] ?? {};
      const given = {
        flag: [`--${candidate}`, flags[candidate]],
        environment: [variable, env[variable] || undefined],
        file: [`"${candidate}" in ${file.path}`, file.values[candidate]],
      } as const;
      const [origin, text] = given[from];
      if (text === undefined) continue;
      const found = { text, origin: { from, name: origin } };
      return candidate === name ? found : contentOf(found, readFile);
    }
  }
  const standard = definitions[name]?.default;
  return standard === undefined
    ? undefined
    : { text: standard, origin: { from: 'default', name: `--${name}` } };
}

/** A name as long as this, without a folder, may be the credential itself, given in the place of its file. */
const MAYBE_CREDENTIAL = /^[^/\\]{40,}$/;

/** Reads the file that a setting names; white space at the ends is not part of a credential. */
function contentOf(
  { text: path, origin }: Found,
  readFile: (path: string) => string,
): Found | { readonly error: string } {
  const isCredential = MAYBE_CREDENTIAL.test(path);
  const file = isCredential ? 'the file' : `the file ${quote(path)}`;
  try {
    const text = readFile(path).trim();
    if (text !== '') return { text, origin };
    return { error: `${origin.name}: ${file} is empty. Write the value into it.` };
  } catch (error) {
    const remedy = isCredential ? 'Use the path of a file, not the value itself.' : 'Check the path.';
    return { error: `${origin.name}: cannot read ${file}: ${reasonOf(error)}. ${remedy}` };
  }
}

/** Hides what may be a secret in a URL: user and password, and a token in the query. */
function withoutCredentials(text: string): string {
  return text.replace(/\/\/[^/@\s]*@/, '//[hidden]@').replace(/([?&]access_token=)[^&#\s]*/g, '$1[hidden]');
}
