/** Runs the client against the full stack: the edge on workerd, an adapter and simulated phones. @module */
import { type CallApi, CallApiError, connect } from '../../index.ts';
import { assertEqual, rejectionOf } from '../assertions.ts';
import { ScriptedEdge } from '../scripted-edge.ts';
import type { TestCase } from './test-case.ts';

/** The user part selects the behavior of the simulated phone: simulator/README.md. */
const phone = (user: string) => `sip:${user}@127.0.0.1:5060`;

/** The host actions of these tests. */
export interface StackActions {
  /** Starts the stack on the first call; resolves with the URL of its edge. */
  readonly startStack: () => Promise<string>;
  /** Kills the edge and starts it again with the same data. */
  readonly restartEdge: () => Promise<void>;
}

function testCase(
  name: string,
  body: (api: CallApi, runAction: (name: keyof StackActions) => Promise<unknown>) => Promise<void>,
): TestCase {
  return {
    name,
    async run(host) {
      const control = await ScriptedEdge.open(host);
      const runAction = (action: keyof StackActions) => control.runHostAction(action);
      const api = connect({ url: String(await runAction('startStack')) });
      try {
        await body(api, runAction);
      } finally {
        api.close();
        control.close();
      }
    },
  };
}

export const fullStack = [
  testCase('starts, holds, resumes, transfers and ends a call, which a watch observes', async (api) => {
    const watchedEvents: string[] = [];
    const watch = api.watch()[Symbol.asyncIterator]();
    assertEqual((await watch.next()).value?.type, 'snapshot');

    const start = api.callStart({ caller: phone('alice'), callee: phone('bob'), metadata: { ticket: 7 } });
    const events: string[] = [];
    for await (const { event } of start) events.push(event);
    assertEqual(
      events.filter((event) => event !== 'TransferPending'),
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
    assertEqual(await api.callHold({ callid }).ended, { callid });
    assertEqual(await api.callUnhold({ callid }).ended, { callid });
    const { call } = await api.calls.get(callid);
    assertEqual([call.state, call.metadata], ['answered', { ticket: 7 }]);

    const carol = phone('carol');
    const transferred = await api.callBlindTransfer({ callid, leg: 'callee', destination: carol }).ended;
    await api.callEnd({ callid: transferred.callid }).ended;
    for (;;) {
      const { value } = await watch.next();
      if (value?.type !== 'call' || value.call.callid !== transferred.callid) continue;
      watchedEvents.push(value.event);
      if (value.event === 'Ended') break;
    }
    assertEqual(watchedEvents.includes('Answered'), true);
    assertEqual(await api.calls.list({ address: carol, state: ['ringing', 'answered'] }), { calls: [] });
  }),

  testCase('rejects with the SIP status of a busy phone', async (api) => {
    const error = await rejectionOf(api.callStart({ caller: phone('busy'), callee: phone('bob') }).ended);
    if (!(error instanceof CallApiError)) throw error;
    assertEqual([error.code, error.sip], [-32010, { status: 486, reason: 'Busy Here' }]);
  }),

  testCase(
    'continues a call and a watch after the edge was killed, with each event once',
    async (api, run) => {
      const watch = api.watch()[Symbol.asyncIterator]();
      assertEqual((await watch.next()).value?.type, 'snapshot');
      const start = api.callStart({ caller: phone('ring'), callee: phone('bob'), timeout: 180 });
      const events: string[] = [];
      for await (const { event } of start) {
        events.push(event);
        if (event !== 'CallerRinging') continue;
        await run('restartEdge');
        const end = start.end();
        await end.ended;
      }
      assertEqual(events, ['Started', 'CallerRinging', 'Error', 'Ended']);
      const seqs: number[] = [];
      for (;;) {
        const { value } = await watch.next();
        if (value?.type !== 'call') continue;
        seqs.push(value.seq);
        const { origin, state } = value.call;
        if (origin?.cmd_id === start.cmdId && state === 'ended') break;
      }
      assertEqual(
        seqs,
        [...new Set(seqs)].sort((a, b) => a - b),
      );
    },
  ),
];
