import fc from 'fast-check';
import { expect, it } from 'vitest';
import { applyInput, type CallInput, newCall } from './call.ts';

const leg = fc.constantFrom('caller' as const, 'callee' as const);
const callInput: fc.Arbitrary<CallInput> = fc.oneof(
  fc.record({ type: fc.constant('dialog-state' as const), state: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ type: fc.constant('hold' as const), leg, isHeld: fc.boolean() }),
  fc.record({
    type: fc.constant('transfer' as const),
    state: fc.constant('start' as const),
    became: fc.constantFrom('x', 'y'),
  }),
  fc.record({
    type: fc.constant('transfer' as const),
    state: fc.constant('fail' as const),
    status: fc.constant('486 Busy Here'),
  }),
  fc.record({ type: fc.constant('missing' as const) }),
  fc.record({
    type: fc.constant('end-cause' as const),
    reason: fc.constant('486 Busy Here'),
    by: fc.constantFrom('opensips' as const, 'caller' as const),
  }),
  fc.record({ type: fc.constant('not-ended-by-api' as const) }),
);

it('whatever the inputs, an ended call stays ended with no leg on hold, and repeating an input changes nothing', () => {
  fc.assert(
    fc.property(fc.array(callInput, { maxLength: 20 }), (inputs) => {
      let call = newCall('c1', 1);
      inputs.forEach((input, at) => {
        const step = applyInput(call, input, at);
        const repeated = applyInput(step.call, input, at);
        expect(repeated.event).toBeUndefined();
        expect(repeated.call).toBe(step.call);
        if (step.event === undefined) expect(step.call).toBe(call);
        if (call.state === 'ended') expect(step.call.state).toBe('ended');
        if (step.call.state === 'ended') expect(step.call).not.toHaveProperty('held');
        expect(step.call.state === 'held').toBe(step.call.state === 'held' && step.call.held !== undefined);
        call = step.call;
      });
    }),
  );
});

const dialog = {
  ID: 'a',
  state: 4,
  timestart: 7,
  callid: 'c1',
  from_uri: 'sip:a@h;osid=1.2',
  to_uri: 'sip:b@h',
};

it('a dialog in dlg_list sets the parties, without osid, and the time of the answer', () => {
  const { call, event } = applyInput(newCall('c1', 9_000), { type: 'listed', dialog }, 9_500);
  expect(call).toMatchObject({ state: 'answered', caller: 'sip:a@h', callee: 'sip:b@h', answered: 9_000 });
  expect(event).toBe('Answered');
});

it('the parties given in a command replace those that the phones write', () => {
  const listed = applyInput(newCall('c1', 1), { type: 'listed', dialog }, 1).call;
  const facts = { caller: 'sip:alice@h', origin: { method: 'CallStart', cmd_id: 'x' } };
  const { call } = applyInput(listed, { type: 'facts', facts }, 2);
  expect(call).toMatchObject({ caller: 'sip:alice@h', callee: 'sip:b@h', origin: facts.origin });
  expect(applyInput(call, { type: 'listed', dialog }, 3).call).toBe(call);
});
