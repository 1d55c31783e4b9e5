/** The checks of the fault tests detect what they are meant to: each kind of violation is given to them once. */
import { describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../simulator/index.ts';
import { type Notification, phoneUri } from '../../harness/client.ts';
import { waitUntil } from '../../harness/stack.ts';
import type { CommandRecord } from '../scenario.ts';
import { checkEventOrder } from './event-order.ts';
import { checkOutcome, findPhantomCalls } from './outcomes.ts';

const createNotifications = (...events: (string | [event: string, data: object])[]): Notification[] =>
  events.map((entry, seq) => {
    const [event, data] = typeof entry === 'string' ? [entry, undefined] : entry;
    return { cmd_id: 'c', seq, event, data };
  });
const COMPLETE_EVENTS = [
  'CallerRinging',
  'CallerAnswered',
  'Transferring',
  'TransferStart',
  'CalleeAnswered',
  'Ended',
];

describe('the check of the event order', () => {
  it.each<[string, string, Notification[], RegExp | undefined]>([
    ['accepts a complete call', 'CallStart', createNotifications(...COMPLETE_EVENTS), undefined],
    [
      'accepts a call that fails',
      'CallStart',
      createNotifications('CallerRinging', 'Error', 'Ended'),
      undefined,
    ],
    [
      'rejects a missing Ended',
      'CallStart',
      createNotifications(...COMPLETE_EVENTS.slice(0, -1)),
      /0 times Ended/,
    ],
    [
      'rejects a second Ended',
      'CallStart',
      createNotifications(...COMPLETE_EVENTS, 'Ended'),
      /2 times Ended/,
    ],
    [
      'rejects an event after Ended',
      'CallStart',
      createNotifications(...COMPLETE_EVENTS, 'TransferPending'),
      /after Ended/,
    ],
    [
      'rejects two events in reverse order',
      'CallStart',
      createNotifications('CallerAnswered', 'CallerRinging', 'Error', 'Ended'),
      /out of order/,
    ],
    [
      'rejects a repeated event',
      'CallStart',
      createNotifications('CallerRinging', 'CallerRinging', 'Error', 'Ended'),
      /out of order/,
    ],
    [
      'rejects a missing event',
      'CallStart',
      createNotifications('CallerRinging', 'Transferring', 'Error', 'Ended'),
      /CallerAnswered missing/,
    ],
    ['rejects a missing outcome', 'CallStart', createNotifications('CallerRinging', 'Ended'), /neither/],
    [
      'rejects a leg that ends before it starts',
      'CallHold',
      createNotifications('CallHolding', ['CallHoldSuccessful', { leg: 'caller' }], 'Ended'),
      /after nothing/,
    ],
  ])('%s', (_, method, notifications, expected) => {
    const disorder = checkEventOrder(method, notifications);
    if (expected) expect(disorder).toMatch(expected);
    else expect(disorder).toBeUndefined();
  });
});

describe('the check of outcomes', () => {
  const createRecord = (
    method: string,
    params: CommandRecord['params'],
    notifications: Notification[],
    overrides: Partial<CommandRecord> = {},
  ): CommandRecord => ({
    n: 1,
    method,
    cmdId: 'c',
    params,
    startedAt: 0,
    endedAt: Date.now(),
    notifications,
    expectsTimeout: false,
    isCanceled: false,
    isCallIndeterminate: false,
    ...overrides,
  });
  const failure = (code: number, status?: number): Notification[] => [
    {
      cmd_id: 'c',
      seq: 1,
      event: 'Error',
      data: '',
      error: { code, ...(status === undefined ? {} : { sip: { status } }) },
    },
    { cmd_id: 'c', seq: 2, event: 'Ended' },
  ];
  const success = (...events: Parameters<typeof createNotifications>): Notification[] =>
    createNotifications(...events, 'Ended');
  const endCall = async (simulator: Simulator, callid: string): Promise<void> => {
    simulator.restart({ keepDialogs: false });
    await waitUntil(() => simulator.ledger.findDialog(callid)?.state === 5);
  };

  it('rejects an active call that is reported as ended, and the opposite', async () => {
    const simulator = await startSimulator({ delayFactor: 0 });
    try {
      const callid = await simulator.dial({ from: 'keep.1', to: 'keep.2' });
      const { ledger } = simulator;
      const dialog = { state: 4 as const, held: { caller: false, callee: false }, transferLeg: undefined };
      const dialogs = { dialogBefore: dialog, dialogAfter: dialog };
      const countDifferences = (record: CommandRecord) => checkOutcome(record, [record], ledger).length;
      const count = (
        method: string,
        params: CommandRecord['params'],
        notifications: Notification[],
        overrides: Partial<CommandRecord> = dialogs,
      ) => countDifferences(createRecord(method, params, notifications, overrides));

      expect(count('CallEnd', { callid }, success())).toBe(1);
      expect(count('CallEnd', { callid }, failure(-32011, 404))).toBe(1);
      expect(count('CallEnd', { callid: 'never-was' }, success(), {})).toBe(1);
      expect(count('CallEnd', { callid: 'never-was' }, failure(-32011, 404), {})).toBe(0);
      expect(count('CallHold', { callid }, success('CallHolding'))).toBe(1);
      expect(count('CallHold', { callid }, failure(-32011, 480))).toBe(1);
      expect(count('CallHold', { callid }, failure(-32010, 488))).toBe(1);
      expect(count('CallHold', { callid }, failure(-32013))).toBe(0);
      const blind = { callid, leg: 'callee', destination: phoneUri('bob') };
      expect(count('CallBlindTransfer', blind, failure(-32011, 491))).toBe(1);
      expect(count('CallBlindTransfer', blind, success(['TransferSuccessful', { callid: 'x' }]))).toBe(2);
      const parties = { parties: { caller: 'alice.1', callee: 'bob.1' } };
      const started = createRecord('CallStart', {}, success(['CalleeAnswered', { callid: 'x' }]), parties);
      expect(countDifferences(started)).toBe(1);
      expect(findPhantomCalls([started], ledger)).toHaveLength(1);
      await endCall(simulator, callid);
      expect(count('CallEnd', { callid }, success())).toBe(0);
      expect(count('CallEnd', { callid }, failure(-32011, 404))).toBe(0);
    } finally {
      await simulator.close();
    }
  });
});
