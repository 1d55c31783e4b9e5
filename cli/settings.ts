/**
 * What `call-api` is told beside its command: flags, then environment, then a file, then defaults.
 * @module
 */
import { join } from 'node:path';
import * as z from 'zod';
import type { Address } from '../adapter/settings.ts';
import { EXIT, Failure } from './exit.ts';

/** One setting: each is a flag, a variable and a key of the file, named after the flag. */
export interface Setting {
  readonly flags: string;
  readonly env: string;
  readonly help: string;
}

/** By name, as the flag is without its dashes, and as it is in the file. */
export const SETTINGS = {
  url: {
    flags: '--url <url>',
    env: 'CALL_API',
    help: 'the edge, such as wss://calls.example.com (default: ws://localhost:5059)',
  },
  token: {
    flags: '--token <token>',
    env: 'CALL_API_TOKEN',
    help: 'a token or an API key; as a flag it can be read in the list of processes',
  },
  'token-file': { flags: '--token-file <file>', env: 'CALL_API_TOKEN_FILE', help: 'a file that has it' },
  site: {
    flags: '--site <site>',
    env: 'CALL_API_SITE',
    help: 'which site, for an API key that is for several',
  },
  domain: {
    flags: '--domain <domain>',
    env: 'CALL_API_DOMAIN',
    help: 'makes alice sip:alice@DOMAIN (default in direct mode: the host of --next-hop)',
  },
  direct: {
    flags: '--direct <host:port>',
    env: 'CALL_API_DIRECT',
    help: 'no edge: straight at the OpenSIPS whose MI listens there (UDP)',
  },
  'next-hop': {
    flags: '--next-hop <uri>',
    env: 'CALL_API_NEXT_HOP',
    help: "direct mode: that OpenSIPS's own SIP address (default: sip:HOST:5060)",
  },
  events: {
    flags: '--events <host:port>',
    env: 'CALL_API_EVENTS',
    help: 'direct mode: where OpenSIPS sends events to (default: the address that reaches it, any port)',
  },
  timeout: {
    flags: '--timeout <seconds>',
    env: 'CALL_API_TIMEOUT',
    help: 'how long the edge or OpenSIPS may take to be reached and to answer a question, 1 to 600 (default: 10)',
  },
} as const satisfies Record<string, Setting>;
export type SettingName = keyof typeof SETTINGS;

/** The variable that names the file. */
export const CONFIG_ENV = 'CALL_API_CONFIG';

/** Where the edge is. */
export interface Edge {
  /** Of its WebSocket, with the site. */
  readonly socket: string;
  /** Of its HTTP routes, without a slash at the end. */
  readonly origin: string;
  readonly site: string | undefined;
}

export interface Settings {
  readonly edge: Edge;
  readonly token: string | undefined;
  readonly domain: string | undefined;
  /** OpenSIPS's MI; then there is no edge. */
  readonly direct: Address | undefined;
  readonly nextHop: string;
  readonly events: Address | undefined;
  readonly timeoutMs: number;
}

type Given = Readonly<Record<string, string | undefined>>;

const LOCAL_EDGE = 'ws://localhost:5059';

/**
 * Reads the settings; throws a {@link Failure} that says what is wrong and where it stands.
 * @param flags by name, and `config`
 * @param readFile gets the path of a file and may throw
 */
export function readSettings(flags: Given, env: Given, readFile: (path: string) => string): Settings {
  const file = readConfig(flags, env, readFile);
  const find = (name: SettingName) => {
    const { env: variable } = SETTINGS[name];
    const places: readonly (readonly [string, string | undefined])[] = [
      [`--${name}`, flags[name]],
      // An empty variable is an unset one.
      [variable, env[variable] || undefined],
      [`"${name}" in ${file.path}`, file.values[name]],
    ];
    return places.find((each): each is readonly [string, string] => each[1] !== undefined);
  };
  const read = <T>(name: SettingName, as: (text: string) => T | undefined, shape: string): T | undefined => {
    const found = find(name);
    if (!found) return undefined;
    const value = as(found[1]);
    if (value !== undefined) return value;
    throw wrong(`${found[0]} ${found[1]} is no ${shape}`);
  };
  const direct = read('direct', hostPort, 'HOST:PORT; write it like 127.0.0.1:8080');
  const nextHop =
    read('next-hop', sipUri, 'SIP URI; write it like sip:127.0.0.1:5060') ??
    `sip:${direct?.host ?? '127.0.0.1'}:5060`;
  const domain = read('domain', domainOf, 'domain; write it like example.com');
  const site = read('site', plain, 'name of a site');
  return {
    edge: read(
      'url',
      (text) => edgeOf(text, site),
      'address of an edge; write it like wss://calls.example.com',
    ) ?? {
      ...edgeAt(new URL(LOCAL_EDGE), site),
    },
    token: tokenOf(find('token'), find('token-file'), readFile),
    domain: domain ?? (direct && nextHop.replace(/^sips?:(.*@)?/, '')),
    direct,
    nextHop,
    events: read('events', hostPort, 'HOST:PORT; write it like 127.0.0.1:5061'),
    timeoutMs: 1_000 * (read('timeout', seconds, 'number of seconds from 1 to 600') ?? 10),
  };
}

