/** Each command tells a refusal of the edge in one line, and exits with the code that docs/cli.md names, whatever the body is. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { WebSocketServer } from 'ws';
import type { Exit } from '../../cli/exit.ts';
import { runProgram } from '../../cli/process.ts';
import { COMMAND_LINES, LOCAL_COMMANDS } from './command-lines.ts';
import { type Answer, FakeHttpEdge } from './fake-http-edge.ts';

const DETAIL = 'id: this is the reason of the edge';

/** The exit codes: of an answer of the edge, which is a problem document, and of any other one. */
const EXITS: Readonly<Record<number, readonly [withProblem: Exit, without: Exit]>> = {
  400: [2, 2],
  401: [4, 4],
  403: [4, 4],
  404: [1, 3],
  409: [1, 3],
  413: [1, 3],
  429: [3, 3],
  500: [3, 3],
  503: [3, 3],
};

interface Refusal {
  readonly name: string;
  readonly answer: Answer;
  readonly exit: Exit | undefined;
  /** What the line contains. */
  readonly says: readonly string[];
}

const RETRY_AFTER = { 'Retry-After': '7' };

const REFUSALS: readonly Refusal[] = Object.entries(EXITS).flatMap(([text, [withProblem, without]]) => {
  const status = Number(text);
  // Nothing says more about a credential than that it was rejected.
  const reason = status === 401 ? ['rejected'] : [text, DETAIL];
  const problem = { status, body: { status, title: 'Refused', detail: DETAIL } };
  const noReason = status === 401 ? ['rejected'] : [text];
  const retries = status === 429 || status >= 500;
  return [
    { name: `${status} with a problem document`, answer: problem, exit: withProblem, says: reason },
    {
      name: `${status} with HTML`,
      answer: { status, body: '<html><h1>Refused</h1></html>' },
      exit: without,
      says: noReason,
    },
    { name: `${status} with an empty body`, answer: { status, body: '' }, exit: without, says: noReason },
    {
      name: `${status} with a body that is cut off`,
      answer: { ...problem, isCut: true },
      exit: without,
      says: noReason,
    },
    ...(retries
      ? [
          {
            name: `${status} with Retry-After`,
            answer: { ...problem, headers: RETRY_AFTER },
            exit: 3 as const,
            says: ['Try again in 7 s.'],
          },
        ]
      : []),
  ];
});

async function run(args: readonly string[], env: Readonly<Record<string, string>>) {
  let [out, err] = ['', ''];
  const exit = await runProgram(args, {
    env: { CALL_API_TIMEOUT: '5', ...env },
    out: {
      write(text) {
        out += text;
        return true;
      },
    },
    err: {
      write(text) {
        err += text;
        return true;
      },
    },
    interrupt: new AbortController().signal,
  });
  return { exit, out, err };
}

/** The lines with a fault: those of `doctor` go to stdout, with a mark. */
const faultsIn = (name: string, { out, err }: { readonly out: string; readonly err: string }) =>
  name === 'doctor'
    ? (out.match(/^✗.*\n(?: +→.*\n)?/gm) ?? []).map((fault) => fault.replace(/\s*\n\s*/g, ' '))
    : err.split('\n').filter((line) => line !== '');

const remote = COMMAND_LINES.filter(([name]) => !LOCAL_COMMANDS.includes(name));
it.each(remote)('%s tells each refusal in one line, and exits with its code', async (name, args) => {
  let answer: Answer = { status: 200, body: {} };
  // Doctor asks first whether there is an edge at all.
  await using edge = await FakeHttpEdge.start((path) =>
    path === '/healthz' ? { status: 200, body: { status: 'ok', version: '0.2.0' } } : answer,
  );
  const found: unknown[] = [];
  const expected: unknown[] = [];
  for (const refusal of REFUSALS) {
    answer = refusal.answer;
    const result = await run(args, edge.env);
    const faults = faultsIn(name, result);
    const missing = refusal.says.filter((text) => !faults[0]?.includes(text));
    const isTrace = /\n\s+at |undefined|\[object/.test(result.out + result.err);
    found.push([refusal.name, result.exit, faults.length, missing, isTrace]);
    expected.push([refusal.name, refusal.exit, 1, [], false]);
    if (missing.length > 0 || faults.length !== 1) found.push(faults);
  }
  expect(found).toEqual(expected);
});

it('does not take the answer to a change that is cut off for a server that is no edge', async () => {
  await using edge = await FakeHttpEdge.start(() => ({
    status: 200,
    body: { id: 'the-id', key: 'ca.k1.api.t1.the-id.the-secret.the-mac' },
    isCut: true,
  }));
  const { exit, out, err } = await run(['admin', 'key', 'create', 't1'], edge.env);
  expect({ exit, out }).toEqual({ exit: 3, out: '' });
  expect(err).toBe(
    `The answer of the edge at ${edge.url} was cut off. The edge may have carried out the request.\n`,
  );
});

it.each([['rpc', 'Echo', '{}'], ['echo', 'a'], ['doctor']])(
  '%s does not wait for the rest of a refusal that never ends',
  async (...args) => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const head = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 100\r\n\r\n';
    server.on('request', ({ url, socket }) => {
      if (url === '/healthz') socket.end('HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"version":"0"}');
      else socket.write(head);
    });
    server.on('upgrade', (_, socket) => socket.on('error', () => {}).write(head));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { exit, out, err } = await run(args, { CALL_API: url, CALL_API_TIMEOUT: '1' });
    server.closeAllConnections();
    server.close();
    expect(exit).toBe(3);
    if (args[0] === 'rpc') expect(out + err).toContain('(503)');
  },
);

/** A server that answers CallStart with `Started`, and `ping` only if it is alive. After `pings` of them the command ends. */
async function answerOnce(isAlive: boolean, pings = 3) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  server.on('connection', (socket) => {
    let count = 0;
    socket.on('message', (data) => {
      const send = (message: object) => socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }));
      if (data.toString() !== 'ping') send({ id: '1', result: { cmd_id: 'c', event: 'Started' } });
      else if (isAlive) socket.send('pong');
      if (++count > pings) send({ method: 'CallStart', params: { cmd_id: 'c', event: 'Ended' } });
    });
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const close = () => {
    for (const client of server.clients) client.terminate();
    server.close();
  };
  return { url, close };
}

it('rpc notices an edge that falls silent after its first answer', async () => {
  const server = await answerOnce(false);
  const { exit, out, err } = await run(['rpc', 'CallStart', '{}'], {
    CALL_API: server.url,
    CALL_API_TIMEOUT: '1',
  });
  server.close();
  expect(out).toContain('"event":"Started"');
  expect([exit, err]).toEqual([3, expect.stringContaining('has not answered within 1 s')]);
});

it('rpc waits as long as a phone rings while the edge is there, and shows nothing of that', async () => {
  const server = await answerOnce(true);
  const { exit, out } = await run(['rpc', 'CallStart', '{}'], {
    CALL_API: server.url,
    CALL_API_TIMEOUT: '1',
  });
  server.close();
  expect(exit).toBe(0);
  expect(out).toContain('"event":"Ended"');
  expect(out).not.toContain('pong');
});
