/** Flags before variables before the file; and what is wrong is said where it stands. */
import { expect, it } from 'vitest';
import { completed, readSettings } from './settings.ts';

const none = () => {
  throw new Error('ENOENT');
};
const read = (
  flags: Record<string, string>,
  env: Record<string, string> = {},
  files: Record<string, string> = {},
) => readSettings(flags, env, (path) => files[path] ?? none());

it('without anything it is the edge of npm start', () => {
  expect(read({})).toMatchObject({
    edge: { socket: 'ws://localhost:5059/call-api', origin: 'http://localhost:5059' },
    token: undefined,
    direct: undefined,
    timeoutMs: 10_000,
  });
});

it('a flag goes before its variable, and that before the file', () => {
  const files = { '/home/a/.config/call-api/config.json': '{"domain":"file","site":"file","timeout":5}' };
  const env = { HOME: '/home/a', CALL_API_DOMAIN: 'variable', CALL_API_SITE: 'variable', CALL_API_TOKEN: '' };
  expect(read({ domain: 'flag' }, env, files)).toMatchObject({
    domain: 'flag',
    edge: { site: 'variable' },
    token: undefined,
    timeoutMs: 5_000,
  });
  expect(read({}, { XDG_CONFIG_HOME: '/x' }, { '/x/call-api/config.json': '{"domain":"x"}' }).domain).toBe(
    'x',
  );
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
])('the edge may be written as %s', (url, socket, origin) => {
  expect(read({ url }).edge).toMatchObject({ socket, origin });
});

it('a token may come from a file; of a flag and a variable, the flag counts', () => {
  const files = { '/t': 'from-file\n' };
  expect(read({ 'token-file': '/t' }, { CALL_API_TOKEN: 'variable' }, files).token).toBe('from-file');
  expect(read({ token: 'flag' }, { CALL_API_TOKEN_FILE: '/t' }, files).token).toBe('flag');
});

it('direct mode has its domain from the next hop', () => {
  expect(read({ direct: '10.0.0.5:8080' })).toMatchObject({
    direct: { host: '10.0.0.5', port: 8080 },
    nextHop: 'sip:10.0.0.5:5060',
    domain: '10.0.0.5:5060',
  });
});

it.each([
  [{ url: 'ftp://a' }, {}, '--url ftp://a is no address of an edge'],
  [{}, { CALL_API_DIRECT: 'here' }, 'CALL_API_DIRECT here is no HOST:PORT'],
  [{ timeout: '0' }, {}, '--timeout 0 is no number of seconds'],
  [{ 'token-file': '/nowhere' }, {}, 'the file /nowhere cannot be read'],
  [{ config: '/nowhere' }, {}, 'check --config'],
  [{ config: '/text' }, {}, 'is not JSON'],
  [{ config: '/other' }, {}, '"colour" in /other is not known'],
  [{ token: 'a b' }, {}, '--token'],
])('is not understood: %j %j', (flags, env, sentence) => {
  const files = { '/text': 'url = x', '/other': '{"colour":"red"}' };
  expect(() => read(flags as Record<string, string>, env as Record<string, string>, files)).toThrow(sentence);
});

it.each([
  ['sip:a@b', undefined, 'sip:a@b'],
  ['a@b', undefined, 'sip:a@b'],
  ['alice', 'example.com', 'sip:alice@example.com'],
])('%s with the domain %s is %s', (address, domain, uri) => expect(completed(address, domain)).toBe(uri));

it('a name without a domain is refused', () =>
  expect(() => completed('alice', undefined)).toThrow('--domain'));
