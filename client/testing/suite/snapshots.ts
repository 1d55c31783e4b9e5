/** Tests long snapshots: a part is never taken for the whole, whatever breaks in between. @module */
import { CallApiError, type Change } from '../../index.ts';
import { assertEqual, rejectionOf } from '../assertions.ts';
import type { Request, ScriptedSocket } from '../scripted-edge.ts';
import { testCase } from './test-case.ts';

const call = (callid: string, seq = 1) => ({
  callid,
  state: 'ringing',
  caller: null,
  callee: null,
  origin: null,
  began: 1,
  seq,
});

/** Answers with a snapshot of these calls. */
const respond = (
  socket: ScriptedSocket,
  request: Request,
  seq: number,
  callids: string[],
  rest: object = {},
) => socket.respond(request, { calls: callids.map((callid) => call(callid)), seq, link: 'Up', ...rest });

/** Reads a change; returns its type, its calls, and whether pages follow. */
async function read(watch: AsyncIterator<Change, undefined>): Promise<string> {
  const { value } = await watch.next();
  if (!value) return 'end';
  const calls = 'calls' in value ? value.calls.map(({ callid }) => ` ${callid}`).join('') : '';
  const changed = value.type === 'call' ? ` ${value.call.callid} ${value.event}` : '';
  return `${value.type}${calls}${changed}${'hasMore' in value ? ' …' : ''}`;
}

export const snapshots = [
  testCase('says of each part of a snapshot whether more follows', async ({ client, edge }) => {
    const watch = client().watch()[Symbol.asyncIterator]();
    const socket = await edge.socket();
    respond(socket, await socket.request('CallWatch'), 5, ['a'], { cursor: '1' });
    assertEqual(await read(watch), 'snapshot a …');
    for (const [cursor, callid, next] of [
      ['1', 'b', { cursor: '2' }],
      ['2', 'c', {}],
    ] as const) {
      const page = read(watch);
      const request = await socket.request('CallList');
      assertEqual(request.params['cursor'], cursor);
      socket.respond(request, { calls: [call(callid)], ...next });
      assertEqual(await page, cursor === '1' ? 'page b …' : 'page c');
    }
  }),

  testCase('fetches the pages that are missing after breaks inside a snapshot', async ({ client, edge }) => {
    const watch = client().watch()[Symbol.asyncIterator]();
    let socket = await edge.socket();
    respond(socket, await socket.request('CallWatch'), 5, ['a'], { cursor: '1' });
    assertEqual(await read(watch), 'snapshot a …');
    // Two breaks while the page is under way.
    const page = read(watch);
    for (const _ of [1, 2]) {
      assertEqual((await socket.request('CallList')).params['cursor'], '1');
      socket.terminate();
      socket = await edge.socket();
      const request = await socket.request('CallWatch');
      assertEqual(request.params, { since: 5 });
      respond(socket, request, 6, []);
    }
    socket.respond(await socket.request('CallList'), { calls: [call('b')], cursor: '2' });
    assertEqual(await page, 'resumed');
    assertEqual([await read(watch), await read(watch)], ['resumed', 'page b …']);
    // A break between two pages: the next one is requested when this one has been read, on the new socket.
    socket.terminate();
    socket = await edge.socket();
    respond(socket, await socket.request('CallWatch'), 7, []);
    socket.send({
      method: 'Call',
      params: { event: 'Ended', seq: 7, call: { ...call('a', 7), state: 'ended' } },
    });
    assertEqual([await read(watch), await read(watch)], ['resumed', 'call a Ended']);
    const last = read(watch);
    const request = await socket.request('CallList');
    assertEqual(request.params['cursor'], '2');
    socket.respond(request, { calls: [call('c')] });
    assertEqual(await last, 'page c');
  }),

  testCase(
    'begins again with a reset if the missed changes are gone, and drops the old pages',
    async ({ client, edge }) => {
      const watch = client().watch()[Symbol.asyncIterator]();
      const before = await edge.socket();
      respond(before, await before.request('CallWatch'), 5, ['a'], { cursor: '1' });
      assertEqual(await read(watch), 'snapshot a …');
      const next = read(watch);
      await before.request('CallList');
      before.terminate();
      const after = await edge.socket();
      respond(after, await after.request('CallWatch'), 90, ['x'], { cursor: '80', reset: true });
      assertEqual(await next, 'reset x …');
      const page = read(watch);
      const request = await after.request('CallList');
      assertEqual(request.params['cursor'], '80');
      after.respond(request, { calls: [call('y')] });
      assertEqual(await page, 'page y');
    },
  ),

  testCase('rejects if a page cannot be fetched or read', async ({ client, edge }) => {
    const api = client();
    const socket = await edge.socket();
    const refusal = { code: -32603, message: 'Internal error', data: 'Try again later.' };
    const answers: readonly ((request: Request) => void)[] = [
      (request) => socket.refuse(request, refusal),
      (request) => socket.respond(request, {}),
    ];
    for (const answer of answers) {
      const watch = api.watch()[Symbol.asyncIterator]();
      const first = read(watch);
      respond(socket, await socket.request('CallWatch'), 5, ['a'], { cursor: '1' });
      assertEqual(await first, 'snapshot a …');
      const page = watch.next();
      answer(await socket.request('CallList'));
      const error = await rejectionOf(page);
      if (!(error instanceof CallApiError)) throw error;
      assertEqual([error.code, error.event], [-32603, 'Refused']);
      assertEqual((await socket.request('CallUnwatch')).params, {});
      assertEqual(await watch.next(), { done: true });
    }
  }),

  testCase('asks for a page again that a rate limit has refused', async ({ client, edge }) => {
    const watch = client().watch()[Symbol.asyncIterator]();
    const socket = await edge.socket();
    respond(socket, await socket.request('CallWatch'), 5, ['a'], { cursor: '1' });
    assertEqual(await read(watch), 'snapshot a …');
    const page = read(watch);
    const tooMany = { code: -32003, message: 'Too many', data: { retry_after: 0.01 } };
    socket.refuse(await socket.request('CallList'), tooMany);
    socket.respond(await socket.request('CallList'), { calls: [call('b')] });
    assertEqual(await page, 'page b');
  }),

  testCase('rejects a snapshot that cannot be read', async ({ client, edge }) => {
    const first = client().watch()[Symbol.asyncIterator]().next();
    const socket = await edge.socket();
    socket.respond(await socket.request('CallWatch'), { calls: [], link: 'Up' });
    const error = await rejectionOf(first);
    if (!(error instanceof CallApiError)) throw error;
    assertEqual(error.code, -32603);
  }),
];
