import { exports } from 'cloudflare:workers';
import { expect, it } from 'vitest';
import { open } from './testing/sockets.ts';

it('answers /healthz', async () => {
  const response = await exports.default.fetch('http://localhost/healthz');
  expect(await response.json()).toMatchObject({ status: 'ok', link: { connected: false } });
});

it('echoes', async () => {
  const socket = await open('/call-api');
  socket.send('{"jsonrpc":"2.0","id":1,"method":"Echo","params":{"a":[1]}}');
  expect(await socket.next()).toMatchObject({ id: 1, result: { event: 'Started' } });
  expect(await socket.next()).toMatchObject({ params: { event: 'Reply', data: { a: [1] } } });
  expect(await socket.next()).toMatchObject({ params: { event: 'Ended' } });
});
