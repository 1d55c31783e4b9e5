/** Tests what happens to commands at a second break, and when the edge refuses what is sent again. @module */
import { assertEqual, rejectionOf } from '../assertions.ts';
import type { ScriptedEdge, ScriptedSocket } from '../scripted-edge.ts';
import { testCase } from './test-case.ts';

const TOO_MANY = { code: -32003, message: 'Too many' };

/** Reads two requests of CallHold; returns them by their Call-IDs. */
async function twoHolds(socket: ScriptedSocket) {
  const requests = [await socket.request('CallHold'), await socket.request('CallHold')];
  return requests.sort((a, b) => Number(a.params['callid']) - Number(b.params['callid']));
}

/** Breaks the connection of a session that it makes the client give up; returns the socket of the next one. */
async function startNewSession(before: ScriptedSocket, edge: ScriptedEdge): Promise<ScriptedSocket> {
  before.terminate();
  const resumed = await edge.socket();
  resumed.send({ method: 'SessionReset', params: { since: Number(resumed.query.get('since')) } });
  const renewed = await edge.socket();
  assertEqual(renewed.query.get('since'), null);
  return renewed;
}

export const breaks = [
  testCase(
    'asks for every running command again after a new session and a second break',
    async ({ client, edge }) => {
      const api = client();
      const holds = [api.callHold({ callid: '1' }), api.callHold({ callid: '2' })];
      const first = await edge.socket();
      for (const request of await twoHolds(first)) {
        first.respond(request, {});
        first.notify(request, 'CallHolding', Number(request.params['callid']));
      }
      for (const hold of holds) {
        const reading = hold[Symbol.asyncIterator]();
        while ((await reading.next()).value?.event !== 'CallHolding');
      }
      const second = await startNewSession(first, edge);
      const [one] = await twoHolds(second);
      if (!one) throw new Error('no request');
      // The break comes before the response to the other command.
      second.respond(one, { replayed: true });
      second.notify(one, 'Ended', 5);
      assertEqual(await holds[0]?.ended, { callid: '1' });
      second.terminate();

      const third = await edge.socket();
      const again = await third.request('CallHold');
      assertEqual(again.params['callid'], '2');
      // What the second session has lost of this command is older than what it has received of the other.
      assertEqual(Number(third.query.get('since')) < 5, true);
      third.respond(again, { replayed: true });
      third.notify(again, 'Ended', 4);
      assertEqual(await holds[1]?.ended, { callid: '2' });
    },
  ),

  testCase(
    'delivers Started before the missed events that arrive before the response',
    async ({ client, edge }) => {
      const api = client();
      const warmUp = api.echo();
      const first = await edge.socket();
      const warmUpRequest = await first.request('Echo');
      first.respond(warmUpRequest, {});
      first.notify(warmUpRequest, 'Reply', 1, { data: {} });
      first.notify(warmUpRequest, 'Ended', 2);
      await warmUp.ended;

      const echo = api.echo({ n: 1 });
      const request = await first.request('Echo');
      first.terminate();
      const second = await edge.socket();
      assertEqual(second.query.get('since'), '2');
      second.notify(request, 'Reply', 3, { data: { n: 1 } });
      second.respond(await second.request('Echo'), { replayed: true });
      second.notify(request, 'Ended', 4);
      const events: string[] = [];
      for await (const { event } of echo) events.push(event);
      assertEqual(events, ['Started', 'Reply', 'Ended']);
    },
  ),

  testCase(
    'waits before it repeats a command whose refusal names no delay, longer each time',
    async ({ client, edge }) => {
      const echo = client().echo();
      const before = await edge.socket();
      await before.request('Echo');
      before.terminate();
      const after = await edge.socket();
      const first = await after.request('Echo');
      for (const retryAfter of [undefined, Number.NaN, 0, -1])
        after.refuse(first, { ...TOO_MANY, data: { retry_after: retryAfter } });
      // A request that is answered at once comes before the next try.
      const api = client();
      const other = api.echo();
      const otherSocket = await edge.socket();
      const otherRequest = await otherSocket.request('Echo');
      otherSocket.respond(otherRequest, {});
      otherSocket.notify(otherRequest, 'Reply', 1, { data: {} });
      otherSocket.notify(otherRequest, 'Ended', 2);
      await other.ended;
      assertEqual(after.unread, 0);
      const repeated = await after.request('Echo');
      assertEqual([repeated.id, after.unread], [first.id, 0]);
      after.respond(repeated, {});
      after.notify(repeated, 'Reply', 1, { data: {} });
      after.notify(repeated, 'Ended', 2);
      assertEqual(await echo.ended, {});
    },
  ),

  testCase('does not repeat a refused command that was aborted', async ({ client, edge }) => {
    const controller = new AbortController();
    const api = client();
    const echo = api.echo({ n: 1 }, { signal: controller.signal });
    const before = await edge.socket();
    await before.request('Echo');
    before.terminate();
    const after = await edge.socket();
    const request = await after.request('Echo');
    const list = api.calls.list();
    after.refuse(request, { ...TOO_MANY, data: { retry_after: 1 } });
    // It is repeated after the command would have been, and the client has the first refusal when it has this one.
    after.refuse(await after.request('CallList'), { ...TOO_MANY, data: { retry_after: 2.1 } });
    const other = api.calls.get('c');
    after.respond(await after.request('CallGet'), { call: {}, timeline: [] });
    await other;
    controller.abort(new Error('enough'));
    assertEqual(String(await rejectionOf(echo.ended)), 'Error: enough');
    after.respond(await after.request('CallList'), { calls: [] });
    assertEqual(await list, { calls: [] });
  }),
];
