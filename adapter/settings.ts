/**
 * What the adapter is told: flags, then environment, then an optional file, then defaults.
 * @module
 */
import { parseArgs } from 'node:util';
import * as z from 'zod';
import { CONFIG_ENV, help, NAMES, type Name, OPTIONS } from './options.ts';

/** A UDP address as `HOST:PORT` gives it. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Settings {
  /** Where OpenSIPS takes MI datagrams. */
  readonly opensips: Address;
  /** The edge's WebSocket for adapters. */
  readonly edge: string;
  /** The adapter's key; an open local edge needs none. */
  readonly key: string | undefined;
  /** The SIP address through which a first leg passes the routing script. */
  readonly sipNextHop: string;
  /** The adapter's own name, the same across restarts. */
  readonly name: string;
  /** Where events are taken; unset: the local address that reaches OpenSIPS, any port. */
  readonly events: Address | undefined;
  /** MI methods that the edge may ask for. */
  readonly allow: ReadonlySet<string>;
  /** Messages kept for replay. */
  readonly buffer: number;
  /** Life of an event subscription in seconds. */
  readonly subscription: number;
  readonly logLevel: string;
}

/** Settings, or a text to print (`--help`), or what is wrong: a sentence for each mistake. */
export type Reading =
  | { readonly settings: Settings }
  | { readonly help: string }
  | { readonly errors: readonly string[] };

const IPV4 = z.ipv4();

const HostPort = z.string().transform((text, context): Address => {
  const match = /^([^\s:/@]+):(\d{1,5})$/.exec(text);
  const [, host = '', port = ''] = match ?? [];
  if (match && Number(port) <= 65_535) return { host, port: Number(port) };
  context.addIssue({ code: 'custom', message: 'is no HOST:PORT; write it like 127.0.0.1:8080' });
  return z.NEVER;
});

const WebSocketUrl = z.string().refine(
  (text) => {
    const url = URL.parse(text);
    // A fragment is an error there (RFC 6455 §3).
    return url !== null && /^wss?:$/.test(url.protocol) && url.hash === '';
  },
  { message: 'is no WebSocket address; write it like wss://calls.example.com/adapter' },
);

const WholeNumber = (least: number, most: number) =>
  z
    .string()
    .transform((text) => (/^\d+$/.test(text) ? Number(text) : Number.NaN))
    .refine((n) => n >= least && n <= most, { message: `must be a whole number from ${least} to ${most}` });

/** Every value arrives as a string; a fault's message continues the sentence "`--flag` …". */
const SettingsSchema = z.object({
  opensips: HostPort.refine(({ port }) => port > 0, { message: 'needs a port from 1 to 65535' }),
  edge: WebSocketUrl,
  // A header takes no control characters and no spaces (RFC 9110 §11.6.2, token68).
  key: z.optional(z.string().regex(/^[\x21-\x7e]+$/, 'holds a space or a character that no key has')),
  'sip-next-hop': z.string().regex(/^sips?:[^\s<>?"]+$/i, 'is no SIP URI; write it like sip:127.0.0.1:5060'),
  name: z.string().max(128, 'is longer than 128 characters'),
  events: z.optional(
    HostPort.refine(({ host }) => IPV4.safeParse(host).success && host !== '0.0.0.0', {
      message:
        'needs an IPv4 address that OpenSIPS reaches, like 10.0.0.5:5061 (OpenSIPS speaks no IPv6 here)',
    }),
  ),
  allow: z
    .string()
    .transform((text) => text.split(',').map((method) => method.trim()))
    .refine((methods) => methods.every((method) => /^[\w:]+$/.test(method)), {
      message: 'is no list of MI commands; write it like t_uac_dlg,dlg_list',
    }),
  buffer: WholeNumber(100, 10_000_000),
  // Looks at OpenSIPS are 4 s apart: half of 20 s leaves time for a second one before it lapses.
  subscription: WholeNumber(20, 86_400),
  'log-level': z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
    error: 'is no level; use trace, debug, info, warn, error, fatal or silent',
  }),
});

