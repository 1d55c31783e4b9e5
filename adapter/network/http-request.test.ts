import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { reasonOf } from '../../shared/settings/error-reason.ts';
import { sendHttpRequest } from './http-request.ts';

/** Sends a request to a server that answers like this. */
async function send(listener: RequestListener, body?: string): Promise<Response> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const signal = AbortSignal.timeout(20_000);
  const options = body === undefined ? {} : { method: 'POST', body };
  return sendHttpRequest(`http://127.0.0.1:${port}/path?a=b`, { ...options, headers: { A: '1' }, signal });
}

it('sends method, path, headers and body, and returns the response', async () => {
  const response = await send((request, answer) => {
    const { method, url, headers } = request;
    answer.writeHead(201, { 'Retry-After': '7', 'Set-Cookie': ['a=1', 'b=2'] });
    answer.write(JSON.stringify({ method, url, a: headers['a'], length: headers['content-length'] }));
    request.pipe(answer);
  }, 'ä');
  expect(response.status).toBe(201);
  expect(response.headers.get('Retry-After')).toBe('7');
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(await response.text()).toBe('{"method":"POST","url":"/path?a=b","a":"1","length":"2"}ä');
});

it('returns a response without a body', async () => {
  const response = await send((_, answer) => void answer.writeHead(204).end());
  expect([response.status, await response.text()]).toEqual([204, '']);
});

it('rejects while the body is read, if that is cut off', async () => {
  const response = await send((_, answer) => {
    answer.writeHead(200, { 'Content-Length': '9' });
    answer.write('part', () => answer.destroy());
  });
  expect(response.status).toBe(200);
  await expect(response.text()).rejects.toThrow();
});

it.each([
  [302, 'it redirects to another address'],
  [999, 'it answers with the unknown status 999'],
])('rejects the status %i', async (status, reason) => {
  const sent = send((_, answer) => void answer.writeHead(status, { Location: '/other' }).end());
  expect(reasonOf(await sent.catch((error: unknown) => error))).toBe(reason);
});
