import { expect, it } from 'vitest';
import { isSipUri } from '../../shared/sip/sip-uri.ts';
import { completeAddress } from '../commands/argument-parsers.ts';
import { readAdminSettings } from './admin-settings.ts';
import { readCallSettings } from './settings.ts';

const missing = () => {
  throw Object.assign(new Error('no such file'), { code: 'ENOENT' });
};
const read = (
  flags: Record<string, string>,
  env: Record<string, string> = {},
  files: Record<string, string> = {},
) => readCallSettings(flags, env, (path) => files[path] ?? missing());
const readAdmin = (
  flags: Record<string, string>,
  env: Record<string, string> = {},
  files: Record<string, string> = {},
) => readAdminSettings(flags, { ADMIN_SECRET: 'secret', ...env }, (path) => files[path] ?? missing());

it('defaults to the edge of npm start', () => {
  expect(read({})).toMatchObject({
    edge: { socket: 'ws://localhost:5059/call-api', origin: 'http://localhost:5059' },
    token: undefined,
    direct: undefined,
    timeoutMs: 10_000,
  });
  expect(readAdmin({})).toMatchObject({ edge: 'http://localhost:5059', secret: 'secret' });
});

it.each([
  ['[::1]:8080', { host: '::1', port: 8080 }, 'sip:[::1]:5060', '[::1]:5060'],
  ['open_sips:8080', { host: 'open_sips', port: 8080 }, 'sip:open_sips:5060', 'open_sips:5060'],
])('takes OpenSIPS at %s', (flag, direct, nextHop, domain) => {
  expect(read({ direct: flag })).toMatchObject({ direct, nextHop, domain });
  const address = completeAddress('caller', 'alice', domain);
  expect(isSipUri(address)).toBe(true);
});

it.each<[Record<string, string>, Record<string, string>, string | undefined]>([
  [{ direct: 'a:1', url: 'ws://edge' }, {}, '--url: has no effect with --direct'],
  [{ url: 'ws://edge' }, { CALL_API_DIRECT: 'a:1' }, '--url: has no effect with --direct'],
  [{ direct: 'a:1', site: 's' }, {}, '--site: has no effect with --direct'],
  [{ events: '10.0.0.5:1' }, {}, '--events: has no effect without --direct'],
  [{ 'next-hop': 'sip:a' }, {}, '--next-hop: has no effect without --direct'],
  [{ direct: 'a:1' }, { CALL_API: 'ws://edge', CALL_API_SITE: 's' }, undefined],
  [{ url: 'ws://edge' }, { CALL_API_EVENTS: '10.0.0.5:1' }, undefined],
])('ignores no flag: %j with the variables %j', (flags, env, problem) => {
  if (problem === undefined) expect(() => read(flags, env)).not.toThrow();
  else expect(() => read(flags, env)).toThrow(problem);
});

it('receives events over IPv4 only', () => {
  expect(() => read({ direct: '[::1]:8080', events: '[::1]:5061' })).toThrow(
    /--events: .* is an IPv6 address/,
  );
});

it('prefers a flag to its variable, and that to the file', () => {
  const files = {
    '/home/a/.config/call-api/config.json':
      '{"domain":"file","site":"file","timeout":5,"edge":"https://file"}',
  };
  const env = {
    HOME: '/home/a',
    CALL_API_DOMAIN: 'variable',
    CALL_API_SITE: 'variable',
    CALL_API_TOKEN: '',
  };
  expect(read({ domain: 'flag' }, env, files)).toMatchObject({
    domain: 'flag',
    edge: { site: 'variable' },
    token: undefined,
    timeoutMs: 5_000,
  });
  expect(read({}, { XDG_CONFIG_HOME: '/x' }, { '/x/call-api/config.json': '{"domain":"x"}' }).domain).toBe(
    'x',
  );
  expect(readAdmin({}, { HOME: '/home/a' }, files).edge).toBe('https://file');
  const variable = { HOME: '/home/a', EDGE_URL: 'https://variable' };
  expect(readAdmin({}, variable, files).edge).toBe('https://variable');
  expect(readAdmin({ edge: 'https://flag' }, variable, files).edge).toBe('https://flag');
});

it.each([
  ['wss://calls.example.com/call-api', 'wss://calls.example.com/call-api', 'https://calls.example.com'],
  ['https://calls.example.com', 'wss://calls.example.com/call-api', 'https://calls.example.com'],
  ['ws://localhost:5059/', 'ws://localhost:5059/call-api', 'http://localhost:5059'],
  [
    'wss://a.example/calls/call-api?site=x',
    'wss://a.example/calls/call-api?site=x',
    'https://a.example/calls',
  ],
])('accepts the URL of the edge as %s', (url, socket, origin) => {
  expect(read({ url }).edge).toMatchObject({ socket, origin });
});

it.each([
  ['wss://calls.example.com/adapter', 'https://calls.example.com'],
  ['ws://localhost:5059/adapter', 'http://localhost:5059'],
  ['http://127.0.0.1:8787', 'http://127.0.0.1:8787'],
  ['https://calls.example.com/', 'https://calls.example.com'],
])('accepts the URL of the edge for admin as the adapter has it: %s', (given, origin) => {
  expect(readAdmin({}, { EDGE_URL: given }).edge).toBe(origin);
  expect(readAdmin({ edge: given }).edge).toBe(origin);
});

