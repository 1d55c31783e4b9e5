/** What `connect` itself refuses, and platforms that have no WebSocket. */
import { afterEach, expect, inject, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { connect } from './index.ts';
import { ScriptedEdge } from './testing/scripted-edge.ts';

afterEach(() => vi.unstubAllGlobals());

it('where there is no WebSocket it says so, and one that is given serves', async () => {
  const edge = await ScriptedEdge.open(inject('host'));
  // As on Node 20.
  vi.stubGlobal('WebSocket', undefined);
  expect(() => connect({ url: edge.url })).toThrow(/no WebSocket here.*connect\(\{ WebSocket \}\)/);
  const api = connect({ url: edge.url, WebSocket });
  const echo = api.echo({ hello: 'world' });
  const socket = await edge.socket();
  const request = await socket.request('Echo');
  socket.answer(request, {});
  socket.tell(request, 'Reply', 1, { data: { hello: 'world' } });
  socket.tell(request, 'Ended', 2);
  expect(await echo.ended).toEqual({ hello: 'world' });
  api.close();
  expect(await socket.closed).toBe(1005);
  edge.close();
});

it.each([
  ['a URL that is none', { url: 'calls' }, /Invalid URL/],
  ['a URL of another kind', { url: 'ftp://edge/call-api' }, /not ws: or wss:, but ftp:/],
  ['a token that is none', { url: 'ws://edge/call-api', token: 'two words' }, /neither a key nor a token/],
  ['a session that cannot be one', { url: 'ws://edge/call-api', session: 'ä' }, /session: 1 to 55/],
])('%s is refused at once', (_, options, why) => {
  expect(() => connect(options)).toThrow(why);
});

it('what is asked of a closed client rejects, and says that it was not sent', async () => {
  const api = connect({ url: 'ws://127.0.0.1:9/call-api' });
  api.close();
  await expect(api.calls.list()).rejects.toMatchObject({
    code: -32012,
    message: expect.stringContaining('it was not sent'),
  });
  await expect(api.echo().ended).rejects.toMatchObject({ code: -32012, event: 'Lost' });
  for await (const change of api.watch()) expect(change).toBe('nothing');
  api.retryNow();
  expect(api.state).toEqual({ is: 'closed', why: 'asked' });
});

it('one cmd_id is one command', async () => {
  const api = connect({ url: 'ws://127.0.0.1:9/call-api' });
  api.echo({}, { cmdId: 'mine' });
  await expect(api.echo({}, { cmdId: 'mine' }).ended).rejects.toMatchObject({
    code: -32004,
    event: 'Refused',
  });
  api.close();
});
