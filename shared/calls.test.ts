/** What becomes of each call in every recorded trace; and that an input that says nothing new changes nothing. */
import { readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallBook } from './call-book.ts';
import { apply, begin, type CallInput } from './calls.ts';
import { EviEvent } from './evi.ts';

const folder = new URL('../simulator/traces/', import.meta.url);

/** The calls of a trace as events alone tell of them, by letters in the order of their first events. */
function heard(trace: string): string[] {
  const letters = new Map<string, string>();
  const told: string[][] = [];
  const book = new CallBook(
    (entry) => entry,
    ({ call: { callid, state, held, became, from, reason } }, event) => {
      const letter = letters.get(callid) ?? String.fromCharCode(65 + letters.size);
      letters.set(callid, letter);
      const more = [
        state === event.toLowerCase() ? '' : state,
        held ? `held ${held.join('+')}` : '',
        became && `> ${letters.get(became) ?? '?'}`,
        from && `< ${letters.get(from)}`,
        reason,
      ];
      const line = [event, ...more].filter(Boolean).join(' ');
      const at = letter.charCodeAt(0) - 65;
      told[at] = [...(told[at] ?? [letter]), line];
    },
  );
  for (const line of trace.trim().split('\n')) {
    const { dir, msg, t } = JSON.parse(line) as {
      dir: string;
      msg: { method: string; params: unknown };
      t: number;
    };
    if (dir === 'evi<') book.event(EviEvent.parse({ name: msg.method, params: msg.params }), t);
  }
  return told.map((call) => call.join(', '));
}

describe('every trace', () => {
  it.each(readdirSync(folder).filter((name) => name.endsWith('.jsonl')))('%s', (name) => {
    expect(heard(readFileSync(new URL(name, folder), 'utf8'))).toMatchSnapshot();
  });
});

const legs = fc.constantFrom('caller' as const, 'callee' as const);
const inputs: fc.Arbitrary<CallInput> = fc.oneof(
  fc.record({ type: fc.constant('dialog' as const), state: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ type: fc.constant('hold' as const), leg: legs, on: fc.boolean() }),
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
  fc.record({ type: fc.constant('gone' as const) }),
  fc.record({ type: fc.constant('reason' as const), why: fc.constant('486 Busy Here') }),
);

it('whatever comes, a call that has ended has no leg on hold and stays ended, and nothing is told twice', () => {
  fc.assert(
    fc.property(fc.array(inputs, { maxLength: 20 }), (all) => {
      let call = begin('c1', 1);
      all.forEach((input, at) => {
        const step = apply(call, input, at);
        const again = apply(step.call, input, at);
        expect(again.event).toBeUndefined();
        expect(again.call).toBe(step.call);
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

it('what dlg_list shows brings the parties without osid, and when it was answered', () => {
  const { call, event } = apply(begin('c1', 9_000), { type: 'listed', dialog }, 9_500);
  expect(call).toMatchObject({ state: 'answered', caller: 'sip:a@h', callee: 'sip:b@h', answered: 7_000 });
  expect(event).toBe('Answered');
});

it('a command knows better than the phones who speaks', () => {
  const known = apply(begin('c1', 1), { type: 'listed', dialog }, 1).call;
  const facts = { caller: 'sip:alice@h', origin: { method: 'CallStart', cmd_id: 'x' } };
  const { call } = apply(known, { type: 'made', facts }, 2);
  expect(call).toMatchObject({ caller: 'sip:alice@h', callee: 'sip:b@h', origin: facts.origin });
  expect(apply(call, { type: 'listed', dialog }, 3).call).toBe(call);
});
