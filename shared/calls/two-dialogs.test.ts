/** Two dialogs with one Call-ID are one call, which is in the state of the dialog that stands. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { dialogState, type EviEvent } from '../opensips/evi.ts';
import type { Dialog } from '../opensips/mi.ts';
import type { Command } from '../runner/stored-command.ts';
import type { CallState } from './call.ts';
import { CallCorrelator } from './call-correlator.ts';

const CALLID = 'c1';

function dialogEvent(id: string, state: number): EviEvent {
  return { name: 'E_DLG_STATE_CHANGED', params: { id, callid: CALLID, old_state: 1, new_state: state } };
}

function transferEvent(state: string, status = ''): EviEvent {
  const params = { callid: 'old', transfer_callid: CALLID, destination: 'sip:b@h', state, status };
  return { name: 'E_CALL_TRANSFER', params };
}

const listed = (ID: string, state: number): Dialog => ({
  ID,
  state,
  timestart: 0,
  callid: CALLID,
  from_uri: 'sip:a@h',
  to_uri: 'sip:b@h',
});

/** A correlator, and the changes of the call as watchers see them. */
function observedCalls() {
  const changes: string[] = [];
  const correlator = new CallCorrelator(
    (entry) => entry,
    ({ call: { callid, reason, ended_by: by } }, event) => {
      if (callid === CALLID) changes.push([event, reason, by].filter(Boolean).join(', '));
    },
  );
  return { correlator, changes, call: () => correlator.get(CALLID)?.call };
}

/** The dialogs that exist in OpenSIPS, with their states, before each step: one of them changes in each. */
interface History {
  readonly steps: readonly { readonly id: string; readonly state: number }[];
  statesBefore(step: number): ReadonlyMap<string, number>;
}

/** A dialog may exist in state 1, without an event, for the whole step before its first event. */
const history: fc.Arbitrary<History> = fc
  .tuple(
    fc.constantFrom([2, 3, 4, 5], [2, 5], [5], [2, 3, 4], [3, 4, 5]),
    fc.constantFrom([2, 3, 4], [2], [2, 3], [3, 4], [2, 3, 4, 5], [5]),
    fc.array(fc.boolean(), { minLength: 8, maxLength: 8 }),
    fc.boolean(),
  )
  .map(([first, second, order, isUnconfirmedListed]) => {
    const rest = { a: [...first], b: [...second] };
    const steps: { id: string; state: number }[] = [];
    for (const isFirst of [...order, ...order.map(() => true), ...order.map(() => false)]) {
      const id = isFirst ? 'a' : 'b';
      const state = rest[id].shift();
      if (state !== undefined) steps.push({ id, state });
    }
    const statesBefore = (step: number) => {
      const states = new Map<string, number>();
      for (const { id, state } of steps.slice(0, step)) states.set(id, state);
      const next = steps[step];
      if (isUnconfirmedListed && next && !states.has(next.id)) states.set(next.id, dialogState.unconfirmed);
      return states;
    };
    return { steps, statesBefore };
  });

/** What arrives at the edge: an event of a step, or what OpenSIPS replied when it was asked before a step. */
type Arrival =
  | { readonly type: 'event'; readonly step: number; readonly delay: number }
  | { readonly type: 'page' | 'look-up'; readonly step: number; readonly delay: number };

const delay = fc.integer({ min: 0, max: 4 });
const otherArrivals = fc.array(
  fc.record({
    type: fc.constantFrom('event' as const, 'page' as const, 'look-up' as const),
    step: fc.integer({ min: 0, max: 9 }),
    delay,
  }),
  { maxLength: 12 },
);

function expectedState(states: ReadonlyMap<string, number>): CallState {
  const standing = [...states.values()].filter((state) => state !== dialogState.ended);
  if (standing.length === 0) return 'ended';
  return Math.max(...standing) >= dialogState.answered ? 'answered' : 'ringing';
}

it('is in the state of the dialog that stands, whatever is duplicated, reordered or read in between', () => {
  fc.assert(
    fc.property(
      history,
      fc.array(delay, { minLength: 8, maxLength: 8 }),
      otherArrivals,
      fc.boolean(),
      ({ steps, statesBefore }, delays, others, isSecondFirst) => {
        const { correlator, call } = observedCalls();
        const events = steps.map((_, step) => ({ type: 'event', step, delay: delays[step] ?? 0 }) as const);
        const arrivals: Arrival[] = [...events, ...others.filter(({ step }) => step < steps.length)];
        arrivals.sort((one, other) => one.step + one.delay - (other.step + other.delay));
        for (const { type, step, delay: late } of arrivals) {
          const now = step + late;
          const states = [...statesBefore(step)];
          if (isSecondFirst) states.reverse();
          const changed = steps[step];
          if (type === 'event' && changed) correlator.onEvent(dialogEvent(changed.id, changed.state), now);
          if (type === 'page')
            for (const [id, state] of states) correlator.onDialog(listed(id, state), undefined, now);
          if (type !== 'look-up') continue;
          const [standing] = states.filter(([, state]) => state !== dialogState.ended);
          if (standing) correlator.onDialog(listed(...standing), step, now);
          else correlator.onMissing(CALLID, step, now);
        }
        const expected = expectedState(statesBefore(steps.length));
        expect(call()?.state).toBe(expected);
        expect(call()?.answered !== undefined || expected === 'ended').toBe(expected !== 'ringing');
        for (const field of ['ended', 'reason', 'ended_by'] as const)
          expect(call()?.[field] !== undefined, field).toBe(expected === 'ended');
      },
    ),
    { numRuns: 5_000 },
  );
});

