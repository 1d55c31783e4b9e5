/** The sockets and the health of the Worker in local development. */
import { exports } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { ScriptedAdapter } from './testing/adapter.ts';
import { scenarios } from './testing/scenarios.ts';
import { acceptSocket, requestUpgrade } from './testing/sockets.ts';

it('shows its health and the state of the link', async () => {
  const health = async () => (await exports.default.fetch('http://localhost/healthz')).json();
  expect(await health()).toMatchObject({
    status: 'ok',
    version: expect.any(String),
    link: { connected: false },
  });
  const adapter = await ScriptedAdapter.connect(scenarios.startOk, { adapter: 'test-adapter' });
  expect(await health()).toMatchObject({ link: { connected: true, adapter: 'test-adapter' }, running: 0 });
  adapter.close();
});

it.each([
  ['no page', { Host: 'localhost:5059' }, 101],
  ['a page of this machine', { Host: 'localhost:5059', Origin: 'http://127.0.0.1:8000' }, 101],
  ['an IPv6 host', { Host: '[::1]:5059' }, 101],
  ['another page', { Host: 'localhost:5059', Origin: 'https://evil.example' }, 403],
  ['a page with an opaque origin', { Host: 'localhost:5059', Origin: 'null' }, 403],
  ['another host name that resolves to this machine', { Host: 'evil.example:5059' }, 403],
  ['that host name and its page', { Host: 'evil.example', Origin: 'http://evil.example' }, 403],
  ['a host name with localhost as its prefix', { Host: 'localhost.evil.example' }, 403],
])('accepts loopback requests only: %s', async (_, headers, status) => {
  const response = await requestUpgrade('/call-api', headers);
  expect(response.status).toBe(status);
  response.webSocket?.accept();
  response.webSocket?.close();
});

it.each([
  ['no key', {}],
  ['a wrong key', { Authorization: 'Bearer wrong' }],
  ['a key of another scheme', { Authorization: 'Basic adapter-key-of-the-tests' }],
])('rejects an adapter with %s', async (_, headers) => {
  const response = await requestUpgrade('/adapter', headers);
  expect(response.status).toBe(401);
});

it.each([
  ['the edge’s subprotocol', 'call-api.v1', 'call-api.v1'],
  ['that among others', 'other, call-api.v1,call-api.token.x', 'call-api.v1'],
  ['a name of JSON-RPC', 'jsonrpc', 'jsonrpc'],
  ['another one', 'jsonrpc-2.0', 'jsonrpc-2.0'],
  ['a third one', 'json-rpc', 'json-rpc'],
  ['the first one of several', 'call-api.token.x, json-rpc, jsonrpc', 'json-rpc'],
  ['only a token', 'call-api.token.x', null],
])('selects the subprotocol that a client offers: %s', async (_, offered, selected) => {
  const response = await requestUpgrade('/call-api', { 'Sec-WebSocket-Protocol': offered });
  expect(response.headers.get('Sec-WebSocket-Protocol')).toBe(selected);
  const socket = await acceptSocket(response);
  socket.send('{"jsonrpc":"2.0","id":1,"method":"Echo"}');
  expect(await socket.next()).toMatchObject({ id: 1, result: { event: 'Started' } });
  socket.close();
});

it('refuses a client that offers other subprotocols only, and says which it has', async () => {
  const response = await requestUpgrade('/call-api', {
    'Sec-WebSocket-Protocol': 'other, call-api.token.secret',
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toEqual({
    status: 400,
    detail:
      'Sec-WebSocket-Protocol: the edge has none of "other". Offer call-api.v1, jsonrpc, jsonrpc-2.0 or json-rpc, or none.',
  });
});

it('requires an upgrade for a WebSocket', async () => {
  expect((await exports.default.fetch('http://localhost/call-api')).status).toBe(426);
});

it('rejects a malformed session id', async () => {
  expect((await requestUpgrade('/call-api?session=a%20b')).status).toBe(400);
});

it('names the URL of the WebSocket in a 404', async () => {
  const response = await exports.default.fetch('http://localhost/nowhere');
  expect(response.status).toBe(404);
  expect(await response.text()).toContain('/call-api');
});
