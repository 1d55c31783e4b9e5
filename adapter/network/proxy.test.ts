import { expect, it } from 'vitest';
import { proxyFor } from './proxy.ts';

const EDGE = new URL('wss://edge.example/adapter');

it.each([
  [{ HTTPS_PROXY: 'http://proxy.example:3128' }, 'proxy.example:3128'],
  [{ https_proxy: 'http://lower:1', HTTPS_PROXY: 'http://upper:2' }, 'lower:1'],
  [{ https_proxy: '', HTTPS_PROXY: 'http://upper:2' }, 'upper:2'],
  [{ HTTPS_PROXY: 'proxy.example:3128' }, 'proxy.example:3128'],
  [{ HTTPS_PROXY: 'http://proxy.example' }, 'proxy.example:80'],
  [{ HTTPS_PROXY: 'https://proxy.example' }, 'proxy.example:443'],
  [{ HTTPS_PROXY: 'http://[::1]:3128/' }, '[::1]:3128'],
  [{ HTTPS_PROXY: 'http://user:secret@proxy.example:3128' }, 'proxy.example:3128'],
  [{ HTTPS_PROXY: 'http://p:1', NO_PROXY: 'other.example' }, 'p:1'],
])('%j is the proxy %s', (env, shown) => {
  expect(proxyFor(EDGE, env)).toMatchObject({ proxy: { shown } });
});

it.each([
  [{}, 'HTTPS_PROXY is not set'],
  [{ HTTPS_PROXY: '' }, 'HTTPS_PROXY is not set'],
  // It is for http:// URLs.
  [{ HTTP_PROXY: 'http://p:1' }, 'HTTPS_PROXY is not set'],
  [{ HTTPS_PROXY: 'http://p:1', NO_PROXY: '.example' }, 'NO_PROXY exempts edge.example'],
  [{ HTTPS_PROXY: 'http://p:1', no_proxy: '.example', NO_PROXY: 'x' }, 'NO_PROXY exempts edge.example'],
  [{ HTTPS_PROXY: 'http://p:1', NO_PROXY: 'edge.example:443' }, 'NO_PROXY exempts edge.example'],
])('%j is none: %s', (env, why) => {
  expect(proxyFor(EDGE, env)).toEqual({ proxy: undefined, why });
});

it('has none for an edge without TLS', () => {
  const reading = proxyFor(new URL('ws://edge.example/adapter'), { HTTPS_PROXY: 'http://p:1' });
  expect(reading).toEqual({ proxy: undefined, why: 'A ws:// URL needs none' });
});

it('decodes the credentials', () => {
  const reading = proxyFor(EDGE, { HTTPS_PROXY: 'http://us%40er:p%3Aä%25@proxy:1' });
  const authorization = `Basic ${Buffer.from('us@er:p:ä%').toString('base64')}`;
  expect(reading).toMatchObject({ proxy: { authorization } });
});

it.each([
  ['socks5://user:secret@p:1', 'HTTPS_PROXY: "socks5://[hidden]@p:1" is not the URL of an HTTP proxy.'],
  ['user:secret@p:x', 'HTTPS_PROXY: "[hidden]@p:x" is not the URL of an HTTP proxy.'],
  ['http://', 'is not the URL of an HTTP proxy. Write it like http://proxy.example.com:3128.'],
  ['http://u:100%@p:1', 'HTTPS_PROXY: the user or password has a % that does not begin'],
])('rejects %s without showing a credential', (HTTPS_PROXY, sentence) => {
  const reading = proxyFor(EDGE, { HTTPS_PROXY });
  expect(reading).toEqual({ error: expect.stringContaining(sentence) });
  expect(JSON.stringify(reading)).not.toContain('secret');
});
