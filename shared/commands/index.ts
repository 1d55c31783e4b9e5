/** Each method's state machine. @module */
import type { Machine, State } from '../command.ts';
import type { Method, Params } from '../methods.ts';
import { callAttendedTransfer } from './call-attended-transfer.ts';
import { callBlindTransfer } from './call-blind-transfer.ts';
import { callEnd } from './call-end.ts';
import { callHold } from './call-hold.ts';
import { callStart } from './call-start.ts';
import { callUnhold } from './call-unhold.ts';
import { echo } from './echo.ts';

const machines = {
  CallStart: callStart,
  CallEnd: callEnd,
  CallHold: callHold,
  CallUnhold: callUnhold,
  CallBlindTransfer: callBlindTransfer,
  CallAttendedTransfer: callAttendedTransfer,
  Echo: echo,
} satisfies { [M in Method]: Machine<Params<M>, State> };

/** The machine of a method, whose params have been checked and whose state is its own. */
export function machineOf(method: Method): Machine<unknown, State> {
  return machines[method];
}
