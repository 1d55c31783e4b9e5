/** Tests abort signals of commands, requests, watches and the client. @module */
import { assertEqual, rejectionOf } from '../assertions.ts';
import { testCase } from './test-case.ts';

const nameOf = async (promise: Promise<unknown>) => ((await rejectionOf(promise)) as Error).name;

export const abortSignals = [
  testCase(
    'rejects a command with the reason of its signal, and leaves the command running',
    async ({ client, edge }) => {
      const controller = new AbortController();
      const echo = client().echo({}, { signal: controller.signal });
      const before = await edge.socket();
      await before.request('Echo');
      const reading = echo[Symbol.asyncIterator]().next();
      controller.abort(new Error('enough'));
      assertEqual(String(await rejectionOf(echo.ended)), 'Error: enough');
      assertEqual(String(await rejectionOf(reading)), 'Error: enough');
      before.terminate();
      // The command is neither sent again nor ended.
      assertEqual((await edge.socket()).unread, 0);
    },
  ),

  testCase('never sends what was aborted before a socket was open', async ({ client, edge }) => {
    await edge.refuse(503);
    const api = client();
    const [early, late] = [new AbortController(), new AbortController()];
    early.abort();
    const aborted = [
      api.echo({ n: 1 }, { signal: early.signal }),
      api.echo({ n: 2 }, { signal: late.signal }),
    ];
    const list = api.calls.list({ signal: late.signal });
    late.abort();
    for (const command of aborted) assertEqual(await nameOf(command.ended), 'AbortError');
    assertEqual(await nameOf(list), 'AbortError');
    await edge.refuse(0);
    api.echo({ n: 3 });
    assertEqual((await (await edge.socket()).request('Echo')).params['n'], 3);
  }),

  testCase('rejects a request with the reason of its signal', async ({ client, edge }) => {
    const controller = new AbortController();
    const get = client().calls.get('c', { signal: controller.signal });
    const socket = await edge.socket();
    const request = await socket.request('CallGet');
    controller.abort();
    assertEqual(await nameOf(get), 'AbortError');
    socket.respond(request, {});
  }),

  testCase(
    'unsubscribes when the signal of a watch is aborted, and when its loop ends',
    async ({ client, edge }) => {
      const controller = new AbortController();
      const api = client();
      const watch = api.watch({ signal: controller.signal })[Symbol.asyncIterator]();
      const first = watch.next();
      const socket = await edge.socket();
      socket.respond(await socket.request('CallWatch'), { calls: [], seq: 1, link: 'Up' });
      assertEqual((await first).value, { type: 'snapshot', calls: [], link: 'Up', seq: 1 });
      const next = watch.next();
      controller.abort();
      assertEqual(await nameOf(next), 'AbortError');
      assertEqual((await socket.request('CallUnwatch')).params, {});

      const loop = (async () => {
        for await (const change of api.watch({ callid: 'c' })) if (change.type === 'snapshot') break;
      })();
      const request = await socket.request('CallWatch');
      assertEqual(request.params, { callid: 'c' });
      socket.respond(request, { calls: [], seq: 1, link: 'Up' });
      await loop;
      assertEqual((await socket.request('CallUnwatch')).params, { callid: 'c' });
    },
  ),

  testCase('does not begin a watch again that was aborted while nobody read it', async ({ client, edge }) => {
    const controller = new AbortController();
    const api = client();
    const watches = [
      api.watch({ signal: controller.signal })[Symbol.asyncIterator](),
      api.watch()[Symbol.asyncIterator](),
    ];
    const socket = await edge.socket();
    for (const watch of watches) {
      socket.respond(await socket.request('CallWatch'), { calls: [], seq: 0, link: 'Up' });
      assertEqual((await watch.next()).value?.type, 'snapshot');
    }
    const began = { caller: null, callee: null, origin: null, began: 1, state: 'ringing' };
    // More changes than a watch stores: both are unsubscribed until they are read again.
    for (let seq = 1; seq <= 1_500; seq++)
      socket.send({
        method: 'Call',
        params: { event: 'Ringing', seq, call: { ...began, callid: 'c', seq } },
      });
    await socket.request('CallUnwatch');
    controller.abort();
    await watches[1]?.return?.();
    assertEqual(await nameOf(Promise.resolve(watches[0]?.next())), 'AbortError');
    for (const watch of watches) assertEqual(await watch.next(), { done: true });
    // The next request is this one: nobody has subscribed again.
    void api.echo();
    await socket.request('Echo');
  }),

  testCase(
    'does not discard another command of the same cmd_id with an aborted signal',
    async ({ client, edge }) => {
      const api = client();
      const echo = api.echo({}, { cmdId: 'mine' });
      const socket = await edge.socket();
      const request = await socket.request('Echo');
      const aborted = api.echo({}, { cmdId: 'mine', signal: AbortSignal.abort() });
      assertEqual(await nameOf(aborted.ended), 'AbortError');
      socket.respond(request, {});
      socket.notify(request, 'Reply', 1, { data: {} });
      socket.notify(request, 'Ended', 2);
      assertEqual(await echo.ended, {});
    },
  ),

  testCase('closes the client when its signal is aborted', async ({ client, edge }) => {
    const controller = new AbortController();
    const api = client({ signal: controller.signal });
    const watch = api.watch()[Symbol.asyncIterator]().next();
    const socket = await edge.socket();
    await socket.request('CallWatch');
    controller.abort();
    assertEqual(await watch, { done: true });
    assertEqual(api.state, { status: 'closed', reason: 'requested' });
    await socket.closed;
  }),
];
