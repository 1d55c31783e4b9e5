/** Maps each method to its state machine. @module */

import type { CommandMethod, CommandParams } from '../protocol/rpc/commands.ts';
import { callEnd } from './call-end.ts';
import { callStart } from './call-start/call-start.ts';
import type { CommandMachine, CommandState } from './command.ts';
import { echo } from './echo.ts';
import { callHold } from './hold/call-hold.ts';
import { callUnhold } from './hold/call-unhold.ts';
import { callAttendedTransfer } from './transfer/call-attended-transfer.ts';
import { callBlindTransfer } from './transfer/call-blind-transfer.ts';

const machines = {
  CallStart: callStart,
  CallEnd: callEnd,
  CallHold: callHold,
  CallUnhold: callUnhold,
  CallBlindTransfer: callBlindTransfer,
  CallAttendedTransfer: callAttendedTransfer,
  Echo: echo,
} satisfies { [M in CommandMethod]: CommandMachine<CommandParams<M>, CommandState> };

/** Returns the machine of a method. Its params must have been validated, and its states must be its own. */
export function machineOf(method: CommandMethod): CommandMachine<unknown, CommandState> {
  return machines[method];
}
