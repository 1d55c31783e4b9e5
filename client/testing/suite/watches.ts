/** Tests watches: order across reconnects, flow control and bounded memory. @module */
import type { Change } from '../../index.ts';
import { assertEqual } from '../assertions.ts';
import type { Request, ScriptedSocket } from '../scripted-edge.ts';
import { testCase } from './test-case.ts';

/** More changes than a watch stores while nobody reads them. */
const OVERFLOW = 1_500;

const call = (seq: number) => ({
  callid: `c${seq}`,
  state: 'ringing',
  caller: null,
  callee: null,
  origin: null,
  began: seq,
  seq,
});

function sendChanges(socket: ScriptedSocket, ...seqs: number[]): void {
  socket.send(...seqs.map((seq) => ({ method: 'Call', params: { event: 'Ringing', seq, call: call(seq) } })));
}

const respondWithSnapshot = (socket: ScriptedSocket, request: Request, seq: number, rest: object = {}) =>
  socket.respond(request, { calls: [], seq, link: 'Up', ...rest });

/** Reads changes; returns the Call-ID of a changed call, and the type of any other change. */
const read = async (watch: AsyncIterator<Change, undefined>, count = 1): Promise<string[]> => {
  const changes: string[] = [];
  while (changes.length < count) {
    const { value } = await watch.next();
    changes.push(value?.type === 'call' ? value.call.callid : (value?.type ?? 'end'));
  }
  return changes;
};

