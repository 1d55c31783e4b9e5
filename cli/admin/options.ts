/** The options of the admin commands, each described once, and the lists that they set. Pure. @module */
import { InvalidArgumentError, Option } from 'commander';
import { collect, parseWholeNumber } from '../commands/argument-parsers.ts';

/** Lists that `--clear` may empty. */
const LISTS = ['allow', 'deny', 'origin', 'address'] as const;

export interface ListOptions extends Partial<Record<(typeof LISTS)[number], readonly string[]>> {
  readonly clear?: readonly string[];
}

export interface PageOptions {
  readonly entries?: number;
  readonly before?: number;
}

export const LIMIT = new Option(
  '--limit <NAME=N>',
  'a limit, such as starts_per_second=10; NAME=default takes it back; may stand several times',
).argParser(collectLimit);

export const ALLOW = list(
  '--allow <PATTERN>',
  'where calls may go, such as *@example.com; the list replaces the one before',
);

export const DENY = list(
  '--deny <PATTERN>',
  'where they may not, such as +1900*@*; the list replaces the one before',
);

export const ORIGIN = list(
  '--origin <ORIGIN>',
  'web pages that may connect, such as https://app.example.com; replaces the list before',
);

export const CLEAR = new Option('--clear <LIST>', 'empties a list; may stand several times')
  .choices(LISTS)
  .argParser((text: string, previous?: readonly string[]) => {
    if (LISTS.some((name) => name === text)) return collect(text, previous);
    throw new InvalidArgumentError(`It takes ${LISTS.join(', ')}.`);
  });

export const KEPT_SECONDS = wholeNumber(
  '--kept-seconds <N>',
  'how long logs and the numbers in them are kept, 60 to 3600',
);

export const LOCATION = new Option(
  '--location <HINT>',
  'near where the site is made: wnam, enam, sam, weur, eeur, apac, oc, afr or me; it does not move later',
);

export const ROLE = new Option('--role <ROLE>', 'api (the default) or adapter');

export const SITE = new Option('--site <SITE>', 'the one site that the key is for; an adapter needs it');

export const SCOPE = list('--scope <SCOPE>', 'what the key may do, such as CallStart; all, if none is given');

export const GRACE = wholeNumber(
  '--grace <SECONDS>',
  'how long the old key still holds, at most 604800; now, if not given',
);

export const ENTRIES = wholeNumber('--entries <N>', 'so many entries, at most 1000');

export const BEFORE = wholeNumber('--before <N>', 'entries older than this number');

export const DELETED = new Option('--deleted', 'deleted ones too');

export const URL_OPTION = new Option('--url <URL>', 'where webhooks go');

export const EVENT = list(
  '--event <TYPE>',
  'which are sent, such as call.* or command.call_start.ended; the list replaces the one before',
);

export const ADDRESS = list(
  '--address <PATTERN>',
  'only what is about one of these, such as *@example.com; the list replaces the one before',
);

export const DESCRIPTION = new Option('--description <TEXT>', 'whatever helps to know it again');

export const ENABLE = new Option('--enable', 'sends what waits, and what comes').conflicts('disable');

export const DISABLE = new Option('--disable', 'sends nothing; what waits is kept');

export const STATE = new Option('--state <STATE>', 'waiting, delivered or failed');

/** Returns the new list, an empty one for `--clear`, or undefined where it remains unchanged. */
export function listFor(options: ListOptions, name: (typeof LISTS)[number]): readonly string[] | undefined {
  return options[name] ?? (options.clear?.includes(name) ? [] : undefined);
}

/** Returns the changes of the destination rules, or undefined where they remain unchanged. */
export function rulesFor(options: ListOptions): object | undefined {
  const rules = { allow: listFor(options, 'allow'), deny: listFor(options, 'deny') };
  return rules.allow || rules.deny ? rules : undefined;
}

function list(flags: string, help: string): Option {
  return new Option(flags, `${help}; may stand several times`).argParser(collect);
}

function wholeNumber(flags: string, help: string): Option {
  return new Option(flags, help).argParser(parseWholeNumber);
}

/** Adds a limit as `NAME=N` to those before it; null takes it back to its default. */
function collectLimit(
  text: string,
  previous: Readonly<Record<string, number | null>> = {},
): Readonly<Record<string, number | null>> {
  const [, name, value] = /^([a-z_]+)=(default|\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError('It takes NAME=N or NAME=default.');
  return { ...previous, [name]: value === 'default' ? null : Number(value) };
}