it('reads a token from a file; a flag counts more than a variable', () => {
  const files = { '/t': 'from-file\n' };
  expect(read({ 'token-file': '/t' }, { CALL_API_TOKEN: 'variable' }, files).token).toBe('from-file');
  expect(read({ token: 'flag' }, { CALL_API_TOKEN_FILE: '/t' }, files).token).toBe('flag');
  expect(readAdmin({ 'secret-file': '/t' }, {}, files).secret).toBe('from-file');
});

it('takes the domain of direct mode from the next hop', () => {
  expect(read({ direct: '10.0.0.5:8080' })).toMatchObject({
    direct: { host: '10.0.0.5', port: 8080 },
    nextHop: 'sip:10.0.0.5:5060',
    domain: '10.0.0.5:5060',
  });
});

it.each([
  [
    { url: 'ftp://a' },
    {},
    '--url: "ftp://a" is not the URL of an edge. Write it like wss://calls.example.com.',
  ],
  [{}, { CALL_API_DIRECT: 'here' }, 'CALL_API_DIRECT: "here" is not HOST:PORT.'],
  [{ timeout: '0' }, {}, '--timeout: "0" is not a number of seconds from 1 to 600.'],
  [{ 'token-file': '/nowhere' }, {}, '--token-file: cannot read the file "/nowhere": no such file'],
  [{ config: '/nowhere' }, {}, '--config: cannot read the file "/nowhere": no such file'],
  [{ config: '/text' }, {}, 'is not a JSON object'],
  [{ config: '/other' }, {}, '"color" in /other is not a setting'],
  [{ token: 'a b' }, {}, '--token: the value contains a space'],
  [{ token: 'a"b' }, {}, '--token: the value contains a character that no API key'],
])('rejects %j %j', (flags, env, sentence) => {
  const files = { '/text': 'url = x', '/other': '{"color":"red"}' };
  expect(() => read(flags as Record<string, string>, env as Record<string, string>, files)).toThrow(sentence);
});

it.each([
  [
    { edge: 'ftp://a' },
    {},
    '--edge: "ftp://a" is not the URL of an edge. Write it like https://calls.example.com.',
  ],
  [
    { edge: 'http://calls.example.com' },
    {},
    '--edge: "http://calls.example.com" would send the admin secret unencrypted',
  ],
  [
    {},
    { EDGE_URL: 'ws://calls.example.com' },
    'EDGE_URL: "http://calls.example.com" would send the admin secret',
  ],
  [{}, { ADMIN_SECRET: '' }, 'The admin secret is missing. Set ADMIN_SECRET or use --secret-file.'],
  [{}, { ADMIN_SECRET: 'a b' }, 'ADMIN_SECRET: the value contains a space'],
  [{ 'secret-file': '/none' }, {}, '--secret-file: cannot read the file "/none": no such file'],
])('rejects for admin %j %j', (flags, env, sentence) =>
  expect(() => readAdmin(flags as Record<string, string>, env as Record<string, string>)).toThrow(sentence),
);

it.each([
  ['sip:a@b', undefined, 'sip:a@b'],
  ['a@b', undefined, 'sip:a@b'],
  ['alice', 'example.com', 'sip:alice@example.com'],
])('%s with the domain %s is %s', (address, domain, uri) =>
  expect(completeAddress('caller', address, domain)).toBe(uri),
);

it.each([
  [
    'alice',
    undefined,
    'caller: "alice" is not a SIP URI. Use sip:user@host, or set --domain (CALL_API_DOMAIN).',
  ],
  ['a b', 'example.com', 'caller: "sip:a b@example.com" is not a SIP URI that can be dialed.'],
  ['sip:', undefined, 'caller: "sip:" is not a SIP URI that can be dialed.'],
])('rejects the address %s with the domain %s', (address, domain, sentence) =>
  expect(() => completeAddress('caller', address, domain)).toThrow(sentence),
);

it.each([
  ['url', read, 'wss://calls.example.com'],
  ['edge', readAdmin, 'https://calls.example.com'],
] as const)('reads proxy and authorities for --%s', (flag, readSettings, url) => {
  const env = { HTTPS_PROXY: 'http://proxy:3128', no_proxy: 'other.example' };
  const { network } = readSettings({ [flag]: url }, env);
  expect(network).toMatchObject({ proxy: { shown: 'proxy:3128' }, secureContext: undefined });
  expect(readSettings({ [flag]: url }, { ...env, no_proxy: 'example.com' }).network.proxy).toBeUndefined();
  expect(() => readSettings({ [flag]: url, ca: '/none' }, { HTTPS_PROXY: 'socks5://a' })).toThrow(
    /^HTTPS_PROXY: "socks5:\/\/a" is not the URL of an HTTP proxy\..*\n--ca: cannot read the file "\/none": no such file/,
  );
  expect(() => readSettings({ [flag]: url }, { CALL_API_CA: '/ca' }, { '/ca': 'text' })).toThrow(
    'CALL_API_CA: the file "/ca" has no certificate in PEM format.',
  );
});

it('needs no proxy and no authority for an OpenSIPS', () =>
  expect(read({ direct: '10.0.0.5:8080' }, { HTTPS_PROXY: 'socks5://a' }).network.proxy).toBeUndefined());
