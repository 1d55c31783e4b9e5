/**
 * A command is a state machine: `step(state, input)` gives the next state and what to do. State is plain
 * JSON, so whoever runs it can store it and sleep between any two steps.
 * @module
 */
import type { EviEvent } from './evi.ts';
import { code, type SipStatus } from './jsonrpc.ts';
import type { MiCommand, MiError } from './mi.ts';

/** What can happen to a command. */
export type Input =
  /** OpenSIPS answered the request that the machine named `to`. */
  | { readonly type: 'reply'; readonly to: string; readonly result: unknown }
  /** OpenSIPS refused that request. */
  | { readonly type: 'refusal'; readonly to: string; readonly error: MiError }
  /** No answer will come. `unknown`: it may have run; `not-run`: it has not. */
  | {
      readonly type: 'no-answer';
      readonly to: string;
      readonly fate: 'unknown' | 'not-run';
      readonly why: string;
    }
  /** An event about a Call-ID that the state follows; `at` in milliseconds, the adapter's clock. */
  | { readonly type: 'event'; readonly event: EviEvent; readonly at: number }
  | { readonly type: 'timer'; readonly timer: string }
  /** Events may have been missed: ask OpenSIPS how the dialogs stand. */
  | { readonly type: 'settle' }
  /** A CallEnd named this command. */
  | { readonly type: 'cancel' }
  /** The command that this one cancelled has told its client `Ended`. */
  | { readonly type: 'cancelled' };

/** What a machine asks of whoever runs it, in order. */
export type Action =
  /** Send an MI command; its answer comes back as an input `to: as`. Milliseconds. */
  | { readonly type: 'request'; readonly as: string; readonly command: MiCommand; readonly timeout: number }
  /** Tell the client. */
  | { readonly type: 'notify'; readonly event: string; readonly data?: unknown }
  /** Tell the client `Error`. */
  | { readonly type: 'error'; readonly sentence: string; readonly error: CommandError }
  /** Tell the client `Ended`: once, and nothing after it. */
  | { readonly type: 'ended' }
  /** Input `timer` in `ms`; a running one of that name starts anew. */
  | { readonly type: 'timer'; readonly timer: string; readonly ms: number }
  | { readonly type: 'stop'; readonly timer: string }
  /** Give the command of that `cmd_id` the input `cancel`. */
  | { readonly type: 'cancel'; readonly cmdId: string };

/** The structured half of an `Error` notification. */
export interface CommandError {
  readonly code: number;
  readonly message: string;
  readonly sip?: SipStatus;
  /** OpenSIPS's own error where it is none of SIP's. */
  readonly opensips?: { readonly code: number; readonly message: string };
}

/** What every state has: the Call-IDs whose events it wants. */
export interface State {
  readonly follows: readonly string[];
}

/** The outcome of a step. Without a state the command is over and can be forgotten. */
export interface Step<S extends State> {
  readonly state: S | null;
  readonly actions: readonly Action[];
}

/** What a command may know of its surroundings when it starts. */
export interface Context {
  /** A random Call-ID, its own if it makes a call. */
  readonly callid: string;
  /** OpenSIPS's SIP address through which a first leg must pass: `SIP_NEXT_HOP`. */
  readonly nextHop: string;
  /** The CallStart of that `cmd_id`, of the same subject: it runs, or it made the call of this Call-ID. */
  readonly call: (cmdId: string) => 'running' | string | undefined;
  /** Whether the dialog of that Call-ID is known to stand answered. */
  readonly isAnswered: (callid: string) => boolean;
}

/** A command: how it starts, and how it goes on. Pure. */
export interface Machine<P, S extends State> {
  start(params: P, context: Context): Step<S>;
  step(state: S, input: Input): Step<S>;
}

/** Collects the actions of one step. */
export class Turn {
  readonly actions: Action[] = [];

  request(as: string, command: MiCommand, timeout: number): void {
    this.actions.push({ type: 'request', as, command, timeout });
  }

  notify(event: string, data?: unknown): void {
    this.actions.push(data === undefined ? { type: 'notify', event } : { type: 'notify', event, data });
  }

  fail(failure: Failure): void {
    this.actions.push({ type: 'error', ...failure });
  }

  ended(): void {
    this.actions.push({ type: 'ended' });
  }

  wait(timer: string, ms: number): void {
    this.actions.push({ type: 'timer', timer, ms });
  }

  stop(...timers: string[]): void {
    for (const timer of timers) this.actions.push({ type: 'stop', timer });
  }

  cancel(cmdId: string): void {
    this.actions.push({ type: 'cancel', cmdId });
  }
}

/** Why a command fails: the sentence that upstream's clients show, and the structured error. */
export interface Failure {
  readonly sentence: string;
  readonly error: CommandError;
}

/** A phone or a proxy said no: `line` is its status line, `486 Busy Here`. */
export function sipFailure(prefix: string, line: string): Failure {
  const status = Number.parseInt(line, 10) || 500;
  return {
    sentence: `${prefix}${line}`,
    error: { code: code.refused, message: `${prefix}${line}`, sip: { status, reason: line.slice(4) } },
  };
}

/** OpenSIPS refused an MI command. The sentence is upstream's: `404 Requested Dialog not found`. */
export function miFailure(method: string, error: MiError): Failure {
  const sentence = `${error.code} ${error.message}`;
  const sipLike = error.code >= 300 && error.code <= 699;
  return {
    sentence,
    error: {
      code: code.miRefused,
      message: `OpenSIPS refused ${method}: ${sentence}`,
      ...(sipLike
        ? { sip: { status: error.code, reason: error.message } }
        : { opensips: { code: error.code, message: error.message } }),
    },
  };
}

/** It did not come about, and nothing of it stands. */
export function notDoneFailure(sentence: string): Failure {
  return { sentence, error: { code: code.notDone, message: sentence } };
}

/** An MI command got no answer. */
export function noAnswerFailure(method: string, fate: 'unknown' | 'not-run', why: string): Failure {
  const sentence =
    fate === 'unknown'
      ? `OpenSIPS did not answer ${method} (${why}): it may have been done or not`
      : `${method} was not sent to OpenSIPS: ${why}`;
  return { sentence, error: { code: fate === 'unknown' ? code.unknown : code.timedOut, message: sentence } };
}

/** A deadline of ours passed. */
export function timeoutFailure(sentence: string, sip?: SipStatus): Failure {
  return { sentence, error: { code: code.timedOut, message: sentence, ...(sip ? { sip } : {}) } };
}
