/** Maps each command that acts on calls to its state machine. @module */

import type { CallCommand, CommandParams } from '../protocol/rpc/commands.ts';
import { callEnd } from './call-end.ts';
import { callStart } from './call-start/call-start.ts';
import type { CommandMachine, CommandState } from './command.ts';
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
} satisfies { [M in CallCommand]: CommandMachine<CommandParams<M>, CommandState> };

/** Returns the machine of a command. Its params must have been validated, and its states must be its own. */
export function machineOf(method: CallCommand): CommandMachine<unknown, CommandState> {
  return machines[method];
}
