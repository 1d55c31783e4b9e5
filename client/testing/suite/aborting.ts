/** A signal ends one's interest, everywhere. @module */
import { rejection, same } from '../same.ts';
import { promise } from './promise.ts';

const nameOf = async (promised: Promise<unknown>) => ((await rejection(promised)) as Error).name;

export const aborting = [
  promise('a command that nobody waits for any more rejects with the reason, and runs on', async (world) => {
    const waiting = new AbortController();
    const echo = world.client().echo({}, { signal: waiting.signal });
    const before = await world.edge.socket();
    await before.request('Echo');
    const reading = echo[Symbol.asyncIterator]().next();
    waiting.abort(new Error('enough'));
    same(String(await rejection(echo.ended)), 'Error: enough');
    same(String(await rejection(reading)), 'Error: enough');
    before.cut();
    // Neither asked for again, nor ended.
    same((await world.edge.socket()).unread, 0);
  }),

  promise('what was aborted before it could be sent is never sent', async ({ client, edge }) => {
    await edge.refuse(503);
    const api = client();
    const [early, late] = [new AbortController(), new AbortController()];
    early.abort();
    const never = [api.echo({ n: 1 }, { signal: early.signal }), api.echo({ n: 2 }, { signal: late.signal })];
    const list = api.calls.list({ signal: late.signal });
    late.abort();
    for (const each of never) same(await nameOf(each.ended), 'AbortError');
    same(await nameOf(list), 'AbortError');
    await edge.refuse(0);
    api.echo({ n: 3 });
    same((await (await edge.socket()).request('Echo')).params['n'], 3);
  }),

  promise('a question is no longer waited for', async ({ client, edge }) => {
    const waiting = new AbortController();
    const get = client().calls.get('c', { signal: waiting.signal });
    const socket = await edge.socket();
    const request = await socket.request('CallGet');
    waiting.abort();
    same(await nameOf(get), 'AbortError');
    socket.answer(request, {});
  }),

  promise(
    'a watch ends with its signal, and with its loop; the edge is told so',
    async ({ client, edge }) => {
      const watching = new AbortController();
      const api = client();
      const watch = api.watch({ signal: watching.signal })[Symbol.asyncIterator]();
      const first = watch.next();
      const socket = await edge.socket();
      socket.answer(await socket.request('CallWatch'), { calls: [], seq: 1, link: 'Up' });
      same((await first).value, { type: 'snapshot', calls: [], link: 'Up', seq: 1 });
      const next = watch.next();
      watching.abort();
      same(await nameOf(next), 'AbortError');
      same((await socket.request('CallUnwatch')).params, {});

      const loop = (async () => {
        for await (const change of api.watch({ callid: 'c' })) if (change.type === 'snapshot') break;
      })();
      const request = await socket.request('CallWatch');
      same(request.params, { callid: 'c' });
      socket.answer(request, { calls: [], seq: 1, link: 'Up' });
      await loop;
      same((await socket.request('CallUnwatch')).params, { callid: 'c' });
    },
  ),

  promise('a whole client ends with its signal', async ({ client, edge }) => {
    const living = new AbortController();
    const api = client({ signal: living.signal });
    const watch = api.watch()[Symbol.asyncIterator]().next();
    const socket = await edge.socket();
    await socket.request('CallWatch');
    living.abort();
    same(await watch, { done: true });
    same(api.state, { is: 'closed', why: 'asked' });
    await socket.closed;
  }),
];
