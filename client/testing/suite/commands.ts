/** Commands: told in order, once, to their end. @module */
import { CallApiError } from '../../index.ts';
import { rejection, same } from '../same.ts';
import { promise } from './promise.ts';

const [caller, callee] = ['sip:alice@x', 'sip:bob@x'];

export const commands = [
  promise('a command is told in order, from Started to Ended, and resolves with the call', async (world) => {
    const start = world.client().callStart({ caller, callee });
    const socket = await world.edge.socket();
    const request = await socket.request('CallStart');
    same(request.params, { caller, callee, cmd_id: start.cmdId });
    socket.answer(request, { cmd_id: start.cmdId, event: 'Started' });
    socket.tell(request, 'CallerRinging', 1, { data: { caller, callee } });
    socket.tell(request, 'CallerAnswered', 2, { data: { caller, callee }, metadata: { ticket: 7 } });
    socket.tell(request, 'CalleeAnswered', 4, { data: { callid: 'c', caller, callee } });
    socket.tell(request, 'Ended', 9);
    const told: unknown[] = [];
    for await (const each of start) told.push(each);
    same(told, [
      { event: 'Started' },
      { event: 'CallerRinging', data: { caller, callee }, seq: 1 },
      { event: 'CallerAnswered', data: { caller, callee }, metadata: { ticket: 7 }, seq: 2 },
      { event: 'CalleeAnswered', data: { callid: 'c', caller, callee }, seq: 4 },
      { event: 'Ended', seq: 9 },
    ]);
    same(await start.ended, { callid: 'c', caller, callee });
  }),

  promise('commands side by side each hear their own, also of a frame that holds several', async (world) => {
    const api = world.client();
    const [one, two] = [api.callHold({ callid: 'a' }), api.callHold({ callid: 'b', leg: 'caller' })];
    const socket = await world.edge.socket();
    const [first, second] = [await socket.request('CallHold'), await socket.request('CallHold')];
    socket.answer(second, {});
    socket.tell(second, 'CallHolding', 1);
    socket.answer(first, {});
    socket.tell(first, 'CallHolding', 2);
    socket.tell(first, 'Ended', 3);
    socket.tell(second, 'Ended', 4);
    same([await one.ended, await two.ended], [{ callid: 'a' }, { callid: 'b' }]);
    for (const each of [one, two]) {
      const told: string[] = [];
      for await (const { event } of each) told.push(event);
      same(told, ['Started', 'CallHolding', 'Ended']);
    }
  }),

  promise(
    'a command that fails under way tells Error and Ended, and rejects with how it was refused',
    async (world) => {
      const start = world.client().callStart({ caller, callee });
      const socket = await world.edge.socket();
      const request = await socket.request('CallStart');
      socket.answer(request, {});
      const sip = { status: 486, reason: 'Busy Here' };
      const error = { code: -32010, message: 'refused', sip };
      socket.tell(request, 'Error', 1, { data: 'no luck: 486 Busy Here', error });
      socket.tell(request, 'Ended', 2);
      const told: string[] = [];
      for await (const { event } of start) told.push(event);
      same(told, ['Started', 'Error', 'Ended']);
      const why = await rejection(start.ended);
      if (!(why instanceof CallApiError)) throw why;
      same([why.code, why.sip, why.data, why.event], [-32010, sip, 'no luck: 486 Busy Here', 'Error']);
    },
  ),

  promise(
    'a refused command rejects with what is wrong, and who does not look is not troubled',
    async (world) => {
      const api = world.client();
      const [seen, unseen] = [api.callEnd({ callid: '?' }), api.callEnd({ callid: '!' })];
      const socket = await world.edge.socket();
      const error = { code: -32602, message: 'Invalid params', data: 'callid: not a Call-ID' };
      for (const _ of [seen, unseen]) socket.refuse(await socket.request('CallEnd'), error);
      const why = await rejection(seen.ended);
      if (!(why instanceof CallApiError)) throw why;
      same([why.code, why.message, why.event], [-32602, 'Invalid params: callid: not a Call-ID', 'Refused']);
      const [read] = [await rejection(unseen[Symbol.asyncIterator]().next())];
      same(read instanceof CallApiError, true);
    },
  ),

  promise('what is told twice is heard once', async (world) => {
    const echo = world.client().echo({ hello: 1 });
    const socket = await world.edge.socket();
    const request = await socket.request('Echo');
    socket.answer(request, {});
    for (const seq of [5, 5, 4]) socket.tell(request, 'Reply', seq, { data: { hello: 1 } });
    socket.tell(request, 'Ended', 6);
    const told: string[] = [];
    for await (const { event } of echo) told.push(event);
    same(told, ['Started', 'Reply', 'Ended']);
    same(await echo.ended, { hello: 1 });
  }),

  promise('a call that was started here is ended by its cmd_id', async (world) => {
    const start = world.client().callStart({ caller, callee }, { cmdId: 'mine' });
    const socket = await world.edge.socket();
    await socket.request('CallStart');
    const end = start.end();
    const request = await socket.request('CallEnd');
    same(request.params, { callid: 'mine', cmd_id: end.cmdId });
    socket.answer(request, {});
    socket.tell(request, 'Ended', 1);
    same(await end.ended, { callid: 'mine' });
  }),
];
