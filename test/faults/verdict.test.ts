/** The bench sees what it is there to see: each fault that it looks for is shown to it once. */
import { describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../simulator/index.ts';
import { phone, type Told } from '../stack/client.ts';
import { until } from '../stack/stack.ts';
import { disorder } from './order.ts';
import type { Ran } from './scenario.ts';
import { phantoms, untruths } from './truth.ts';

const told = (...events: (string | [event: string, data: object])[]): Told[] =>
  events.map((each, seq) => {
    const [event, data] = typeof each === 'string' ? [each, undefined] : each;
    return { cmd_id: 'c', seq, event, data };
  });
const WHOLE = ['CallerRinging', 'CallerAnswered', 'Transferring', 'TransferStart', 'CalleeAnswered', 'Ended'];

describe('the order of what is told', () => {
  it.each<[string, string, Told[], RegExp | undefined]>([
    ['a whole call', 'CallStart', told(...WHOLE), undefined],
    ['one that fails', 'CallStart', told('CallerRinging', 'Error', 'Ended'), undefined],
    ['no Ended', 'CallStart', told(...WHOLE.slice(0, -1)), /0 times Ended/],
    ['two of them', 'CallStart', told(...WHOLE, 'Ended'), /2 times Ended/],
    ['something after it', 'CallStart', told(...WHOLE, 'TransferPending'), /after Ended/],
    [
      'two that have changed places',
      'CallStart',
      told('CallerAnswered', 'CallerRinging', 'Error', 'Ended'),
      /out of order/,
    ],
    ['one twice', 'CallStart', told('CallerRinging', 'CallerRinging', 'Error', 'Ended'), /out of order/],
    [
      'one missing',
      'CallStart',
      told('CallerRinging', 'Transferring', 'Error', 'Ended'),
      /CallerAnswered not told/,
    ],
    ['no outcome', 'CallStart', told('CallerRinging', 'Ended'), /neither/],
    [
      'a leg that ends before it starts',
      'CallHold',
      told('CallHolding', ['CallHoldSuccessful', { leg: 'caller' }], 'Ended'),
      /after nothing/,
    ],
  ])('%s', (_, method, all, wrong) => {
    const found = disorder(method, all);
    if (wrong) expect(found).toMatch(wrong);
    else expect(found).toBeUndefined();
  });
});

describe('what was told and what was true', () => {
  const ran = (method: string, params: Ran['params'], all: Told[], more: Partial<Ran> = {}): Ran => ({
    n: 1,
    method,
    cmdId: 'c',
    params,
    began: 0,
    ended: Date.now(),
    told: all,
    timesOut: false,
    cancelled: false,
    unsure: false,
    ...more,
  });
  const failed = (code: number, status?: number): Told[] => [
    {
      cmd_id: 'c',
      seq: 1,
      event: 'Error',
      data: '',
      error: { code, ...(status === undefined ? {} : { sip: { status } }) },
    },
    { cmd_id: 'c', seq: 2, event: 'Ended' },
  ];
  const end = async (simulator: Simulator, callid: string): Promise<void> => {
    simulator.restart({ keepDialogs: false });
    await until(() => simulator.ledger.dialog(callid)?.state === 5);
  };

  it('a call that is said to be ended stands, and the reverse', async () => {
    const simulator = await startSimulator({ gaps: 0 });
    try {
      const callid = await simulator.dial({ from: 'keep.1', to: 'keep.2' });
      const { ledger } = simulator;
      const seen = { state: 4 as const, held: { caller: false, callee: false }, transferLeg: undefined };
      const judged = (one: Ran) => untruths(one, [one], ledger).length;
      const about = { before: seen, after: seen };
      expect(judged(ran('CallEnd', { callid }, told('Ended'), about))).toBe(1);
      expect(judged(ran('CallEnd', { callid }, failed(-32011, 404), about))).toBe(1);
      expect(judged(ran('CallEnd', { callid: 'never-was' }, told('Ended')))).toBe(1);
      expect(judged(ran('CallEnd', { callid: 'never-was' }, failed(-32011, 404)))).toBe(0);
      expect(judged(ran('CallHold', { callid }, told('CallHolding', 'Ended'), about))).toBe(1);
      expect(judged(ran('CallHold', { callid }, failed(-32011, 480), about))).toBe(1);
      expect(judged(ran('CallHold', { callid }, failed(-32010, 488), about))).toBe(1);
      expect(judged(ran('CallHold', { callid }, failed(-32013), about))).toBe(0);
      const blind = { callid, leg: 'callee', destination: phone('bob') };
      expect(judged(ran('CallBlindTransfer', blind, failed(-32011, 491), about))).toBe(1);
      expect(
        judged(
          ran('CallBlindTransfer', blind, told(['TransferSuccessful', { callid: 'x' }], 'Ended'), about),
        ),
      ).toBe(2);
      const parties = { parties: { caller: 'alice.1', callee: 'bob.1' } };
      const started = ran('CallStart', {}, told(['CalleeAnswered', { callid: 'x' }], 'Ended'), parties);
      expect(judged(started)).toBe(1);
      expect(phantoms([started], ledger)).toHaveLength(1);
      await end(simulator, callid);
      expect(judged(ran('CallEnd', { callid }, told('Ended'), about))).toBe(0);
      expect(judged(ran('CallEnd', { callid }, failed(-32011, 404), about))).toBe(0);
    } finally {
      await simulator.close();
    }
  });
});
