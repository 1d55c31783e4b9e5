/**
 * The settings of `call-api`, each described once: flags, variables, keys of the configuration file, defaults and help
 * come from here.
 * @module
 */
import * as z from 'zod';
import type { Definitions } from '../../shared/settings/settings.ts';
import { Credential, hostPort, SipUri, Text, urlOf } from '../../shared/settings/value-types.ts';

/** The edge may be written as clients, browsers or the adapter have it, with or without the path. */
const edgeUrl = (example: string) => urlOf(/^(ws|http)s?$/, example);

const SiteName = z
  .string()
  .regex(
    /^[a-z0-9-]{1,32}$/,
    'is not the name of a site. Use 1 to 32 lower-case letters, digits and hyphens.',
  );

const Domain = z.string().regex(/^(?!sips?:)[^\s@<>?"]+$/i, 'is not a domain. Write it like example.com.');

const Timeout = z
  .string()
  .transform(Number)
  .refine((seconds) => seconds >= 1 && seconds <= 600, {
    message: 'is not a number of seconds from 1 to 600. Use a number in this range.',
  });

const EventsAddress = hostPort().refine(({ host }) => !host.includes(':'), {
  message: 'is an IPv6 address, and OpenSIPS sends events over IPv4 only. Use one like 10.0.0.5:5061.',
});

/** It is sent in a WebSocket subprotocol as well, which has fewer characters than a header (RFC 9110 §5.6.2). */
const Token = Credential.regex(
  /^[\w!#$%&'*+.^`|~-]*$/,
  'contains a character that no API key and no token has. Copy it again.',
);

/** How an edge is reached. */
export const CONNECTION = {
  ca: {
    value: 'file',
    env: 'CALL_API_CA',
    help: 'PEM file with certificates of authorities to trust as well: that of your company, for its edge or its proxy. The proxy itself is set by HTTPS_PROXY and NO_PROXY',
    type: Text,
  },
} as const satisfies Definitions;

const CONFIG = {
  config: {
    value: 'file',
    env: 'CALL_API_CONFIG',
    defaultHelp: 'call-api/config.json in $XDG_CONFIG_HOME or ~/.config',
    help: 'JSON file with the names of these flags as keys',
    type: Text,
  },
} as const satisfies Definitions;

/** Settings of all commands but `admin`. */
export const SETTINGS = {
  url: {
    value: 'url',
    env: 'CALL_API',
    default: 'ws://localhost:5059',
    help: 'URL of the edge, such as wss://calls.example.com',
    type: edgeUrl('wss://calls.example.com'),
  },
  token: {
    value: 'token',
    env: 'CALL_API_TOKEN',
    help: 'API key or token. Prefer CALL_API_TOKEN or --token-file: other users can see flags',
    type: Token,
    isSecret: true,
  },
  'token-file': {
    value: 'file',
    env: 'CALL_API_TOKEN_FILE',
    help: 'File that contains the API key or token',
    type: Text,
    fileFor: 'token',
  },
  site: {
    value: 'site',
    env: 'CALL_API_SITE',
    defaultHelp: 'the site of the key or token',
    help: 'Name of the site. Required for an API key that is valid for several sites',
    type: SiteName,
  },
  domain: {
    value: 'domain',
    env: 'CALL_API_DOMAIN',
    defaultHelp: 'none; with --direct: the host of --next-hop',
    help: 'Domain for addresses without one: alice becomes sip:alice@DOMAIN',
    type: Domain,
  },
  direct: {
    value: 'host:port',
    env: 'CALL_API_DIRECT',
    defaultHelp: 'none, which connects to the edge',
    help: 'Connect to the MI of an OpenSIPS at this UDP address, without an edge',
    type: hostPort(),
  },
  'next-hop': {
    value: 'uri',
    env: 'CALL_API_NEXT_HOP',
    defaultHelp: 'sip:HOST:5060, with the host of --direct',
    help: 'With --direct: SIP address of that OpenSIPS itself',
    type: SipUri,
  },
  events: {
    value: 'host:port',
    env: 'CALL_API_EVENTS',
    defaultHelp: 'the address of this machine that reaches OpenSIPS, and any free port',
    help: 'With --direct: local IPv4 address to which OpenSIPS sends its events',
    type: EventsAddress,
  },
  timeout: {
    value: 'seconds',
    env: 'CALL_API_TIMEOUT',
    default: '10',
    help: 'Maximum time for connecting and for the answer to a query, in seconds: 1 to 600',
    type: Timeout,
  },
  ...CONNECTION,
  ...CONFIG,
} as const satisfies Definitions;

/** Settings of `call-api admin`. */
export const ADMIN_SETTINGS = {
  edge: {
    value: 'url',
    env: 'EDGE_URL',
    // Where `npm start` serves.
    default: 'http://localhost:5059',
    help: 'URL of the edge, such as https://calls.example.com',
    type: edgeUrl('https://calls.example.com'),
  },
  secret: {
    env: 'ADMIN_SECRET',
    help: 'Admin secret',
    type: Credential,
    isSecret: true,
    isEnvironmentOnly: true,
  },
  'secret-file': {
    value: 'file',
    defaultHelp: 'none, which uses ADMIN_SECRET',
    help: 'File that contains the admin secret',
    type: Text,
    fileFor: 'secret',
  },
  ...CONNECTION,
  ...CONFIG,
} as const satisfies Definitions;
