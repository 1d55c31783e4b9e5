/** Reads the command line of the administrator. Pure. @module */
import { parseArgs } from 'node:util';
import {
  type AdminRequest,
  COMMANDS,
  COMMON,
  type Command,
  FLAGS,
  type FlagName,
  type Shown,
  WrongUsage,
} from './admin-commands.ts';

/** What is to be done, or a text to print (`--help`), or what is wrong and what to write. */
export type Reading =
  | {
      readonly request: AdminRequest;
      readonly shown: Shown;
      readonly json: boolean;
      /** The edge's origin, http or https. */
      readonly edge: string;
      readonly secretFile: string | undefined;
    }
  | { readonly help: string }
  | { readonly wrong: string };

/** Where `npm start` serves. */
const LOCAL_EDGE = 'http://localhost:5059';

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]'];

/** @param argv the arguments after the program's name */
export function readArguments(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Reading {
  try {
    return read(argv, env);
  } catch (error) {
    if (error instanceof WrongUsage) return { wrong: error.message };
    throw error;
  }
}

function read(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Reading {
  const { values, positionals } = parse(argv);
  const name = [positionals.slice(0, 2).join(' '), positionals[0] ?? ''].find((name) =>
    Object.hasOwn(COMMANDS, name),
  );
  const command = name === undefined ? undefined : COMMANDS[name];
  if (values.has('help')) return { help: name && command ? helpOf(name, command) : help() };
  if (!name || !command) {
    throw new WrongUsage(
      positionals.length === 0
        ? 'say what to do; --help lists the commands'
        : `there is no command ${positionals.slice(0, 2).join(' ')}; --help lists them`,
    );
  }
  const args = positionals.slice(name.split(' ').length);
  const usage = `write: ${[name, ...command.takes].join(' ')}`;
  const needed = command.takes.filter((each) => !each.startsWith('['));
  if (args.length < needed.length) throw new WrongUsage(`${needed[args.length]} is missing; ${usage}`);
  if (args.length > command.takes.length)
    throw new WrongUsage(`${args[command.takes.length]} is too much; ${usage}`);
  for (const flag of values.keys()) {
    if (COMMON.includes(flag) || command.flags.includes(flag)) continue;
    throw new WrongUsage(`${name} takes no --${flag}; ${name} --help lists what it takes`);
  }
  const many = (flag: FlagName) => values.get(flag);
  const one = (flag: FlagName) => values.get(flag)?.at(-1);
  return {
    request: command.request({ args, one, many, is: (flag) => values.has(flag) }),
    shown: command.shown,
    json: values.has('json'),
    edge: edgeOf(one('edge') ?? (env['EDGE_URL'] || LOCAL_EDGE)),
    secretFile: one('secret-file'),
  };
}

/** Flags that were given; of one without a value the list is empty. */
function parse(argv: readonly string[]): {
  values: Map<FlagName, readonly string[]>;
  positionals: readonly string[];
} {
  const names = Object.keys(FLAGS) as FlagName[];
  const options = Object.fromEntries(
    names.map((name) => {
      const type: 'string' | 'boolean' = 'value' in FLAGS[name] ? 'string' : 'boolean';
      return [name, { type, multiple: true, ...(name === 'help' ? { short: 'h' } : {}) }];
    }),
  );
  const values = new Map<FlagName, readonly string[]>();
  let parsed: ReturnType<typeof parseArgs>;
  try {
    parsed = parseArgs({ args: [...argv], options, allowPositionals: true });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new WrongUsage(`${message}. --help lists the flags`);
  }
  for (const name of names) {
    const given = parsed.values[name];
    if (Array.isArray(given))
      values.set(
        name,
        given.filter((value) => typeof value === 'string'),
      );
  }
  return { values, positionals: parsed.positionals };
}

/** The address that the adapter takes is taken too. The secret goes in the clear to this machine only. */
function edgeOf(text: string): string {
  const url = URL.parse(text.replace(/^ws/i, 'http'));
  if (!url || !/^https?:$/.test(url.protocol))
    throw new WrongUsage(`${text} is no address of an edge; write it like https://calls.example.com`);
  if (url.protocol === 'http:' && !LOOPBACK.includes(url.hostname))
    throw new WrongUsage(`${url.origin} would carry the admin secret in the clear; use https`);
  return url.origin;
}

function help(): string {
  const width = Math.max(...Object.keys(COMMANDS).map((name) => usageOf(name).length));
  const rows = Object.entries(COMMANDS).map(
    ([name, { help }]) => `  ${usageOf(name).padEnd(width)}  ${help}`,
  );
  return `Administers the tenants of an edge.

  npm run admin -- COMMAND [flags]

${rows.join('\n')}

Every command takes:
${flagRows(COMMON)}

The admin secret is read from ADMIN_SECRET or from --secret-file; a flag's value can be read in the list of processes.
COMMAND --help tells its flags. It exits with 0 when it is done, 1 when the edge refuses it, 2 when it is not
understood, 3 when the edge is not reached.
`;
}

function helpOf(name: string, { help, flags }: Command): string {
  return `${usageOf(name)}: ${help}.\n\n${flagRows([...flags, ...COMMON])}\n`;
}

function usageOf(name: string): string {
  return [name, ...(COMMANDS[name]?.takes ?? [])].join(' ');
}

function flagRows(flags: readonly FlagName[]): string {
  const rows = flags.map((name) => {
    const flag: { value?: string; multiple?: true; help: string } = FLAGS[name];
    const left = [`--${name}`, ...(flag.value ? [flag.value] : [])].join(' ');
    return [left, flag.multiple ? `${flag.help}; may stand several times` : flag.help] as const;
  });
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, text]) => `  ${left.padEnd(width)}  ${text}`).join('\n');
}
