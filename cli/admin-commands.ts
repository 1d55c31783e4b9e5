/**
 * What an administrator may ask of the edge: the commands, their flags, and the request that each of them is. Pure.
 * @module
 */

/** A request to the edge, below `/v1/admin`. */
export interface AdminRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: object;
}

/** How the answer is shown where `--json` is not given. */
export type Shown =
  | { readonly as: 'table'; readonly list: string; readonly columns: readonly string[] }
  | { readonly as: 'fields' }
  /** The key alone, so that it can be piped; what is said about it goes elsewhere. */
  | { readonly as: 'key' }
  /** The secret of a webhook alone, likewise. */
  | { readonly as: 'secret' }
  | { readonly as: 'nothing' };

/** One flag. */
interface Flag {
  /** How its value is written; absent: it takes none. */
  readonly value?: string;
  /** It may stand several times. */
  readonly multiple?: true;
  readonly help: string;
}

export const FLAGS = {
  limit: {
    value: 'NAME=N',
    multiple: true,
    help: 'a limit, such as starts_per_second=10; NAME=default takes it back',
  },
  allow: {
    value: 'PATTERN',
    multiple: true,
    help: 'where calls may go, such as *@example.com; the list replaces the one before',
  },
  deny: {
    value: 'PATTERN',
    multiple: true,
    help: 'where they may not, such as +1900*@*; the list replaces the one before',
  },
  origin: {
    value: 'ORIGIN',
    multiple: true,
    help: 'web pages that may connect, such as https://app.example.com; replaces the list before',
  },
  clear: { value: 'LIST', multiple: true, help: 'empties a list: allow, deny, origin or address' },
  'kept-seconds': { value: 'N', help: 'how long logs and the numbers in them are kept, 60 to 3600' },
  location: {
    value: 'HINT',
    help: 'near where the site is made: wnam, enam, sam, weur, eeur, apac, oc, afr or me; it does not move later',
  },
  role: { value: 'ROLE', help: 'api (the default) or adapter' },
  site: { value: 'SITE', help: 'the one site that the key is for; an adapter needs it' },
  scope: {
    value: 'SCOPE',
    multiple: true,
    help: 'what the key may do, such as CallStart; all, if none is given',
  },
  grace: { value: 'SECONDS', help: 'how long the old key still holds, at most 604800; now, if not given' },
  entries: { value: 'N', help: 'so many entries, at most 1000' },
  before: { value: 'N', help: 'entries older than this number' },
  deleted: { help: 'deleted ones too' },
  url: { value: 'URL', help: 'where webhooks go' },
  event: {
    value: 'TYPE',
    multiple: true,
    help: 'which are sent, such as call.* or command.call_start.ended; the list replaces the one before',
  },
  address: {
    value: 'PATTERN',
    multiple: true,
    help: 'only what is about one of these, such as *@example.com; the list replaces the one before',
  },
  description: { value: 'TEXT', help: 'whatever helps to know it again' },
  enable: { help: 'sends what waits, and what comes' },
  disable: { help: 'sends nothing; what waits is kept' },
  state: { value: 'STATE', help: 'waiting, delivered or failed' },
  edge: { value: 'URL', help: 'the edge (EDGE_URL), such as https://calls.example.com' },
  'secret-file': { value: 'FILE', help: 'a file with the admin secret; otherwise ADMIN_SECRET is read' },
  json: { help: 'print the answer as JSON' },
  help: { help: 'this text' },
} as const satisfies Record<string, Flag>;

export type FlagName = keyof typeof FLAGS;

/** Flags that every command takes. */
export const COMMON: readonly FlagName[] = ['edge', 'secret-file', 'json', 'help'];

/** What was given. */
export interface Given {
  /** By position. */
  readonly args: readonly string[];
  readonly one: (flag: FlagName) => string | undefined;
  readonly many: (flag: FlagName) => readonly string[] | undefined;
  readonly is: (flag: FlagName) => boolean;
}

