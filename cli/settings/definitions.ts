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
    'is not the name of a site. Use up to 32 lower-case letters, digits and hyphens.',
  );

const Domain = z.string().regex(/^(?!sips?:)[^\s@<>?"]+$/i, 'is not a domain. Write it like example.com.');

const Timeout = z
  .string()
  .transform(Number)
  .refine((seconds) => seconds >= 1 && seconds <= 600, {
    message: 'is not a number of seconds from 1 to 600. Use a number in this range.',
  });

const CONFIG = {
  config: {
    value: 'file',
    env: 'CALL_API_CONFIG',
    help: 'a JSON file with the names of these flags as keys; if not given: call-api/config.json in $XDG_CONFIG_HOME',
    type: Text,
  },
} as const satisfies Definitions;

/** Settings of all commands but `admin`. */
export const SETTINGS = {
  url: {
    value: 'url',
    env: 'CALL_API',
    default: 'ws://localhost:5059',
    help: 'the edge, such as wss://calls.example.com',
    type: edgeUrl('wss://calls.example.com'),
  },
  token: {
    value: 'token',
    env: 'CALL_API_TOKEN',
    help: 'a token or an API key; as a flag it can be read in the list of processes',
    type: Credential,
    isSecret: true,
  },
  'token-file': {
    value: 'file',
    env: 'CALL_API_TOKEN_FILE',
    help: 'a file that has it',
    type: Text,
    fileFor: 'token',
  },
  site: {
    value: 'site',
    env: 'CALL_API_SITE',
    help: 'which site, for an API key that is for several',
    type: SiteName,
  },
  domain: {
    value: 'domain',
    env: 'CALL_API_DOMAIN',
    help: 'makes alice sip:alice@DOMAIN; if not given, in direct mode: the host of --next-hop',
    type: Domain,
  },
  direct: {
    value: 'host:port',
    env: 'CALL_API_DIRECT',
    help: 'no edge: straight at the OpenSIPS whose MI listens there (UDP)',
    type: hostPort(),
  },
  'next-hop': {
    value: 'uri',
    env: 'CALL_API_NEXT_HOP',
    help: "direct mode: that OpenSIPS's own SIP address; if not given: sip:HOST:5060",
    type: SipUri,
  },
  events: {
    value: 'host:port',
    env: 'CALL_API_EVENTS',
    help: 'direct mode: where OpenSIPS sends events to; if not given: the address that reaches it, any port',
    type: hostPort(),
  },
  timeout: {
    value: 'seconds',
    env: 'CALL_API_TIMEOUT',
    default: '10',
    help: 'how long the edge or OpenSIPS may take to be reached and to answer a question, 1 to 600',
    type: Timeout,
  },
  ...CONFIG,
} as const satisfies Definitions;

/** Settings of `call-api admin`. */
export const ADMIN_SETTINGS = {
  edge: {
    value: 'url',
    env: 'EDGE_URL',
    // Where `npm start` serves.
    default: 'http://localhost:5059',
    help: 'the edge, such as https://calls.example.com',
    type: edgeUrl('https://calls.example.com'),
  },
  secret: {
    env: 'ADMIN_SECRET',
    help: 'the admin secret',
    type: Credential,
    isSecret: true,
    isEnvironmentOnly: true,
  },
  'secret-file': {
    value: 'file',
    help: 'a file with the admin secret; otherwise ADMIN_SECRET is read',
    type: Text,
    fileFor: 'secret',
  },
  ...CONFIG,
} as const satisfies Definitions;
