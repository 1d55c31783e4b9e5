/** Watches: in order across breaks, at the reader's pace, in bounded memory. @module */
import type { Change } from '../../index.ts';
import { same } from '../same.ts';
import type { Request, ScriptedSocket } from '../scripted-edge.ts';
import { promise } from './promise.ts';

/** More than is kept for who does not read. */
const MANY = 1_500;

const call = (seq: number) => ({
  callid: `c${seq}`,
  state: 'ringing',
  caller: null,
  callee: null,
  origin: null,
  began: seq,
  seq,
});

function change(socket: ScriptedSocket, ...seqs: number[]): void {
  socket.say(...seqs.map((seq) => ({ method: 'Call', params: { event: 'Ringing', seq, call: call(seq) } })));
}

const snapshot = (socket: ScriptedSocket, request: Request, seq: number, more: object = {}) =>
  socket.answer(request, { calls: [], seq, link: 'Up', ...more });

const read = async (watch: AsyncIterator<Change, undefined>, n = 1): Promise<string[]> => {
  const told: string[] = [];
  while (told.length < n) {
    const { value } = await watch.next();
    told.push(value?.type === 'call' ? value.call.callid : (value?.type ?? 'end'));
  }
  return told;
};

export const watching = [
  promise('a watch goes on after a break from where it stood, each change once', async ({ client, edge }) => {
    const watch = client().watch()[Symbol.asyncIterator]();
    const before = await edge.socket();
    snapshot(before, await before.request('CallWatch'), 7);
    change(before, 9);
    same(await read(watch, 2), ['snapshot', 'c9']);
    before.cut();
    const after = await edge.socket();
    const request = await after.request('CallWatch');
    same(request.params, { since: 9 });
    snapshot(after, request, 12);
    change(after, 9, 11, 12);
    same(await read(watch, 3), ['resumed', 'c11', 'c12']);
    after.say({ method: 'Link', params: { event: 'Down', seq: 13 } });
    same((await watch.next()).value, { type: 'link', link: 'Down', seq: 13 });
  }),

  promise('where what was missed is no longer kept, all comes anew', async ({ client, edge }) => {
    const watch = client().watch({ since: 3 })[Symbol.asyncIterator]();
    const socket = await edge.socket();
    const request = await socket.request('CallWatch');
    same(request.params, { since: 3 });
    snapshot(socket, request, 90, { reset: true });
    same((await watch.next()).value, { type: 'reset', calls: [], link: 'Up', seq: 90 });
  }),

  promise('watches of one socket are each told what is theirs', async ({ client, edge }) => {
    const api = client();
    const [all, one] = [
      api.watch()[Symbol.asyncIterator](),
      api.watch({ callid: 'c3' })[Symbol.asyncIterator](),
    ];
    const socket = await edge.socket();
    const [first, second] = [await socket.request('CallWatch'), await socket.request('CallWatch')];
    snapshot(socket, first, 1);
    change(socket, 2);
    snapshot(socket, second, 2);
    change(socket, 3, 4);
    same(await read(all, 4), ['snapshot', 'c2', 'c3', 'c4']);
    same(await read(one, 2), ['snapshot', 'c3']);
  }),

  promise('who reads gets every change, however many', async ({ client, edge }) => {
    const watch = client().watch()[Symbol.asyncIterator]();
    const socket = await edge.socket();
    snapshot(socket, await socket.request('CallWatch'), 0);
    same(await read(watch), ['snapshot']);
    const seqs = Array.from({ length: MANY }, (_, n) => n + 1);
    for (let at = 0; at < MANY; at += 100) {
      const some = seqs.slice(at, at + 100);
      change(socket, ...some);
      same(
        await read(watch, some.length),
        some.map((seq) => `c${seq}`),
      );
    }
  }),

  promise(
    'who does not read is not flooded: the watch stops, and begins anew when it reads',
    async ({ client, edge }) => {
      const watch = client().watch()[Symbol.asyncIterator]();
      const socket = await edge.socket();
      snapshot(socket, await socket.request('CallWatch'), 0);
      same(await read(watch), ['snapshot']);
      change(socket, ...Array.from({ length: MANY }, (_, n) => n + 1));
      await socket.request('CallUnwatch');
      const next = watch.next();
      const request = await socket.request('CallWatch');
      same(request.params, {});
      snapshot(socket, request, MANY);
      same((await next).value, { type: 'reset', calls: [], link: 'Up', seq: MANY });
      change(socket, MANY + 1);
      same(await read(watch), [`c${MANY + 1}`]);
    },
  ),

  promise(
    'a long snapshot is read in pieces, each when the one before has been read',
    async ({ client, edge }) => {
      const api = client();
      const watch = api.watch()[Symbol.asyncIterator]();
      const socket = await edge.socket();
      snapshot(socket, await socket.request('CallWatch'), 5, { cursor: '1' });
      // What comes after it is heard, so it is there; and what is asked next is not more of it.
      for (const seq of [1, 3]) {
        const echo = api.echo();
        const request = await socket.request('Echo');
        socket.answer(request, {});
        socket.tell(request, 'Reply', seq, { data: {} });
        socket.tell(request, 'Ended', seq + 1);
        await echo.ended;
      }
      same(await read(watch), ['snapshot']);
      change(socket, 6);
      same(await read(watch), ['c6']);
      const request = await socket.request('CallList');
      same(request.params['cursor'], '1');
      socket.answer(request, { calls: [call(2)] });
      same(await read(watch), ['more']);
    },
  ),

  promise(
    'events of a command that nobody reads are bounded, and the last are kept',
    async ({ client, edge }) => {
      const transfer = client().callBlindTransfer({ callid: 'c', leg: 'caller', destination: 'sip:carol@x' });
      const socket = await edge.socket();
      const request = await socket.request('CallBlindTransfer');
      const facts = { callid: 'd', destination: 'sip:carol@x' };
      socket.answer(request, {});
      for (let seq = 1; seq <= MANY; seq++)
        socket.tell(request, 'TransferPending', seq, { data: { ...facts, extra: `180 ${seq}` } });
      socket.tell(request, 'TransferSuccessful', MANY + 1, { data: facts });
      socket.tell(request, 'Ended', MANY + 2);
      same(await transfer.ended, facts);
      const told: unknown[] = [];
      for await (const { event, seq } of transfer) told.push(`${event} ${seq ?? ''}`);
      same([told.length <= 66, told.at(0)], [true, 'Started ']);
      const last = [`TransferPending ${MANY}`, `TransferSuccessful ${MANY + 1}`, `Ended ${MANY + 2}`];
      same(told.slice(-3), last);
    },
  ),
];
