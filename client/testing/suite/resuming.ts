/** Breaks: what runs goes on, what was missed is told, and nothing is done twice. @module */
import type { ConnectionState } from '../../index.ts';
import { same } from '../same.ts';
import { promise } from './promise.ts';

const [caller, callee] = ['sip:alice@x', 'sip:bob@x'];

export const resuming = [
  promise('a command is asked for with the same cmd_id until it is answered', async ({ client, edge }) => {
    const start = client().callStart({ caller, callee });
    for (const _ of ['lost', 'lost again']) {
      const socket = await edge.socket();
      same((await socket.request('CallStart')).params['cmd_id'], start.cmdId);
      socket.cut();
    }
    const socket = await edge.socket();
    const request = await socket.request('CallStart');
    same(request.params, { caller, callee, cmd_id: start.cmdId });
    socket.answer(request, { replayed: true });
    socket.tell(request, 'CalleeAnswered', 1, { data: { callid: 'c', caller, callee } });
    socket.tell(request, 'Ended', 2);
    same(await start.ended, { callid: 'c', caller, callee });
  }),

  promise('a session goes on from the last that it has heard', async ({ client, edge }) => {
    const echo = client({ session: 'desk-7' }).echo();
    const before = await edge.socket();
    const request = await before.request('Echo');
    before.answer(request, {});
    before.tell(request, 'Reply', 41, { data: {} });
    const reading = echo[Symbol.asyncIterator]();
    same([(await reading.next()).value?.event, (await reading.next()).value?.event], ['Started', 'Reply']);
    before.cut();
    const after = await edge.socket();
    same([before.query.get('session'), after.query.get('session')], ['desk-7', 'desk-7']);
    same([before.query.get('since'), after.query.get('since')], [null, '41']);
    after.tell(request, 'Reply', 41, { data: {} });
    after.tell(request, 'Ended', 44);
    same((await reading.next()).value?.event, 'Ended');
    same(after.unread, 0);
  }),

  promise(
    'where a session is no longer kept, all is asked for again and heard once',
    async ({ client, edge }) => {
      const echo = client({ session: 'desk-7' }).echo();
      const before = await edge.socket();
      const request = await before.request('Echo');
      before.answer(request, {});
      before.tell(request, 'Reply', 41, { data: {} });
      const told: string[] = [];
      const reading = (async () => {
        for await (const { event } of echo) {
          told.push(event);
          if (event === 'Reply') before.cut();
        }
      })();
      const after = await edge.socket();
      after.say({ method: 'SessionReset', params: { since: 41 } });
      const anew = await edge.socket();
      same([anew.query.get('since'), anew.query.get('session') === 'desk-7'], [null, false]);
      const again = await anew.request('Echo');
      same(again.params['cmd_id'], echo.cmdId);
      anew.answer(again, { replayed: true });
      anew.tell(again, 'Reply', 41, { data: {} });
      anew.tell(again, 'Ended', 42);
      await reading;
      same(told, ['Started', 'Reply', 'Ended']);
    },
  ),

  promise(
    'an edge that restarts is come back to, and what only asks is asked again',
    async ({ client, edge }) => {
      const states: ConnectionState['is'][] = [];
      const api = client({
        onState: ({ is }) => {
          states.push(is);
          // It has been away for two attempts.
          if (states.filter((each) => each === 'waiting').length === 3) void edge.refuse(0);
        },
      });
      const list = api.calls.list({ state: 'ringing' });
      const before = await edge.socket();
      same((await before.request('CallList')).params, { state: 'ringing' });
      await edge.refuse(503);
      before.close(1012);
      const after = await edge.socket();
      const request = await after.request('CallList');
      after.answer(request, { calls: [] });
      same(await list, { calls: [] });
      same(states.slice(-3), ['waiting', 'connecting', 'open']);
    },
  ),

  promise('what may have been done is said to be unknown, not done again', async ({ client, edge }) => {
    const request = client().request('CallEnd', { callid: 'c' });
    const before = await edge.socket();
    await before.request('CallEnd');
    before.cut();
    const why = await request.then(String, (error: { code?: unknown }) => error.code);
    same(why, -32013);
    same((await edge.socket()).unread, 0);
  }),

  promise(
    'refused for asking too much at once after a break, it asks again later',
    async ({ client, edge }) => {
      const echo = client().echo();
      const before = await edge.socket();
      await before.request('Echo');
      before.cut();
      const after = await edge.socket();
      after.refuse(await after.request('Echo'), {
        code: -32003,
        message: 'Too many',
        data: { retry_after: 0.01 },
      });
      const again = await after.request('Echo');
      after.answer(again, {});
      after.tell(again, 'Reply', 1, { data: {} });
      after.tell(again, 'Ended', 2);
      same(await echo.ended, {});
    },
  ),

  promise('superseded by another, it ends and does not come back', async ({ client, edge }) => {
    const api = client();
    const echo = api.echo();
    const socket = await edge.socket();
    await socket.request('Echo');
    socket.close(4408);
    same(await echo.ended.then(String, (error: { code?: unknown }) => error.code), -32013);
    same(api.state, { is: 'closed', why: 'superseded' });
    same(await api.echo().ended.then(String, (error: { code?: unknown }) => error.code), -32012);
  }),
];