/**
 * Reads the settings. Pure but for `readFile`, which gets the path of `--config` and may throw.
 * @param argv the arguments after the program's name
 */
export function readSettings(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  readFile: (path: string) => string,
): Reading {
  const flags = readFlags(argv);
  if ('errors' in flags) return flags;
  if (flags.help) return { help: help() };
  const path = flags.values['config'] ?? (env[CONFIG_ENV] || undefined);
  const file = path === undefined ? { values: {} } : readConfig(path, readFile);
  if ('errors' in file) return file;

  const given: Partial<Record<Name, string>> = {};
  const origin: Partial<Record<Name, string>> = {};
  for (const name of NAMES) {
    const { env: variable, fallback } = OPTIONS[name];
    const places: [string, string | undefined][] = [
      [`--${name}`, flags.values[name]],
      // An empty variable is an unset one: that is how compose files and shells leave it out.
      [variable, env[variable] || undefined],
      [`"${name}" in ${path}`, file.values[name]],
      [`--${name}`, fallback],
    ];
    const [place, value] = places.find(([, value]) => value !== undefined) ?? [];
    if (value !== undefined) given[name] = value;
    if (place !== undefined) origin[name] = place;
  }
  const read = SettingsSchema.safeParse(given);
  if (!read.success) {
    return { errors: read.error.issues.map((issue) => sentence(issue, given, origin)) };
  }
  const { 'sip-next-hop': sipNextHop, 'log-level': logLevel, allow, key, events, ...rest } = read.data;
  return { settings: { ...rest, key, events, sipNextHop, logLevel, allow: new Set(allow) } };
}

function sentence(
  issue: z.core.$ZodIssue,
  given: Partial<Record<Name, string>>,
  origin: Partial<Record<Name, string>>,
): string {
  const name = NAMES.find((candidate) => candidate === issue.path[0]);
  if (name === undefined) return issue.message;
  // The key is a secret: an error must not print it.
  const shown = name === 'key' ? '' : ` ${JSON.stringify(given[name])}`;
  return `${origin[name]}${shown} ${issue.message}.`;
}

function readFlags(
  argv: readonly string[],
): { values: Record<string, string | undefined>; help: boolean } | { errors: string[] } {
  try {
    const { help: wanted, ...values } = parseArgs({
      args: [...argv],
      options: {
        ...Object.fromEntries([...NAMES, 'config'].map((name) => [name, { type: 'string' as const }])),
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
    const strings: Record<string, string | undefined> = {};
    for (const [name, value] of Object.entries(values)) {
      if (typeof value === 'string') strings[name] = value;
    }
    return { values: strings, help: wanted === true };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { errors: [`${message}. See --help for the flags.`] };
  }
}

/** In the file a value may also be a number, and `allow` an array. */
const ConfigValue = z.union([
  z.string(),
  z.number().transform(String),
  z.array(z.string()).transform((list) => list.join(',')),
]);

function readConfig(
  path: string,
  readFile: (path: string) => string,
): { values: Record<string, string | undefined> } | { errors: string[] } {
  let json: unknown;
  try {
    json = JSON.parse(readFile(path));
  } catch (error) {
    // JSON.parse quotes what it stumbled over, which may be the key.
    const reason = error instanceof SyntaxError ? 'it is not JSON' : String(error);
    return { errors: [`The file ${path} cannot be read: ${reason}. Check --config.`] };
  }
  const object = z.record(z.string(), z.unknown()).safeParse(json);
  if (!object.success)
    return { errors: [`The file ${path} must hold a JSON object, like {"name": "sbc-1"}.`] };
  const values: Record<string, string | undefined> = {};
  const errors: string[] = [];
  for (const [key, entry] of Object.entries(object.data)) {
    const value = ConfigValue.safeParse(entry);
    if (!NAMES.some((name) => name === key)) {
      errors.push(`"${key}" in ${path} is not known; the keys are ${NAMES.join(', ')}.`);
    } else if (!value.success) {
      errors.push(`"${key}" in ${path} must be a string, a number or an array of strings.`);
    } else {
      values[key] = value.data;
    }
  }
  return errors.length > 0 ? { errors } : { values };
}