export interface Command {
  /** What comes by position. */
  readonly takes: readonly string[];
  readonly flags: readonly FlagName[];
  readonly help: string;
  /** Throws a {@link WrongUsage}. */
  readonly request: (given: Given) => AdminRequest;
  readonly shown: Shown;
}

/** What was written cannot be understood; the message says what to write. */
export class WrongUsage extends Error {}

const KEY_COLUMNS = ['id', 'role', 'site', 'scopes', 'created', 'last_used', 'revoked_at'];
const TRAIL: Shown = {
  as: 'table',
  list: 'entries',
  columns: ['n', 'at', 'actor', 'from', 'action', 'target', 'outcome'],
};
const WEBHOOK_COLUMNS = [
  'id',
  'url',
  'events',
  'addresses',
  'enabled',
  'behind',
  'waiting',
  'failed',
  'dropped',
];
const DELIVERY_COLUMNS = ['n', 'webhook_id', 'type', 'state', 'created', 'next_try', 'attempts'];
const SETTINGS = ['limit', 'allow', 'deny', 'origin', 'clear', 'kept-seconds'] as const;
/** What may be cleared. */
const LISTS = ['allow', 'deny', 'origin', 'address'] as const;
const SITE_SETTINGS = ['location', 'allow', 'deny', 'clear'] as const;

