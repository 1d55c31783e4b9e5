/** The same client against all of it: the edge on workerd, an adapter and simulated phones. @module */
import { type CallApi, CallApiError, connect } from '../../index.ts';
import { rejection, same } from '../same.ts';
import { ScriptedEdge } from '../scripted-edge.ts';
import type { Shown } from './promise.ts';

/** The user part chooses what a simulated phone does: simulator/README.md. */
const phone = (user: string) => `sip:${user}@127.0.0.1:5060`;

/** What the machine of the fake server can do for these. */
export interface StackDeeds {
  /** Where the edge of the stack is; it is started when it is first asked for. */
  readonly stack: () => Promise<string>;
  /** Kills the edge and starts it again, on the same data. */
  readonly restart: () => Promise<void>;
}

function promise(
  name: string,
  show: (api: CallApi, deed: (name: keyof StackDeeds) => Promise<unknown>) => Promise<void>,
): Shown {
  return {
    name,
    async show(host) {
      const control = await ScriptedEdge.open(host);
      const api = connect({ url: String(await control.deed('stack')) });
      try {
        await show(api, (deed) => control.deed(deed));
      } finally {
        api.close();
        control.close();
      }
    },
  };
}

export const wholeStack = [
  promise('a call is made, held, resumed, transferred and ended, and a watch sees it', async (api) => {
    const seen: string[] = [];
    const watch = api.watch()[Symbol.asyncIterator]();
    same((await watch.next()).value?.type, 'snapshot');

    const start = api.callStart({ caller: phone('alice'), callee: phone('bob'), metadata: { ticket: 7 } });
    const told: string[] = [];
    for await (const { event } of start) told.push(event);
    same(
      told.filter((event) => event !== 'TransferPending'),
      [
        'Started',
        'CallerRinging',
        'CallerAnswered',
        'Transferring',
        'TransferStart',
        'CalleeAnswered',
        'Ended',
      ],
    );
    const { callid } = await start.ended;
    same(await api.callHold({ callid }).ended, { callid });
    same(await api.callUnhold({ callid }).ended, { callid });
    const { call } = await api.calls.get(callid);
    same([call.state, call.metadata], ['answered', { ticket: 7 }]);

    const carol = phone('carol');
    const moved = await api.callBlindTransfer({ callid, leg: 'callee', destination: carol }).ended;
    await api.callEnd({ callid: moved.callid }).ended;
    for (;;) {
      const { value } = await watch.next();
      if (value?.type !== 'call' || value.call.callid !== moved.callid) continue;
      seen.push(value.event);
      if (value.event === 'Ended') break;
    }
    same(seen.includes('Answered'), true);
    same(await api.calls.list({ address: carol, state: ['ringing', 'answered'] }), { calls: [] });
  }),

  promise('a busy phone rejects with its status', async (api) => {
    const why = await rejection(api.callStart({ caller: phone('busy'), callee: phone('bob') }).ended);
    if (!(why instanceof CallApiError)) throw why;
    same([why.code, why.sip], [-32010, { status: 486, reason: 'Busy Here' }]);
  }),

  promise(
    'an edge that is killed under a call and a watch: both go on, and each step is told once',
    async (api, deed) => {
      const watch = api.watch()[Symbol.asyncIterator]();
      same((await watch.next()).value?.type, 'snapshot');
      const start = api.callStart({ caller: phone('ring'), callee: phone('bob'), timeout: 180 });
      const told: string[] = [];
      for await (const { event } of start) {
        told.push(event);
        if (event !== 'CallerRinging') continue;
        await deed('restart');
        const end = start.end();
        await end.ended;
      }
      same(told, ['Started', 'CallerRinging', 'Error', 'Ended']);
      const seqs: number[] = [];
      for (;;) {
        const { value } = await watch.next();
        if (value?.type !== 'call') continue;
        seqs.push(value.seq);
        const { origin, state } = value.call;
        if (origin?.cmd_id === start.cmdId && state === 'ended') break;
      }
      same(
        seqs,
        [...new Set(seqs)].sort((a, b) => a - b),
      );
    },
  ),
];
