/** Tests what `connect` itself rejects, and platforms without a WebSocket. */
import { afterEach, expect, inject, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { connect } from '../index.ts';
import { ScriptedEdge } from '../testing/scripted-edge.ts';

afterEach(() => vi.unstubAllGlobals());

it('throws if the platform has no WebSocket, and uses the one of the options', async () => {
  const edge = await ScriptedEdge.open(inject('host'));
  // Node 20 has no WebSocket.
  vi.stubGlobal('WebSocket', undefined);
  expect(() => connect({ url: edge.url })).toThrow(/WebSocket: missing\..*connect\(\{ WebSocket \}\)/);
  const api = connect({ url: edge.url, WebSocket });
  const echo = api.echo({ hello: 'world' });
  const socket = await edge.socket();
  const request = await socket.request('Echo');
  socket.respond(request, {});
  socket.notify(request, 'Reply', 1, { data: { hello: 'world' } });
  socket.notify(request, 'Ended', 2);
  expect(await echo.ended).toEqual({ hello: 'world' });
  api.close();
  expect(await socket.closed).toBe(1005);
  edge.close();
});

it.each([
  ['an invalid URL', { url: 'calls' }, /url: "calls" is not a WebSocket URL/],
  ['a URL with another scheme', { url: 'ftp://edge/call-api' }, /url: "ftp:.*" is not a WebSocket URL/],
  [
    'an invalid token',
    { url: 'ws://edge/call-api', token: 'two words' },
    /^token: contains a space or another invalid character\.$/,
  ],
  [
    'an invalid session',
    { url: 'ws://edge/call-api', session: 'ä' },
    /session: "ä" is invalid\. Use 1 to 55/,
  ],
])('throws for %s', (_, options, message) => {
  expect(() => connect(options)).toThrow(message);
});

it('rejects requests of a closed client as not sent', async () => {
  const api = connect({ url: 'ws://127.0.0.1:9/call-api' });
  api.close();
  await expect(api.calls.list()).rejects.toMatchObject({
    code: -32012,
    message: expect.stringContaining('The request was not sent.'),
  });
  await expect(api.echo().ended).rejects.toMatchObject({ code: -32012, event: 'Lost' });
  for await (const change of api.watch()) expect(change).toBeUndefined();
  api.retryNow();
  expect(api.state).toEqual({ status: 'closed', reason: 'requested' });
});

it('refuses a second command with the same cmd_id', async () => {
  const api = connect({ url: 'ws://127.0.0.1:9/call-api' });
  api.echo({}, { cmdId: 'mine' });
  await expect(api.echo({}, { cmdId: 'mine' }).ended).rejects.toMatchObject({
    code: -32004,
    event: 'Refused',
    message: 'Conflict: cmd_id: "mine" is in use. Use another one.',
  });
  api.close();
});
