/** Tests reconnects: commands continue, missed events are delivered, and nothing runs twice. @module */
import type { ConnectionState } from '../../index.ts';
import { assertEqual, rejectionOf } from '../assertions.ts';
import { testCase } from './test-case.ts';

const [caller, callee] = ['sip:alice@x', 'sip:bob@x'];

const codeOf = async (promise: Promise<unknown>) =>
  ((await rejectionOf(promise)) as { readonly code?: unknown }).code;

export const reconnecting = [
  testCase('sends a command again with the same cmd_id until the edge responds', async ({ client, edge }) => {
    const start = client().callStart({ caller, callee });
    for (const _ of ['first loss', 'second loss']) {
      const socket = await edge.socket();
      assertEqual((await socket.request('CallStart')).params['cmd_id'], start.cmdId);
      socket.terminate();
    }
    const socket = await edge.socket();
    const request = await socket.request('CallStart');
    assertEqual(request.params, { caller, callee, cmd_id: start.cmdId });
    socket.respond(request, { replayed: true });
    socket.notify(request, 'CalleeAnswered', 1, { data: { callid: 'c', caller, callee } });
    socket.notify(request, 'Ended', 2);
    assertEqual(await start.ended, { callid: 'c', caller, callee });
  }),

  testCase('resumes a session from its last notification', async ({ client, edge }) => {
    const hold = client({ session: 'desk-7' }).callHold({ callid: 'c' });
    const before = await edge.socket();
    const request = await before.request('CallHold');
    before.respond(request, {});
    before.notify(request, 'CallHolding', 41);
    const reading = hold[Symbol.asyncIterator]();
    assertEqual(
      [(await reading.next()).value?.event, (await reading.next()).value?.event],
      ['Started', 'CallHolding'],
    );
    before.terminate();
    const after = await edge.socket();
    assertEqual([before.query.get('session'), after.query.get('session')], ['desk-7', 'desk-7']);
    assertEqual([before.query.get('since'), after.query.get('since')], [null, '41']);
    after.notify(request, 'CallHolding', 41);
    after.notify(request, 'Ended', 44);
    assertEqual((await reading.next()).value?.event, 'Ended');
    assertEqual(after.unread, 0);
  }),

  testCase(
    'starts a new session if the old one is gone, and delivers each event once',
    async ({ client, edge }) => {
      const echo = client({ session: 'desk-7' }).echo();
      const before = await edge.socket();
      const request = await before.request('Echo');
      before.respond(request, {});
      before.notify(request, 'Reply', 41, { data: {} });
      const events: string[] = [];
      const reading = (async () => {
        for await (const { event } of echo) {
          events.push(event);
          if (event === 'Reply') before.terminate();
        }
      })();
      const after = await edge.socket();
      after.send({ method: 'SessionReset', params: { since: 41 } });
      const renewed = await edge.socket();
      assertEqual([renewed.query.get('since'), renewed.query.get('session') === 'desk-7'], [null, false]);
      const repeated = await renewed.request('Echo');
      assertEqual(repeated.params['cmd_id'], echo.cmdId);
      renewed.respond(repeated, { replayed: true });
      renewed.notify(repeated, 'Reply', 41, { data: {} });
      renewed.notify(repeated, 'Ended', 42);
      await reading;
      assertEqual(events, ['Started', 'Reply', 'Ended']);
    },
  ),

  testCase('reconnects to an edge that restarts, and sends a query again', async ({ client, edge }) => {
    const states: ConnectionState['status'][] = [];
    const api = client({
      onState: ({ status }) => {
        states.push(status);
        // Two attempts have failed.
        if (states.filter((state) => state === 'waiting').length === 3) void edge.refuse(0);
      },
    });
    const list = api.calls.list({ state: 'ringing' });
    const before = await edge.socket();
    assertEqual((await before.request('CallList')).params, { state: 'ringing' });
    await edge.refuse(503);
    before.close(1012);
    const after = await edge.socket();
    const request = await after.request('CallList');
    after.respond(request, { calls: [] });
    assertEqual(await list, { calls: [] });
    assertEqual(states.slice(-3), ['waiting', 'connecting', 'open']);
  }),

  testCase(
    'reports a request that may have run as unknown, and does not send it again',
    async ({ client, edge }) => {
      const request = client().request('CallEnd', { callid: 'c' });
      const before = await edge.socket();
      await before.request('CallEnd');
      before.terminate();
      assertEqual(await codeOf(request), -32013);
      assertEqual((await edge.socket()).unread, 0);
    },
  ),

  testCase(
    'sends a command again later if the edge reports a rate limit after a reconnect',
    async ({ client, edge }) => {
      const echo = client().echo();
      const before = await edge.socket();
      await before.request('Echo');
      before.terminate();
      const after = await edge.socket();
      after.refuse(await after.request('Echo'), {
        code: -32003,
        message: 'Too many',
        data: { retry_after: 0.01 },
      });
      const repeated = await after.request('Echo');
      after.respond(repeated, {});
      after.notify(repeated, 'Reply', 1, { data: {} });
      after.notify(repeated, 'Ended', 2);
      assertEqual(await echo.ended, {});
    },
  ),

  testCase('closes for good when another connection supersedes it', async ({ client, edge }) => {
    const api = client();
    const echo = api.echo();
    const socket = await edge.socket();
    await socket.request('Echo');
    socket.close(4408);
    assertEqual(await codeOf(echo.ended), -32013);
    assertEqual(api.state, { status: 'closed', reason: 'superseded' });
    assertEqual(await codeOf(api.echo().ended), -32012);
  }),
];
