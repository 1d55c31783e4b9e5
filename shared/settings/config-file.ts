/** Reads the configuration file: a JSON object whose keys are names of settings. @module */
import * as z from 'zod';
import { reasonOf } from './error-reason.ts';
import { alternatives, quote } from './quote.ts';
import type { Definitions, Sources } from './settings.ts';

export interface ConfigFile {
  /** Empty where no file is named. */
  readonly path: string;
  /** The text of each value by name. */
  readonly values: Readonly<Record<string, string | undefined>>;
}

/** A value may be a number or a boolean too, and a list an array. */
const ConfigValue = z.union([
  z.string(),
  z.number().transform(String),
  z.boolean().transform(String),
  z.array(z.string()).transform((list) => list.join(',')),
]);

/** Returns the texts that the file has, or a sentence for each mistake. Without a file there is no text. */
export function readConfigFile(
  definitions: Definitions,
  { flags, env, readFile, defaultConfigPath, configKeys = keysOf(definitions) }: Sources,
): ConfigFile | { readonly errors: readonly string[] } {
  const variable = definitions['config']?.env ?? '';
  const [origin, named] =
    flags['config'] === undefined ? [variable, env[variable] || undefined] : ['--config', flags['config']];
  const path = named ?? defaultConfigPath;
  if (!definitions['config'] || path === undefined) return { path: '', values: {} };
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    // The default file may be absent. One that is named must be there.
    if (named === undefined) return { path, values: {} };
    return {
      errors: [`${origin}: cannot read the file ${quote(path)}: ${reasonOf(error)}. Check the path.`],
    };
  }
  const object = z.record(z.string(), z.unknown()).safeParse(parse(text));
  if (!object.success)
    return {
      errors: [`The file ${quote(path)} is not a JSON object. Write it like {"${configKeys[0]}": "…"}.`],
    };
  const values: Record<string, string> = {};
  const errors: string[] = [];
  for (const [key, entry] of Object.entries(object.data)) {
    const value = ConfigValue.safeParse(entry);
    if (!configKeys.includes(key))
      errors.push(`${quote(key)} in ${path} is not a setting. Use ${alternatives(configKeys)}.`);
    else if (!value.success)
      errors.push(
        `${quote(key)} in ${path} has the wrong type. Use a string, a number, true, false or an array of strings.`,
      );
    else values[key] = value.data;
  }
  return errors.length > 0 ? { errors } : { path, values };
}

/** Returns the settings that may be in the file, by name. */
export function keysOf(definitions: Definitions): string[] {
  return Object.keys(definitions).filter(
    (name) => name !== 'config' && !definitions[name]?.isEnvironmentOnly,
  );
}

/** Returns the JSON value, or undefined. The message of `JSON.parse` quotes the text, which may be a credential. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