function wrong(message: string): Failure {
  return new Failure(EXIT.usage, message);
}

function readConfig(
  flags: Given,
  env: Given,
  readFile: (path: string) => string,
): { readonly path: string; readonly values: Given } {
  const named = flags['config'] ?? (env[CONFIG_ENV] || undefined);
  const home = env['XDG_CONFIG_HOME'] || (env['HOME'] && join(env['HOME'], '.config'));
  const path = named ?? (home && join(home, 'call-api', 'config.json'));
  if (!path) return { path: '', values: {} };
  let text: string;
  try {
    text = readFile(path);
  } catch (error) {
    // The usual place may be empty; one that was named is meant.
    if (named === undefined) return { path, values: {} };
    throw wrong(`the file ${path} cannot be read (${reasonOf(error)}); check --config`);
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    // JSON.parse quotes what it stumbled over, which may be the token.
    throw wrong(`the file ${path} is not JSON; write it like {"url": "wss://calls.example.com"}`);
  }
  const values = z.record(z.string(), z.union([z.string(), z.number().transform(String)])).safeParse(json);
  if (!values.success)
    throw wrong(`the file ${path} must hold an object of strings, like {"url": "wss://calls.example.com"}`);
  const unknown = Object.keys(values.data).find((key) => !Object.hasOwn(SETTINGS, key));
  if (unknown !== undefined)
    throw wrong(`"${unknown}" in ${path} is not known; the keys are ${Object.keys(SETTINGS).join(', ')}`);
  return { path, values: values.data };
}

/** The place that stands first counts; of a flag `--token-file` and a variable CALL_API_TOKEN, the flag. */
function tokenOf(
  token: readonly [string, string] | undefined,
  file: readonly [string, string] | undefined,
  readFile: (path: string) => string,
): string | undefined {
  let found = token;
  if (file && (!token || (file[0].startsWith('--') && !token[0].startsWith('--')))) {
    try {
      found = [file[1], readFile(file[1]).trim()];
    } catch (error) {
      throw wrong(`the file ${file[1]} cannot be read (${reasonOf(error)}); check ${file[0]}`);
    }
  }
  if (!found) return undefined;
  // As a subprotocol and in a header it may hold no more than this (RFC 9110 §5.6.2).
  if (!/^[\x21-\x7e]+$/.test(found[1]))
    throw wrong(`${found[0]} holds a space or a character that no token has`);
  return found[1];
}

/** Written as clients have it, as browsers have it, or without the path. */
function edgeOf(text: string, site: string | undefined): Edge | undefined {
  const url = URL.parse(text);
  if (!url || !/^(ws|http)s?:$/.test(url.protocol) || url.hash !== '') return undefined;
  return edgeAt(url, site);
}

function edgeAt(given: URL, site: string | undefined): Edge {
  const url = new URL(given.href.replace(/^http/, 'ws'));
  const base = url.pathname.replace(/\/(call-api)?\/?$/, '');
  url.pathname = `${base}/call-api`;
  if (site !== undefined) url.searchParams.set('site', site);
  return {
    socket: url.href,
    origin: `${url.origin === 'null' ? `${url.protocol}//${url.host}` : url.origin}${base}`.replace(
      /^ws/,
      'http',
    ),
    site: url.searchParams.get('site') ?? undefined,
  };
}

function hostPort(text: string): Address | undefined {
  const [, host = '', port = ''] = /^([^\s:/@]+):(\d{1,5})$/.exec(text) ?? [];
  const number = Number(port);
  return host !== '' && number > 0 && number <= 65_535 ? { host, port: number } : undefined;
}

const sipUri = (text: string) => (/^sips?:[^\s<>?"]+$/i.test(text) ? text : undefined);
const domainOf = (text: string) => (/^[^\s@<>?"]+$/.test(text) && !/^sips?:/i.test(text) ? text : undefined);
const plain = (text: string) => (/^[a-z0-9-]{1,32}$/.test(text) ? text : undefined);
const seconds = (text: string) => {
  const number = Number(text);
  return number >= 1 && number <= 600 ? number : undefined;
};

/** What the system says of a file or a connection; of `fetch`, that stands below what it throws. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return reasonOf(error.cause);
  return 'code' in error && typeof error.code === 'string' ? error.code : error.message;
}

/** An address as it is dialled: `alice` needs a domain, `alice@example.com` its scheme. */
export function completed(address: string, domain: string | undefined): string {
  if (/^sips?:/i.test(address)) return address;
  if (address.includes('@')) return `sip:${address}`;
  if (domain !== undefined) return `sip:${address}@${domain}`;
  throw wrong(
    `${address} is no SIP address; write it like sip:${address}@example.com, or give --domain (CALL_API_DOMAIN)`,
  );
}