export const watches = [
  testCase('resumes a watch after a reconnect, with each change once', async ({ client, edge }) => {
    const watch = client().watch()[Symbol.asyncIterator]();
    const before = await edge.socket();
    respondWithSnapshot(before, await before.request('CallWatch'), 7);
    sendChanges(before, 9);
    assertEqual(await read(watch, 2), ['snapshot', 'c9']);
    before.terminate();
    const after = await edge.socket();
    const request = await after.request('CallWatch');
    assertEqual(request.params, { since: 9 });
    respondWithSnapshot(after, request, 12);
    sendChanges(after, 9, 11, 12);
    assertEqual(await read(watch, 3), ['resumed', 'c11', 'c12']);
    after.send({ method: 'Link', params: { event: 'Down', seq: 13 } });
    assertEqual((await watch.next()).value, { type: 'link', link: 'Down', seq: 13 });
  }),

  testCase(
    'gives a change of the link after a reconnect no number beyond what the watch has received',
    async ({ client, edge }) => {
      const watch = client().watch()[Symbol.asyncIterator]();
      const before = await edge.socket();
      respondWithSnapshot(before, await before.request('CallWatch'), 7);
      assertEqual(await read(watch), ['snapshot']);
      before.terminate();
      const after = await edge.socket();
      respondWithSnapshot(after, await after.request('CallWatch'), 12, { link: 'Down' });
      // Whoever stores 12 now would never learn of 11.
      assertEqual((await watch.next()).value, { type: 'link', link: 'Down', seq: 7 });
      sendChanges(after, 11, 12);
      assertEqual(await read(watch, 3), ['resumed', 'c11', 'c12']);
    },
  ),

  testCase('delivers a reset if the missed changes are gone', async ({ client, edge }) => {
    const watch = client().watch({ since: 3 })[Symbol.asyncIterator]();
    const socket = await edge.socket();
    const request = await socket.request('CallWatch');
    assertEqual(request.params, { since: 3 });
    respondWithSnapshot(socket, request, 90, { reset: true });
    assertEqual((await watch.next()).value, { type: 'reset', calls: [], link: 'Up', seq: 90 });
  }),

  testCase('delivers to concurrent watches their own changes only', async ({ client, edge }) => {
    const api = client();
    const [all, one] = [
      api.watch()[Symbol.asyncIterator](),
      api.watch({ callid: 'c3' })[Symbol.asyncIterator](),
    ];
    const socket = await edge.socket();
    const [first, second] = [await socket.request('CallWatch'), await socket.request('CallWatch')];
    respondWithSnapshot(socket, first, 1);
    sendChanges(socket, 2);
    respondWithSnapshot(socket, second, 2);
    sendChanges(socket, 3, 4);
    assertEqual(await read(all, 4), ['snapshot', 'c2', 'c3', 'c4']);
    assertEqual(await read(one, 2), ['snapshot', 'c3']);
  }),

  testCase('delivers every change to a program that reads', async ({ client, edge }) => {
    const watch = client().watch()[Symbol.asyncIterator]();
    const socket = await edge.socket();
    respondWithSnapshot(socket, await socket.request('CallWatch'), 0);
    assertEqual(await read(watch), ['snapshot']);
    const seqs = Array.from({ length: OVERFLOW }, (_, n) => n + 1);
    for (let start = 0; start < OVERFLOW; start += 100) {
      const batch = seqs.slice(start, start + 100);
      sendChanges(socket, ...batch);
      assertEqual(
        await read(watch, batch.length),
        batch.map((seq) => `c${seq}`),
      );
    }
  }),

  testCase(
    'unsubscribes while a program does not read, and delivers a reset when it does',
    async ({ client, edge }) => {
      const watch = client().watch()[Symbol.asyncIterator]();
      const socket = await edge.socket();
      respondWithSnapshot(socket, await socket.request('CallWatch'), 0);
      assertEqual(await read(watch), ['snapshot']);
      sendChanges(socket, ...Array.from({ length: OVERFLOW }, (_, n) => n + 1));
      await socket.request('CallUnwatch');
      const next = watch.next();
      const request = await socket.request('CallWatch');
      assertEqual(request.params, {});
      respondWithSnapshot(socket, request, OVERFLOW);
      assertEqual((await next).value, { type: 'reset', calls: [], link: 'Up', seq: OVERFLOW });
      sendChanges(socket, OVERFLOW + 1);
      assertEqual(await read(watch), [`c${OVERFLOW + 1}`]);
    },
  ),

  testCase(
    'fetches each page of a long snapshot after the previous one has been read',
    async ({ client, edge }) => {
      const api = client();
      const watch = api.watch()[Symbol.asyncIterator]();
      const socket = await edge.socket();
      respondWithSnapshot(socket, await socket.request('CallWatch'), 5, { cursor: '1' });
      // The responses follow the snapshot, so it has arrived; and no `CallList` comes between them.
      for (const seq of [1, 3]) {
        const echo = api.echo();
        const request = await socket.request('Echo');
        socket.respond(request, {});
        socket.notify(request, 'Reply', seq, { data: {} });
        socket.notify(request, 'Ended', seq + 1);
        await echo.ended;
      }
      assertEqual(await read(watch), ['snapshot']);
      sendChanges(socket, 6);
      assertEqual(await read(watch), ['c6']);
      const request = await socket.request('CallList');
      assertEqual(request.params['cursor'], '1');
      socket.respond(request, { calls: [call(2)] });
      assertEqual(await read(watch), ['page']);
    },
  ),

  testCase('limits the unread events of a command, and drops the oldest', async ({ client, edge }) => {
    const transfer = client().callBlindTransfer({ callid: 'c', leg: 'caller', destination: 'sip:carol@x' });
    const socket = await edge.socket();
    const request = await socket.request('CallBlindTransfer');
    const details = { callid: 'd', destination: 'sip:carol@x' };
    socket.respond(request, {});
    for (let seq = 1; seq <= OVERFLOW; seq++)
      socket.notify(request, 'TransferPending', seq, { data: { ...details, extra: `180 ${seq}` } });
    socket.notify(request, 'TransferSuccessful', OVERFLOW + 1, { data: details });
    socket.notify(request, 'Ended', OVERFLOW + 2);
    assertEqual(await transfer.ended, details);
    const events: unknown[] = [];
    for await (const { event, seq } of transfer) events.push(`${event} ${seq ?? ''}`);
    assertEqual([events.length <= 66, events.at(0)], [true, 'Started ']);
    const lastEvents = [
      `TransferPending ${OVERFLOW}`,
      `TransferSuccessful ${OVERFLOW + 1}`,
      `Ended ${OVERFLOW + 2}`,
    ];
    assertEqual(events.slice(-3), lastEvents);
  }),
];
