/** Tests commands: their events, results and errors. @module */
import { CallApiError } from '../../index.ts';
import { assertEqual, rejectionOf } from '../assertions.ts';
import { testCase } from './test-case.ts';

const [caller, callee] = ['sip:alice@x', 'sip:bob@x'];

export const commands = [
  testCase(
    'delivers the events of a command in order, and resolves with the call',
    async ({ client, edge }) => {
      const start = client().callStart({ caller, callee });
      const socket = await edge.socket();
      const request = await socket.request('CallStart');
      assertEqual(request.params, { caller, callee, cmd_id: start.cmdId });
      socket.respond(request, { cmd_id: start.cmdId, event: 'Started' });
      socket.notify(request, 'CallerRinging', 1, { data: { caller, callee } });
      socket.notify(request, 'CallerAnswered', 2, { data: { caller, callee }, metadata: { ticket: 7 } });
      socket.notify(request, 'CalleeAnswered', 4, { data: { callid: 'c', caller, callee } });
      socket.notify(request, 'Ended', 9);
      const events: unknown[] = [];
      for await (const event of start) events.push(event);
      assertEqual(events, [
        { event: 'Started' },
        { event: 'CallerRinging', data: { caller, callee }, seq: 1 },
        { event: 'CallerAnswered', data: { caller, callee }, metadata: { ticket: 7 }, seq: 2 },
        { event: 'CalleeAnswered', data: { callid: 'c', caller, callee }, seq: 4 },
        { event: 'Ended', seq: 9 },
      ]);
      assertEqual(await start.ended, { callid: 'c', caller, callee });
    },
  ),

  testCase('delivers to concurrent commands their own events only', async ({ client, edge }) => {
    const api = client();
    const [one, two] = [api.callHold({ callid: 'a' }), api.callHold({ callid: 'b', leg: 'caller' })];
    const socket = await edge.socket();
    const [first, second] = [await socket.request('CallHold'), await socket.request('CallHold')];
    socket.respond(second, {});
    socket.notify(second, 'CallHolding', 1);
    socket.respond(first, {});
    socket.notify(first, 'CallHolding', 2);
    socket.notify(first, 'Ended', 3);
    socket.notify(second, 'Ended', 4);
    assertEqual([await one.ended, await two.ended], [{ callid: 'a' }, { callid: 'b' }]);
    for (const command of [one, two]) {
      const events: string[] = [];
      for await (const { event } of command) events.push(event);
      assertEqual(events, ['Started', 'CallHolding', 'Ended']);
    }
  }),

  testCase(
    'delivers Error and Ended of a command that fails, and rejects with the SIP status',
    async ({ client, edge }) => {
      const start = client().callStart({ caller, callee });
      const socket = await edge.socket();
      const request = await socket.request('CallStart');
      socket.respond(request, {});
      const sip = { status: 486, reason: 'Busy Here' };
      const rpcError = { code: -32010, message: 'refused', sip };
      socket.notify(request, 'Error', 1, { data: 'no luck: 486 Busy Here', error: rpcError });
      socket.notify(request, 'Ended', 2);
      const events: string[] = [];
      for await (const { event } of start) events.push(event);
      assertEqual(events, ['Started', 'Error', 'Ended']);
      const error = await rejectionOf(start.ended);
      if (!(error instanceof CallApiError)) throw error;
      assertEqual(
        [error.code, error.sip, error.data, error.event],
        [-32010, sip, 'no luck: 486 Busy Here', 'Error'],
      );
    },
  ),

  testCase(
    'rejects a refused command with the reason, and ignores a rejection that nobody handles',
    async ({ client, edge }) => {
      const api = client();
      const [handled, unhandled] = [api.callEnd({ callid: '?' }), api.callEnd({ callid: '!' })];
      const socket = await edge.socket();
      const rpcError = { code: -32602, message: 'Invalid params', data: 'callid: not a Call-ID' };
      for (const _ of [handled, unhandled]) socket.refuse(await socket.request('CallEnd'), rpcError);
      const error = await rejectionOf(handled.ended);
      if (!(error instanceof CallApiError)) throw error;
      assertEqual(
        [error.code, error.message, error.event],
        [-32602, 'Invalid params: callid: not a Call-ID', 'Refused'],
      );
      const iterationError = await rejectionOf(unhandled[Symbol.asyncIterator]().next());
      assertEqual(iterationError instanceof CallApiError, true);
    },
  ),

  testCase('delivers a repeated notification once', async ({ client, edge }) => {
    const echo = client().echo({ hello: 1 });
    const socket = await edge.socket();
    const request = await socket.request('Echo');
    socket.respond(request, {});
    for (const seq of [5, 5, 4]) socket.notify(request, 'Reply', seq, { data: { hello: 1 } });
    socket.notify(request, 'Ended', 6);
    const events: string[] = [];
    for await (const { event } of echo) events.push(event);
    assertEqual(events, ['Started', 'Reply', 'Ended']);
    assertEqual(await echo.ended, { hello: 1 });
  }),

  testCase('ends a call by the cmd_id of its CallStart', async ({ client, edge }) => {
    const start = client().callStart({ caller, callee }, { cmdId: 'mine' });
    const socket = await edge.socket();
    await socket.request('CallStart');
    const end = start.end();
    const request = await socket.request('CallEnd');
    assertEqual(request.params, { callid: 'mine', cmd_id: end.cmdId });
    socket.respond(request, {});
    socket.notify(request, 'Ended', 1);
    assertEqual(await end.ended, { callid: 'mine' });
  }),
];
