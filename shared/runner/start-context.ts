/** What a command can use when it starts: what its owner knows, with defaults, and what the runner knows. @module */
import type { StartContext } from '../commands/command.ts';
import { featuresOf } from '../opensips/features.ts';
import type { RunningCommands } from './running-commands.ts';
import { type Command, callOf } from './stored-command.ts';

/** What a command needs to start, beside what the runner knows. */
export interface StartOptions extends Pick<StartContext, 'callid' | 'nextHop'> {
  /** Replaces the params for the state machine. The command is still identified by its params when it is repeated. */
  readonly effectiveParams?: unknown;
  /** Finds an ended command of the same subject. Default: there are none. */
  readonly findEnded?: (cmdId: string) => Command | undefined;
  /** Default: no dialog is known to be answered. */
  readonly isAnswered?: StartContext['isAnswered'];
  /** Default: no call is known. */
  readonly isKnown?: StartContext['isKnown'];
  /** Default: no call is active. */
  readonly heldLegs?: StartContext['heldLegs'];
  /** Default: those of an adapter that has reported nothing. */
  readonly features?: StartContext['features'];
}

/** Returns the context of a command of this subject. */
export function startContext(
  subject: string,
  commands: RunningCommands,
  { callid, nextHop, findEnded, isAnswered, isKnown, heldLegs, features }: StartOptions,
): StartContext {
  return {
    callid,
    nextHop,
    findCallStart: (cmdId) => callOf(commands.find(subject, cmdId) ?? findEnded?.(cmdId)),
    isAnswered: isAnswered ?? (() => false),
    isKnown: isKnown ?? (() => false),
    heldLegs: heldLegs ?? (() => undefined),
    isTransferring: (each) => commands.isTransferring(each),
    features: features ?? featuresOf(),
  };
}
