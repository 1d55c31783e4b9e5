/**
 * The interface of a command: a state machine whose `step(state, input)` returns the next state and the actions to
 * take. The state is plain JSON, so the runner can store it and sleep between any two steps.
 * @module
 */
import type { EviEvent, Leg } from '../opensips/evi.ts';
import type { OpenSipsFeatures } from '../opensips/features.ts';
import type { InDialogRequest } from '../opensips/in-dialog.ts';
import type { MiCommand, MiError } from '../opensips/mi.ts';
import type { SipStatus } from '../protocol/rpc/jsonrpc.ts';

/** Whether an MI request without a reply was run: `unknown` means that it may have been. */
export type Execution = 'unknown' | 'not-run';

/** What can happen to a command. `request` is the name that the machine has given to an MI request. */
export type Input =
  /** OpenSIPS has replied with a result. */
  | { readonly type: 'mi-result'; readonly request: string; readonly result: unknown }
  /** OpenSIPS has replied with an error. */
  | { readonly type: 'mi-error'; readonly request: string; readonly error: MiError }
  /** No reply will come. */
  | {
      readonly type: 'mi-no-reply';
      readonly request: string;
      readonly execution: Execution;
      readonly reason: string;
    }
  /** An event for one of the followed Call-IDs. `at` is in milliseconds of the adapter's clock. */
  | { readonly type: 'event'; readonly event: EviEvent; readonly at: number }
  | { readonly type: 'timer'; readonly timer: string }
  /** Events may have been lost: read the state of the dialogs from OpenSIPS. */
  | { readonly type: 'resync' }
  /** A CallEnd has named this command. */
  | { readonly type: 'cancel' }
  /** The command that this one has canceled has sent `Ended` to its client. */
  | { readonly type: 'canceled' };

/** An event input: the event, and when the adapter received it. */
export type EventInput = Extract<Input, { type: 'event' }>;

/** What a command requests of OpenSIPS: an MI command, or a request within a dialog. */
export type OpenSipsRequest = MiCommand | InDialogRequest;

/** What a command requests of the runner. The actions of a step are carried out in order. */
export type Action =
  /** Send a request to OpenSIPS. The reply arrives as an input with the same name. */
  | {
      readonly type: 'mi-request';
      readonly name: string;
      readonly command: OpenSipsRequest;
      readonly timeoutMs: number;
    }
  /** Send a notification to the client. */
  | { readonly type: 'notify'; readonly event: string; readonly data?: unknown }
  /** Send the notification `Error` to the client. */
  | { readonly type: 'error'; readonly text: string; readonly error: CommandError }
  /** Send the notification `Ended` to the client. It is sent once, and nothing follows it. */
  | { readonly type: 'ended' }
  /** Start a timer, or restart the one of that name. The input `timer` follows after `ms`. */
  | { readonly type: 'start-timer'; readonly timer: string; readonly ms: number }
  | { readonly type: 'stop-timer'; readonly timer: string }
  /** Give the input `cancel` to the command with that `cmd_id`. */
  | { readonly type: 'cancel'; readonly cmdId: string };

/** The structured part of an `Error` notification. */
export interface CommandError {
  readonly code: number;
  readonly message: string;
  readonly sip?: SipStatus;
  /** OpenSIPS's own error, if its code is not a SIP status. */
  readonly opensips?: { readonly code: number; readonly message: string };
}

/** The part that the states of all commands have: the Call-IDs whose events the command needs. */
export interface CommandState {
  readonly followedCallids: readonly string[];
  /** The Call-IDs of the calls that the command is transferring. No other command may transfer them meanwhile. */
  readonly transferring?: readonly string[];
  /**
   * A phone is about to start a call for the command, whose Call-ID is not known yet. The command receives events of unknown
   * calls that OpenSIPS has refused.
   */
  readonly awaitsCall?: boolean;
}

/** The result of a step. A command without a state is finished and can be forgotten. */
export interface StepResult<S extends CommandState> {
  readonly state: S | null;
  readonly actions: readonly Action[];
}

/** What a command can use when it starts. */
export interface StartContext {
  /** A random Call-ID, for the call that the command makes. */
  readonly callid: string;
  /** OpenSIPS's SIP address, through which the first leg is routed: `SIP_NEXT_HOP`. */
  readonly nextHop: string;
  /** Looks up a CallStart of the same subject by `cmd_id`. Returns `running`, or the Call-ID of the call that it made. */
  readonly findCallStart: (cmdId: string) => 'running' | string | undefined;
  /** Returns whether the dialog with that Call-ID is known to be answered and active. */
  readonly isAnswered: (callid: string) => boolean;
  /** Returns whether a call with that Call-ID is active, or has ended and is still kept. */
  readonly isKnown: (callid: string) => boolean;
  /** Returns the legs of an active call that are on hold; undefined for a call that has ended or is not known. */
  readonly heldLegs: (callid: string) => readonly Leg[] | undefined;
  /** Returns whether another command is transferring the call. */
  readonly isTransferring: (callid: string) => boolean;
  readonly features: OpenSipsFeatures;
}

/** The state machine of a command. Both functions are pure. */
export interface CommandMachine<P, S extends CommandState> {
  start(params: P, context: StartContext): StepResult<S>;
  step(state: S, input: Input): StepResult<S>;
}
