/** `call-api manage`, against an edge that records the requests. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { leavesOf } from '../commands/usage.ts';
import { runProgram } from '../process.ts';
import { createSilentProgram } from '../program.ts';

const KEY = 'ca.k1.api.acme.0123.a-secret_part.mac';
const [manage] = createSilentProgram().commands.filter((command) => command.name() === 'manage');

let requests: object[] = [];
let answer: { status: number; body: unknown } = { status: 200, body: {} };
const edge = createServer((request, response) => {
  void text(request).then((body) => {
    const { method, url, headers } = request;
    requests.push({ method, url, authorization: headers.authorization, body: body && JSON.parse(body) });
    response.writeHead(answer.status, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(answer.body));
  });
});
let url = '';
beforeAll(async () => {
  await once(edge.listen(0, '127.0.0.1'), 'listening');
  url = `http://127.0.0.1:${(edge.address() as AddressInfo).port}`;
});
afterAll(() => void edge.close());
beforeEach(() => {
  requests = [];
  answer = { status: 200, body: {} };
});

async function run(line: string, env: Record<string, string> = {}) {
  let out = '';
  let err = '';
  const exit = await runProgram(['manage', ...line.split(' ')], {
    env: { CALL_API: url, CALL_API_TOKEN: KEY, ...env },
    out: { write: (chunk) => (out += chunk) },
    err: { write: (chunk) => (err += chunk) },
    interrupt: new AbortController().signal,
  });
  return { exit, out, err };
}

const LINES = [
  ['show', 'GET', '', ''],
  [
    'set --deny *@evil --origin https://a',
    'PATCH',
    '',
    { rules: { deny: ['*@evil'] }, origins: ['https://a'] },
  ],
  ['sites', 'GET', '/sites', ''],
  ['audit --entries 5', 'GET', '/audit?limit=5', ''],
  ['key create --scope read', 'POST', '/keys', { role: 'api', scopes: ['read'] }],
  ['key list', 'GET', '/keys', ''],
  ['key rotate k1 --grace 60', 'POST', '/keys/k1/rotate', { grace: 60 }],
  ['key revoke k1', 'DELETE', '/keys/k1', ''],
  ['webhook create berlin https://a.example', 'POST', '/sites/berlin/webhooks', { url: 'https://a.example' }],
  ['webhook list berlin', 'GET', '/sites/berlin/webhooks', ''],
  ['webhook show berlin w1', 'GET', '/sites/berlin/webhooks/w1', ''],
  ['webhook set berlin w1 --disable', 'PATCH', '/sites/berlin/webhooks/w1', { enabled: false }],
  ['webhook rotate berlin w1', 'POST', '/sites/berlin/webhooks/w1/rotate', {}],
  ['webhook delete berlin w1', 'DELETE', '/sites/berlin/webhooks/w1', ''],
  ['webhook test berlin w1', 'POST', '/sites/berlin/webhooks/w1/test', ''],
  ['webhook deliveries berlin w1', 'GET', '/sites/berlin/webhooks/w1/deliveries', ''],
  ['webhook replay berlin w1 7', 'POST', '/sites/berlin/webhooks/w1/deliveries/7/replay', ''],
] as const;

it.each(LINES)('%s sends %s /v1/manage%s', async (line, method, path, body) => {
  const { exit } = await run(line);
  expect(exit).toBe(0);
  expect(requests).toEqual([{ method, url: `/v1/manage${path}`, authorization: `Bearer ${KEY}`, body }]);
});

it('has an example of every command above', () =>
  expect(manage && leavesOf(manage)).toHaveLength(LINES.length));

it('prints a key alone on stdout', async () => {
  answer = { status: 201, body: { id: '0123', role: 'api', key: KEY, untold: [] } };
  const { exit, out } = await run('key create');
  expect({ exit, out }).toEqual({ exit: 0, out: `${KEY}\n` });
});

it.each([
  [401, 'x', 'rejected the API key (401). Check CALL_API_TOKEN or --token-file.'],
  [403, 'This API key lacks the scope manage.', 'This API key lacks the scope manage.'],
])('says why the edge answers %i', async (status, detail, sentence) => {
  answer = { status, body: { status, detail } };
  const { exit, err } = await run('show');
  expect([exit, err]).toEqual([4, expect.stringContaining(sentence)]);
});

it('needs an API key', async () => {
  const { exit, err } = await run('show', { CALL_API_TOKEN: '' });
  expect([exit, err, requests]).toEqual([2, expect.stringContaining('The API key is missing'), []]);
});
