/** The Worker's doors, as it runs on a developer's own machine. */
import { exports } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { ScriptedAdapter } from './testing/adapter.ts';
import { scenarios } from './testing/scenarios.ts';
import { taken, upgrade } from './testing/sockets.ts';

it('tells its health, and how the link stands', async () => {
  const health = async () => (await exports.default.fetch('http://localhost/healthz')).json();
  expect(await health()).toMatchObject({
    status: 'ok',
    version: expect.any(String),
    link: { connected: false },
  });
  const adapter = await ScriptedAdapter.connect(scenarios.startOk, { adapter: 'here' });
  expect(await health()).toMatchObject({ link: { connected: true, adapter: 'here' }, running: 0 });
  adapter.close();
});

it.each([
  ['no page', { Host: 'localhost:5059' }, 101],
  ['a page of this machine', { Host: 'localhost:5059', Origin: 'http://127.0.0.1:8000' }, 101],
  ['by IPv6', { Host: '[::1]:5059' }, 101],
  ['a page elsewhere', { Host: 'localhost:5059', Origin: 'https://evil.example' }, 403],
  ['a page without an origin of its own', { Host: 'localhost:5059', Origin: 'null' }, 403],
  ['a name elsewhere that points here', { Host: 'evil.example:5059' }, 403],
  ['that name and its page', { Host: 'evil.example', Origin: 'http://evil.example' }, 403],
  ['a name that only begins so', { Host: 'localhost.evil.example' }, 403],
])('serves loopback only: %s', async (_, headers, status) => {
  const response = await upgrade('/call-api', headers);
  expect(response.status).toBe(status);
  response.webSocket?.accept();
  response.webSocket?.close();
});

it.each([
  ['no key', {}],
  ['a wrong key', { Authorization: 'Bearer wrong' }],
  ['a key of another scheme', { Authorization: 'Basic adapter-key-of-the-tests' }],
])('an adapter with %s stays outside', async (_, headers) => {
  const response = await upgrade('/adapter', headers);
  expect(response.status).toBe(401);
});

it.each([
  ['the edge’s own', 'call-api.v1', 'call-api.v1'],
  ['that among others', 'other, call-api.v1,call-api.token.x', 'call-api.v1'],
  ['only others', 'other, call-api.v10', null],
  ['only a token', 'call-api.token.x', null],
])('of offered subprotocols it selects its own or none: %s', async (_, offered, selected) => {
  const response = await upgrade('/call-api', { 'Sec-WebSocket-Protocol': offered });
  expect(response.headers.get('Sec-WebSocket-Protocol')).toBe(selected);
  const socket = await taken(response);
  socket.send('{"jsonrpc":"2.0","id":1,"method":"Echo"}');
  expect(await socket.next()).toMatchObject({ id: 1, result: { event: 'Started' } });
  socket.close();
});

it('asks for an upgrade where there is none', async () => {
  expect((await exports.default.fetch('http://localhost/call-api')).status).toBe(426);
});

it('refuses a session id that could not stand in a URL', async () => {
  expect((await upgrade('/call-api?session=a%20b')).status).toBe(400);
});

it('says where the WebSocket is to whoever comes elsewhere', async () => {
  const response = await exports.default.fetch('http://localhost/nowhere');
  expect(response.status).toBe(404);
  expect(await response.text()).toContain('/call-api');
});