/** By name: one word or two. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  'tenant create': {
    takes: ['TENANT'],
    flags: SETTINGS,
    help: 'makes a tenant',
    request: (given) => ({
      method: 'POST',
      path: '/tenants',
      body: { id: given.args[0], ...settings(given) },
    }),
    shown: { as: 'fields' },
  },
  'tenant list': {
    takes: [],
    flags: ['deleted'],
    help: 'lists the tenants',
    request: ({ is }) => ({ method: 'GET', path: `/tenants${is('deleted') ? '?deleted=true' : ''}` }),
    shown: { as: 'table', list: 'tenants', columns: ['id', 'created', 'deleted'] },
  },
  'tenant show': {
    takes: ['TENANT'],
    flags: [],
    help: 'shows its limits and rules',
    request: ({ args }) => ({ method: 'GET', path: path('tenants', args[0]) }),
    shown: { as: 'fields' },
  },
  'tenant set': {
    takes: ['TENANT'],
    flags: SETTINGS,
    help: 'changes its limits and rules; its sites follow at once',
    request: (given) => ({ method: 'PATCH', path: path('tenants', given.args[0]), body: settings(given) }),
    shown: { as: 'fields' },
  },
  'tenant delete': {
    takes: ['TENANT'],
    flags: [],
    help: 'deletes it with all that it holds',
    request: ({ args }) => ({ method: 'DELETE', path: path('tenants', args[0]) }),
    shown: { as: 'nothing' },
  },
  'site create': {
    takes: ['TENANT', 'SITE'],
    flags: SITE_SETTINGS,
    help: 'makes a site: one OpenSIPS, or a cluster of them',
    request: (given) => ({
      method: 'POST',
      path: path('tenants', given.args[0], 'sites'),
      body: { id: given.args[1], ...siteSettings(given) },
    }),
    shown: { as: 'fields' },
  },
  'site list': {
    takes: ['TENANT'],
    flags: [],
    help: 'lists the sites',
    request: ({ args }) => ({ method: 'GET', path: path('tenants', args[0], 'sites') }),
    shown: { as: 'table', list: 'sites', columns: ['id', 'location', 'rules', 'created'] },
  },
  'site set': {
    takes: ['TENANT', 'SITE'],
    flags: SITE_SETTINGS,
    help: 'changes its rules',
    request: (given) => ({
      method: 'PATCH',
      path: path('tenants', given.args[0], 'sites', given.args[1]),
      body: siteSettings(given),
    }),
    shown: { as: 'fields' },
  },
  'site delete': {
    takes: ['TENANT', 'SITE'],
    flags: [],
    help: 'deletes it with all that it holds, and ends the keys that are for it alone',
    request: ({ args }) => ({ method: 'DELETE', path: path('tenants', args[0], 'sites', args[1]) }),
    shown: { as: 'nothing' },
  },
  'key create': {
    takes: ['TENANT'],
    flags: ['role', 'site', 'scope'],
    help: 'makes a key and prints it; it is shown this once',
    request: ({ args, one, many }) => ({
      method: 'POST',
      path: path('tenants', args[0], 'keys'),
      body: { role: one('role') ?? 'api', site: one('site'), scopes: many('scope') },
    }),
    shown: { as: 'key' },
  },
  'key list': {
    takes: ['TENANT'],
    flags: [],
    help: 'lists the keys; of their secrets nothing is known',
    request: ({ args }) => ({ method: 'GET', path: path('tenants', args[0], 'keys') }),
    shown: { as: 'table', list: 'keys', columns: KEY_COLUMNS },
  },
  'key rotate': {
    takes: ['TENANT', 'KEY-ID'],
    flags: ['grace'],
    help: 'makes a key that may do the same, prints it, and ends the old one',
    request: ({ args, one }) => ({
      method: 'POST',
      path: path('tenants', args[0], 'keys', args[1], 'rotate'),
      body: { grace: whole('grace', one('grace')) },
    }),
    shown: { as: 'key' },
  },
  'key revoke': {
    takes: ['TENANT', 'KEY-ID'],
    flags: [],
    help: 'ends a key and the tokens that it has minted, and closes their sockets',
    request: ({ args }) => ({ method: 'DELETE', path: path('tenants', args[0], 'keys', args[1]) }),
    shown: { as: 'fields' },
  },
  'webhook create': {
    takes: ['TENANT', 'SITE', 'URL'],
    flags: ['event', 'address', 'description'],
    help: 'sends what happens at a site to an address; prints the secret that signs it',
    request: (given) => ({
      method: 'POST',
      path: webhookPath(given),
      body: { url: given.args[2], ...webhookSettings(given) },
    }),
    shown: { as: 'secret' },
  },
  'webhook list': {
    takes: ['TENANT', 'SITE'],
    flags: [],
    help: 'lists the webhooks of a site, with how many deliveries wait or have failed',
    request: (given) => ({ method: 'GET', path: webhookPath(given) }),
    shown: { as: 'table', list: 'webhooks', columns: WEBHOOK_COLUMNS },
  },
  'webhook show': {
    takes: ['TENANT', 'SITE', 'WEBHOOK-ID'],
    flags: [],
    help: 'shows a webhook and its public keys',
    request: (given) => ({ method: 'GET', path: webhookPath(given, given.args[2]) }),
    shown: { as: 'fields' },
  },
  'webhook set': {
    takes: ['TENANT', 'SITE', 'WEBHOOK-ID'],
    flags: ['url', 'event', 'address', 'description', 'clear', 'enable', 'disable'],
    help: 'changes a webhook',
    request: (given) => ({
      method: 'PATCH',
      path: webhookPath(given, given.args[2]),
      body: { url: given.one('url'), ...webhookSettings(given) },
    }),
    shown: { as: 'fields' },
  },
  'webhook rotate': {
    takes: ['TENANT', 'SITE', 'WEBHOOK-ID'],
    flags: ['grace'],
    help: 'gives a webhook a new secret; the old one signs as well for --grace seconds, a day if not given',
    request: (given) => ({
      method: 'POST',
      path: webhookPath(given, given.args[2], 'rotate'),
      body: { grace: whole('grace', given.one('grace')) },
    }),
    shown: { as: 'secret' },
  },
  'webhook delete': {
    takes: ['TENANT', 'SITE', 'WEBHOOK-ID'],
    flags: [],
    help: 'deletes a webhook, with what was on its way to it',
    request: (given) => ({ method: 'DELETE', path: webhookPath(given, given.args[2]) }),
    shown: { as: 'nothing' },
  },
  'webhook test': {
    takes: ['TENANT', 'SITE', 'WEBHOOK-ID'],
    flags: [],
    help: 'sends a test event',
    request: (given) => ({ method: 'POST', path: webhookPath(given, given.args[2], 'test') }),
    shown: { as: 'fields' },
  },
  'webhook deliveries': {
    takes: ['TENANT', 'SITE', 'WEBHOOK-ID'],
    flags: ['state', 'entries', 'before'],
    help: 'lists its deliveries, newest first, with each try',
    request: (given) => {
      const query = new URLSearchParams();
      const [limit, before] = [whole('entries', given.one('entries')), whole('before', given.one('before'))];
      for (const [name, value] of Object.entries({ state: given.one('state'), limit, before }))
        if (value !== undefined) query.set(name, String(value));
      const where = webhookPath(given, given.args[2], 'deliveries');
      return { method: 'GET', path: query.size > 0 ? `${where}?${query}` : where };
    },
    shown: { as: 'table', list: 'deliveries', columns: DELIVERY_COLUMNS },
  },
  'webhook replay': {
    takes: ['TENANT', 'SITE', 'WEBHOOK-ID', 'N'],
    flags: [],
    help: 'sends a delivery once more',
    request: (given) => ({
      method: 'POST',
      path: webhookPath(given, given.args[2], 'deliveries', given.args[3], 'replay'),
    }),
    shown: { as: 'fields' },
  },
  audit: {
    takes: ['[TENANT]'],
    flags: ['entries', 'before'],
    help: 'who did what to the tenant, newest first; without one: which tenants were made and deleted',
    request: ({ args, one }) => {
      const query = new URLSearchParams();
      for (const [name, flag] of [['limit', 'entries'] as const, ['before', 'before'] as const]) {
        const value = whole(flag, one(flag));
        if (value !== undefined) query.set(name, String(value));
      }
      const where = args[0] === undefined ? '/audit' : path('tenants', args[0], 'audit');
      return { method: 'GET', path: query.size > 0 ? `${where}?${query}` : where };
    },
    shown: TRAIL,
  },
};

function path(...parts: readonly (string | undefined)[]): string {
  return parts.map((part) => `/${encodeURIComponent(part ?? '')}`).join('');
}

function webhookPath({ args }: Given, ...rest: readonly (string | undefined)[]): string {
  return path('tenants', args[0], 'sites', args[1], 'webhooks', ...rest);
}

function webhookSettings(given: Given): object {
  if (given.is('enable') && given.is('disable')) throw new WrongUsage('--enable or --disable, not both');
  return {
    events: given.many('event'),
    addresses: list(given, 'address'),
    description: given.one('description'),
    enabled: given.is('enable') ? true : given.is('disable') ? false : undefined,
  };
}

/** Absent members do not get into JSON, so what is not given stays as it is. */
function settings(given: Given): object {
  return {
    limits: limits(given.many('limit')),
    rules: rules(given),
    origins: list(given, 'origin'),
    kept_seconds: whole('kept-seconds', given.one('kept-seconds')),
  };
}

