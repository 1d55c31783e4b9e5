/**
 * The machines of CallHold and CallUnhold: re-INVITEs of the adapter if it can send them, because `call_hold` ends OpenSIPS
 * 3.4 and 3.6 when a phone does not answer (trace `hold-vanished`), and reports no status; else callops.
 * @module
 */
import type { CommandMachine } from '../command.ts';
import { type CallopsHoldState, callopsHold } from './callops-hold.ts';
import type { HoldAction, HoldParams } from './directions.ts';
import { type ReinviteState, reinviteHold } from './reinvite-hold.ts';

/** Returns the machine of CallHold or CallUnhold. */
export function holdMachine(
  action: HoldAction,
): CommandMachine<HoldParams, CallopsHoldState | ReinviteState> {
  const byCallops = callopsHold(action);
  const byReinvite = reinviteHold(action);
  return {
    start(params, context) {
      const machine = context.features.inDialog?.hold ? byReinvite : byCallops;
      return machine.start(params, context);
    },
    step(state, input) {
      return state.engine === 'callops' ? byCallops.step(state, input) : byReinvite.step(state, input);
    },
  };
}
