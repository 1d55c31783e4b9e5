/** The times that clients see of a call never fall, whatever the clocks of the machine and of OpenSIPS say. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { EviEvent } from '../opensips/evi.ts';
import type { Dialog } from '../opensips/mi.ts';
import type { Call } from './call.ts';
import { CallCorrelator } from './call-correlator.ts';
import type { CallEntry } from './call-entries.ts';

const CALLID = 'a';

/** What the edge learns of a call, and when its clock says that this is. */
type Input = { readonly at: number } & ({ readonly event: EviEvent } | { readonly dialog: Dialog });

const at = fc.integer({ min: 1_000_000, max: 1_010_000 });
const state = fc.integer({ min: 1, max: 5 });
const dialogEvent = fc.record({ id: fc.constantFrom('1', '2'), old_state: state, new_state: state });
const input: fc.Arbitrary<Input> = fc.oneof(
  fc.record({
    at,
    event: dialogEvent.map((params): EviEvent => {
      return { name: 'E_DLG_STATE_CHANGED', params: { callid: CALLID, ...params } };
    }),
  }),
  fc.record({
    at,
    event: fc.record({ action: fc.constantFrom('hold' as const, 'unhold' as const) }).map(
      ({ action }): EviEvent => ({
        name: 'E_CALL_HOLD',
        params: { callid: CALLID, leg: 'caller', action, state: 'ok' },
      }),
    ),
  }),
  fc.record({
    at,
    dialog: fc.record({ state, timestart: fc.integer({ min: 995, max: 1_015 }) }).map((members): Dialog => {
      return { ID: '1', callid: CALLID, from_uri: 'sip:a@h', to_uri: 'sip:b@h', ...members };
    }),
  }),
);

it('whatever the clocks say, no time is before an earlier one', () => {
  fc.assert(
    fc.property(fc.array(input, { maxLength: 12 }), (inputs) => {
      const timeline: number[] = [];
      let latest: Call | undefined;
      const correlator = new CallCorrelator(
        (entry: CallEntry) => ({
          ...entry,
          get changedAt() {
            return timeline.at(-1) ?? entry.call.began;
          },
        }),
        ({ call }, _, time) => {
          timeline.push(time);
          latest = call;
        },
      );
      for (const each of inputs) {
        if ('event' in each) correlator.onEvent(each.event, each.at);
        else correlator.onDialog(each.dialog, undefined, each.at);
        if (!latest) continue;
        const { began, answered, ended } = latest;
        const times = [began, answered, ended].filter((time) => time !== undefined);
        expect(times).toEqual(times.toSorted((one, other) => one - other));
        expect([began, ...timeline]).toEqual([began, ...timeline].toSorted((one, other) => one - other));
      }
    }),
    { numRuns: 2_000 },
  );
});
