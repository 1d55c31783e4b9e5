/** The checks of the fault tests detect what they are meant to: each kind of violation is given to them once. */
import { describe, expect, it } from 'vitest';
import { type Simulator, startSimulator } from '../../../simulator/index.ts';
import { Ledger } from '../../../simulator/opensips/ledger.ts';
import { type Notification, phoneUri } from '../../harness/client.ts';
import { waitUntil } from '../../harness/stack.ts';
import type { CommandRecord } from '../scenario.ts';
import { checkEventOrder } from './event-order.ts';
import { findLateRequests } from './late-requests.ts';
import { checkOutcome, findPhantomCalls } from './outcomes.ts';
import { findRepeatedRequests } from './repeated-requests.ts';

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

describe('the check of outcomes', () => {
  const failure = (code: number, status?: number, text = ''): Notification[] => [
    {
      cmd_id: 'c',
      seq: 1,
      event: 'Error',
      data: text,
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

  const free = { state: 4 as const, held: { caller: false, callee: false } };
  const held = { state: 4 as const, held: { caller: true, callee: true } };
  const unchanged = { dialogBefore: free, dialogAfter: free };

  /** Counts the differences that are found in one command on a call between these phones. */
  const withCall = async (
    [from, to]: readonly [string, string],
    test: (
      count: (
        method: string,
        params: CommandRecord['params'],
        notifications: Notification[],
        overrides?: Partial<CommandRecord>,
        others?: readonly CommandRecord[],
      ) => number,
      callid: string,
      simulator: Simulator,
    ) => Promise<void> | void,
  ) => {
    const simulator = await startSimulator({ delayFactor: 0 });
    try {
      const callid = await simulator.dial({ from, to });
      await test(
        (method, params, notifications, overrides = unchanged, others = []) => {
          const record = createRecord(method, params, notifications, overrides);
          return checkOutcome(record, [record, ...others], simulator.ledger).length;
        },
        callid,
        simulator,
      );
    } finally {
      await simulator.close();
    }
  };

  it('rejects an active call that is reported as ended, and the opposite', () =>
    withCall(['keep.1', 'keep.2'], async (count, callid, simulator) => {
      expect(count('CallEnd', { callid }, success())).toBe(1);
      expect(count('CallEnd', { callid }, failure(-32005))).toBe(1);
      expect(count('CallEnd', { callid }, failure(-32011, 404))).toBe(1);
      expect(count('CallEnd', { callid: 'never-was' }, success(), {})).toBe(1);
      expect(count('CallEnd', { callid: 'never-was' }, failure(-32005), {})).toBe(0);
      const parties = { parties: { caller: 'alice.1', callee: 'bob.1' } };
      const started = createRecord('CallStart', {}, success(['CalleeAnswered', { callid: 'x' }]), parties);
      expect(checkOutcome(started, [started], simulator.ledger)).toHaveLength(1);
      expect(findPhantomCalls([started], simulator.ledger)).toHaveLength(1);
      await endCall(simulator, callid);
      expect(count('CallEnd', { callid }, success())).toBe(0);
      // A call that was reported to the client is known, even after its end.
      expect(count('CallEnd', { callid }, failure(-32005))).toBe(1);
    }));

  it('compares a hold with what the phones were offered last', () =>
    withCall(['keep.1', 'keep.2'], async (count, callid, simulator) => {
      const hold = (notifications: Notification[], overrides: Partial<CommandRecord> = unchanged) =>
        count('CallHold', { callid }, notifications, overrides);
      expect(hold(success('CallHolding'))).toBe(1);
      expect(hold(success('CallHolding'), { dialogBefore: free, dialogAfter: held })).toBe(0);
      expect(hold(failure(-32011, 480))).toBe(1);
      expect(hold(failure(-32011, 480), { dialogBefore: held, dialogAfter: held })).toBe(0);
      expect(hold(failure(-32010, 488))).toBe(1);
      expect(hold(failure(-32014))).toBe(1);
      expect(hold(failure(-32005))).toBe(1);
      expect(hold(failure(-32013))).toBe(0);
      // "not carried out"
      expect(hold(failure(-32012))).toBe(0);
      expect(hold(failure(-32012), { dialogBefore: free, dialogAfter: held })).toBe(1);
      await endCall(simulator, callid);
      expect(hold(failure(-32014))).toBe(0);
      expect(hold(failure(-32005))).toBe(0);
    }));

  it('reads in the text of a refused hold whether the other leg was put back', () =>
    withCall(['keep.1', 'nohold.2'], (count, callid) => {
      const callerHeld = { state: 4 as const, held: { caller: true, callee: false } };
      const refused = (text: string, dialogAfter: CommandRecord['dialogAfter']) =>
        count('CallHold', { callid }, failure(-32010, 488, text), { dialogBefore: free, dialogAfter });
      expect(refused('…, and the caller was put back', free)).toBe(0);
      expect(refused('…, and the caller was put back', callerHeld)).toBe(1);
      expect(refused('…, and the caller could not be put back', callerHeld)).toBe(0);
      expect(refused('…, and the caller could not be put back', free)).toBe(1);
      expect(count('CallHold', { callid }, failure(-32010, 486))).toBe(1);
      expect(
        count('CallHold', { callid }, success('CallHolding'), { dialogBefore: free, dialogAfter: held }),
      ).toBe(1);
    }));

  it('accepts an error of a transfer only if the ledger explains it', () =>
    withCall(['keep.1', 'keep.2'], async (count, callid, simulator) => {
      const params = { callid, leg: 'callee', destination: phoneUri('bob.9') };
      const transfer = (notifications: Notification[], ...rest: [object?, CommandRecord[]?]) =>
        count('CallBlindTransfer', params, notifications, ...rest);
      expect(transfer(success(['TransferSuccessful', { callid: 'x' }]))).toBe(2);
      for (const [code, status] of [
        [-32010, 486],
        [-32010, undefined],
        [-32011, 410],
        [-32014, undefined],
        [-32005, undefined],
      ] as const)
        expect(transfer(failure(code, status)), `${code}`).toBe(1);
      const pending = failure(-32011, undefined, '491 Request Pending');
      expect(transfer(pending)).toBe(1);
      const other = createRecord('CallBlindTransfer', params, []);
      expect(transfer(pending, unchanged, [other])).toBe(0);
      expect(transfer(pending, unchanged, [{ ...other, params: { ...params, callid: 'other' } }])).toBe(1);
      await endCall(simulator, callid);
      expect(transfer(failure(-32014))).toBe(0);
      expect(transfer(failure(-32005))).toBe(0);
    }));

  it('accepts the status with which a phone refuses a REFER, and no other', () =>
    withCall(['keep.1', 'norefer.2'], (count, callid) => {
      const params = { callid, leg: 'callee', destination: phoneUri('bob.9') };
      expect(count('CallBlindTransfer', params, failure(-32010, 603))).toBe(0);
      expect(count('CallBlindTransfer', params, failure(-32010, 486))).toBe(1);
      expect(count('CallBlindTransfer', { ...params, leg: 'caller' }, failure(-32010, 603))).toBe(1);
    }));

  it('finds a REFER or a re-INVITE that a command has sent twice, and a call without a REFER', () =>
    withCall(['keep.1', 'keep.2'], (_, callid, { ledger }) => {
      const refer = { callid, method: 'REFER', mode: 'callee' };
      const reinvite = { callid, method: 'INVITE', mode: 'caller', body: 'custom:application/sdp:v=0\r\n' };
      const onHold = { ...reinvite, body: `${reinvite.body}a=sendonly\r\n` };
      const add = (id: string, params: object) =>
        ledger.addRequest({ receivedAt: 0, id, method: 'dlg_send_sequential', params });
      add('e.1.0', refer);
      add('e.2.0', reinvite);
      add('e.2.1', onHold);
      expect(findRepeatedRequests(ledger)).toEqual([]);
      add('e.1.1', refer);
      add('e.2.2', onHold);
      expect(findRepeatedRequests(ledger)).toEqual([
        'command e.1 has requested REFER to the callee 2 times',
        'command e.2 has requested hold of the caller 2 times',
      ]);
    }));
});

describe('the check for phones that ring too late', () => {
  const ENDED_AT = 1_000;
  const start = createRecord('CallStart', {}, [], {
    endedAt: ENDED_AT,
    parties: { caller: 'keep.1', callee: 'keep.2' },
  });
  const transfer = createRecord('CallBlindTransfer', { destination: phoneUri('keep.3') }, [], {
    endedAt: ENDED_AT,
  });
  const refer = (target: string) => ({ method: 'REFER', headers: `Refer-To: <${target}>\r\n` });
  const check = (command: CommandRecord, method: string, params: object, receivedAt: number) => {
    const ledger = new Ledger(true);
    ledger.addRequest({ id: 'x', receivedAt, method, params });
    return findLateRequests([command], ledger);
  };

  it.each<[string, CommandRecord, string, object]>([
    ['an INVITE', start, 't_uac_dlg', { ruri: phoneUri('keep.1') }],
    ['the REFER of a CallStart', start, 'dlg_send_sequential', refer(phoneUri('keep.2'))],
    ['the REFER of a transfer', transfer, 'dlg_send_sequential', refer(phoneUri('keep.3'))],
    ['a call_transfer', transfer, 'call_transfer', { destination: phoneUri('keep.3') }],
  ])('finds %s after the end of its command, and none before it', (_, command, method, params) => {
    expect(check(command, method, params, ENDED_AT + 501)).toHaveLength(1);
    expect(check(command, method, params, ENDED_AT)).toEqual([]);
  });

  it.each<[string, string, object]>([
    ['a request of others', 't_uac_dlg', { ruri: phoneUri('keep.9') }],
    ['the end of a call', 'dlg_end_dlg', { dialog_id: 'a' }],
    ['an attended transfer to its user', 'dlg_send_sequential', refer(`${phoneUri('keep.2')}?Replaces=a`)],
  ])('leaves out %s', (_, method, params) => {
    expect(check(start, method, params, ENDED_AT + 60_000)).toEqual([]);
  });
});
