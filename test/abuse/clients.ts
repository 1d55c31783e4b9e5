/** The clients of attackers that read what they get: WebSockets and HTTP requests, counted in a tally. @module */
import { request as httpRequest } from 'node:http';
import { WebSocket } from 'ws';
import type { AttackRun } from './attack.ts';

/** Returns a JSON-RPC request. */
export function rpc(method: string, params: object = {}, id: number | string = 1): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method, params });
}

/** Opens a WebSocket that reads everything. Resolves with undefined if it is refused. */
export function openSocket(
  { port, tally }: Pick<AttackRun, 'port' | 'tally'>,
  credential: string,
  path = '/call-api',
): Promise<WebSocket | undefined> {
  const { promise, resolve } = Promise.withResolvers<WebSocket | undefined>();
  tally.sent += 1;
  const headers = { Authorization: `Bearer ${credential}` };
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers, perMessageDeflate: false });
  let isOpen = false;
  socket.on('open', () => {
    isOpen = true;
    tally.onOpened();
    resolve(socket);
  });
  socket.on('message', (data: Buffer) => tally.onMessage(data.subarray(0, 4_096).toString(), data.length));
  socket.on('unexpected-response', (request, response) => {
    let body = '';
    response.on('data', (chunk: Buffer) => (body += chunk.toString()));
    response.on('end', () => tally.onRefused(response.statusCode ?? 0, body));
    // Without an agent nothing closes the connection of a request that has ended.
    const connection = request.socket;
    response.on('close', () => {
      connection?.destroy();
      resolve(undefined);
    });
  });
  socket.on('error', () => resolve(undefined));
  socket.on('close', (code) => {
    if (isOpen) tally.onClosed(code === 1006 ? 0 : code);
    else tally.onRefused('no response');
    resolve(undefined);
  });
  return promise;
}

/** Sends an HTTP request and reads the response, at most for `readMs`. Resolves with the status; 0 without a response. */
export function sendRequest(
  { port, tally }: Pick<AttackRun, 'port' | 'tally'>,
  credential: string,
  path: string,
  { method = 'GET', body = '', readMs = 10_000, headers = {} }: HttpOptions = {},
): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  tally.sent += 1;
  const authorized = { ...headers, Authorization: `Bearer ${credential}` };
  const request = httpRequest({ port, host: '127.0.0.1', path, method, agent: false, headers: authorized });
  request.on('error', () => resolve(0));
  request.on('response', (response) => {
    const status = response.statusCode ?? 0;
    let start = '';
    let bytes = 0;
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (start.length < 4_096) start += chunk.toString();
    });
    response.on('error', () => {});
    response.on('close', () => {
      tally.onMessage(status < 400 ? start : '', bytes);
      if (status >= 400) tally.onRefused(status, start);
      resolve(status);
    });
  });
  const timer = setTimeout(() => request.destroy(), readMs);
  request.on('close', () => clearTimeout(timer));
  request.end(body);
  return promise;
}

interface HttpOptions {
  readonly method?: string;
  readonly body?: string;
  /** How long the response is read, in milliseconds. */
  readonly readMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}