function siteSettings(given: Given): object {
  return { location: given.one('location'), rules: rules(given) };
}

function rules(given: Given): object | undefined {
  const both = { allow: list(given, 'allow'), deny: list(given, 'deny') };
  return both.allow || both.deny ? both : undefined;
}

function list({ many }: Given, flag: (typeof LISTS)[number]): readonly string[] | undefined {
  const cleared = many('clear') ?? [];
  const unknown = cleared.find((name) => !LISTS.some((list) => list === name));
  if (unknown !== undefined)
    throw new WrongUsage(`--clear takes allow, deny, origin or address, and not ${unknown}`);
  return many(flag) ?? (cleared.includes(flag) ? [] : undefined);
}

function limits(pairs: readonly string[] | undefined): object | undefined {
  if (!pairs) return undefined;
  return Object.fromEntries(
    pairs.map((pair) => {
      const [, name, value] = /^([a-z_]+)=(default|\d+(?:\.\d+)?)$/.exec(pair) ?? [];
      if (!name) throw new WrongUsage(`--limit takes NAME=N or NAME=default, and not ${pair}`);
      return [name, value === 'default' ? null : Number(value)];
    }),
  );
}

function whole(flag: FlagName, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,15}$/.test(text)) throw new WrongUsage(`--${flag} takes a whole number, and not ${text}`);
  return Number(text);
}