it('goes on after its end, when a phone that was challenged sends a second INVITE', () => {
  const { correlator, changes, call } = observedCalls();
  correlator.onEvent(dialogEvent('a', 5), 1);
  expect(call()).toMatchObject({ state: 'ended', ended: 1 });
  for (const [state, at] of [
    [2, 2],
    [3, 3],
    [4, 4],
  ] as const)
    correlator.onEvent(dialogEvent('b', state), at);
  correlator.onEvent(dialogEvent('a', 5), 5);
  correlator.onDialog(listed('a', 5), undefined, 6);
  expect(call()).toEqual({
    callid: CALLID,
    state: 'answered',
    caller: null,
    callee: null,
    origin: null,
    began: 1,
    answered: 3,
    seq: 0,
  });
  correlator.onEvent(dialogEvent('b', 5), 7);
  expect(changes).toEqual(['Ended, not answered, unknown', 'Ringing', 'Answered', 'Ended, hung up, unknown']);
});

it('goes on if OpenSIPS lists it again, although it was not known a moment before', () => {
  const { correlator, changes } = observedCalls();
  correlator.onEvent(dialogEvent('a', 2), 1);
  correlator.onMissing(CALLID, 1, 2);
  expect(changes).toEqual(['Ringing']);
  correlator.onMissing(CALLID, 2, 3);
  correlator.onDialog(listed('a', 4), undefined, 4);
  expect(changes).toEqual(['Ringing', 'Ended, no longer known to OpenSIPS, unknown', 'Answered', 'Answered']);
});

const command: Command = {
  id: 7,
  method: 'CallBlindTransfer',
  cmdId: 'x',
  params: { callid: 'old', leg: 'caller', destination: 'sip:b@h' },
  subject: 'me',
  session: 's',
  callids: ['old'],
  state: null,
  requestCount: 0,
  pendingRequests: {},
  timers: {},
  notifications: [],
  position: 0,
};

/** A transfer whose new call has been challenged or redirected. */
function failingTransfer(status: string) {
  const calls = observedCalls();
  const { correlator } = calls;
  correlator.onEvent(
    { ...dialogEvent('o', 4), params: { ...dialogEvent('o', 4).params, callid: 'old' } } as EviEvent,
    1,
  );
  correlator.onCommandStarted(command, 1);
  const start = { seq: 1, event: 'TransferStart', data: { callid: CALLID } };
  correlator.onNotification(command, start, 2);
  correlator.onEvent(transferEvent('start'), 2);
  correlator.onEvent(dialogEvent('a', 5), 3);
  correlator.onEvent(transferEvent('fail', status), 4);
  return calls;
}

it.each(['407 Proxy Authentication Required', '302 Moved Temporarily', '401 Unauthorized'])(
  'does not end, nor does its transfer fail, while the command waits after %s',
  (status) => {
    const { correlator, changes, call } = failingTransfer(status);
    expect(changes).toEqual(['Ringing']);
    expect(correlator.get('old')?.call).toMatchObject({ state: 'transferring', became: CALLID });
    correlator.onEvent(dialogEvent('b', 2), 5);
    correlator.onEvent(dialogEvent('b', 3), 6);
    const success = { seq: 2, event: 'TransferSuccessful', data: { callid: CALLID } };
    correlator.onNotification(command, success, 7);
    correlator.onNotification(command, { seq: 3, event: 'Ended' }, 7);
    expect(call()).toMatchObject({ state: 'answered', from: 'old' });
    expect(changes).toEqual(['Ringing', 'Answered']);
  },
);

it('does not end because a page lists a dialog that nobody has told of, only because OpenSIPS knows no other', () => {
  const { correlator, changes } = observedCalls();
  correlator.onEvent(transferEvent('start'), 2);
  expect(correlator.onDialog(listed('a', 5), undefined, 3)).toBeUndefined();
  correlator.onDialog(listed('b', 2), undefined, 3);
  expect(changes).toEqual(['Ringing', 'Ringing']);
  correlator.onDialog(listed('b', 5), 4, 5);
  expect(changes.at(-1)).toBe('Ended, not answered, unknown');
});

it('ends once, with the status, when the command that makes it fails because it does not go on', () => {
  const { correlator, changes } = failingTransfer('407 Proxy Authentication Required');
  const sip = { status: 407, reason: 'Proxy Authentication Required' };
  const failed = { seq: 2, event: 'Error', error: { code: -32010, message: 'Refused', sip } };
  correlator.onNotification(command, failed, 8);
  correlator.onNotification(command, { seq: 3, event: 'Ended' }, 8);
  expect(changes).toEqual(['Ringing', 'Ended, 407 Proxy Authentication Required, unknown']);
  expect(correlator.get('old')?.call).toMatchObject({ state: 'answered' });
});

it('still ends once after a hibernation of which the command was told before', () => {
  const { correlator } = failingTransfer('302 Moved Temporarily');
  const entry = correlator.get(CALLID);
  if (!entry) throw new Error('there is no call');
  const restored = observedCalls();
  restored.correlator.restore(CALLID, { ...entry, evidence: {} });
  const start = { seq: 1, event: 'TransferStart', data: { callid: CALLID } };
  const running = { ...command, notifications: [start] };
  restored.correlator.onCommandStarted(running, 9);
  restored.correlator.onNotification(running, { seq: 3, event: 'Ended' }, 9);
  expect(restored.changes).toEqual(['Ended, not answered, unknown']);
});
