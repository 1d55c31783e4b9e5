/**
 * A call as clients see it, and the state machine that updates it. The inputs are events of OpenSIPS, entries of its list of
 * dialogs, and the progress of commands. It never sees SDP.
 * @module
 */
import { stripOsid } from '../commands/transfer/match-call.ts';
import { dialogState, type Leg } from '../opensips/evi.ts';
import type { Dialog } from '../opensips/mi.ts';

export const CALL_STATES = ['ringing', 'answered', 'held', 'transferring', 'ended'] as const;
export type CallState = (typeof CALL_STATES)[number];

/**
 * Who ended a call: a command, the script of OpenSIPS that refused it, or a party that hung up. Nothing is guessed: without a
 * command or an event that says so, it is unknown.
 */
export const ENDED_BY = ['api', 'opensips', 'caller', 'callee', 'unknown'] as const;
export type EndedBy = (typeof ENDED_BY)[number];

/** The events that watchers receive. The event of a state is sent again when more becomes known of the call. */
export type CallEventName =
  | 'Ringing'
  | 'Answered'
  | 'Held'
  | 'Resumed'
  | 'Transferring'
  | 'Transferred'
  | 'Ended';

/** A JSON object that a client has attached to a call. */
export type Metadata = Readonly<Record<string, unknown>>;

/** A call. Times are in Unix milliseconds. */
export interface Call {
  readonly callid: string;
  readonly state: CallState;
  /** The legs on hold; absent if there are none. */
  readonly held?: readonly Leg[];
  /** SIP URIs; null while unknown. */
  readonly caller: string | null;
  readonly callee: string | null;
  /** The command that made the call; null if none did. */
  readonly origin: { readonly method: string; readonly cmd_id: string } | null;
  readonly began: number;
  readonly answered?: number;
  readonly ended?: number;
  /** Why it ended: a few words or a SIP status line. */
  readonly reason?: string;
  /** Who ended it; absent until then. */
  readonly ended_by?: EndedBy;
  /** The Call-ID of the call that this one was transferred from. */
  readonly from?: string;
  /** The Call-ID of the call that this one was transferred to. */
  readonly became?: string;
  readonly metadata?: Metadata;
  /** The adapter beside the OpenSIPS that has the call; absent where one adapter serves the whole site. */
  readonly adapter?: string;
  /** The sequence number of its last change. */
  readonly seq: number;
}

/** What a command knows of the call that it makes. */
export type CallFacts = Partial<Pick<Call, 'caller' | 'callee' | 'origin' | 'from' | 'metadata' | 'adapter'>>;

/** Why and by whom a call was ended, as far as it is known. */
export interface EndCause {
  readonly reason?: string;
  readonly by?: EndedBy;
}

/** An input of the state machine. */
export type CallInput =
  /**
   * The dialog has this state: E_DLG_STATE_CHANGED says so, or a command has found out. The cause is for the end, and so is whether
   * the dialog had been answered: the event of the answer may have been lost.
   */
  | ({ readonly type: 'dialog-state'; readonly state: number; readonly wasAnswered?: boolean } & EndCause)
  /** A dialog of the call ended, but another one with its Call-ID stands in this state. */
  | { readonly type: 'goes-on'; readonly state: number }
  /** A leg was put on hold or taken off hold. */
  | { readonly type: 'hold'; readonly leg: Leg; readonly isHeld: boolean }
  /** A transfer to the call `became` has begun or succeeded. */
  | { readonly type: 'transfer'; readonly state: 'start' | 'ok'; readonly became: string }
  | { readonly type: 'transfer'; readonly state: 'fail'; readonly status: string }
  /** A command makes the call, has made it or acts on it. */
  | { readonly type: 'facts'; readonly facts: CallFacts }
  /** `dlg_list` contains the dialog. */
  | { readonly type: 'listed'; readonly dialog: Dialog }
  /** OpenSIPS does not know the dialog any more. */
  | ({ readonly type: 'missing' } & EndCause)
  /** The adapter beside the OpenSIPS that has it was lost, and has not come back. */
  | { readonly type: 'adapter-lost' }
  /** It has become known why the call ended. */
  | ({ readonly type: 'end-cause' } & EndCause)
  /** The call had ended before the command that was thought to end it. */
  | { readonly type: 'not-ended-by-api' };

/** The result of an input. Without an `event`, nothing has changed and `call` is the same object as before. */
export interface CallStep {
  readonly call: Call;
  readonly event?: CallEventName;
  readonly data?: unknown;
}

/** Reasons that say no more than that the call has ended. A more specific one replaces them. */
const VAGUE_REASONS = {
  unanswered: 'not answered',
  hungUp: 'hung up',
  missing: 'no longer known to OpenSIPS',
  adapterLost: 'its adapter was lost',
} as const;
const TRANSFERRED = 'transferred';

/** The reason of a call that CallEnd has ended. */
export const ENDED_BY_CALL_END = 'ended by CallEnd';

/** Returns a call that is seen for the first time. */
export function newCall(callid: string, at: number, facts: CallFacts = {}): Call {
  const { caller = null, callee = null, origin = null, ...more } = facts;
  return { callid, state: 'ringing', caller, callee, origin, began: at, ...more, seq: 0 };
}

/** Applies an input to a call. `at` is in Unix milliseconds. */
export function applyInput(call: Call, input: CallInput, at: number): CallStep {
  switch (input.type) {
    case 'dialog-state':
      return onDialogState(call, input.state, at, input);
    case 'goes-on':
      return onGoesOn(call, input.state, at);
    case 'hold':
      return onHold(call, input.leg, input.isHeld);
    case 'transfer':
      return input.state === 'fail'
        ? onTransferFailed(call, input.status)
        : onTransfer(call, input.state, input.became);
    case 'facts':
      return onFacts(call, input.facts);
    case 'listed':
      return onListed(call, input.dialog, at);
    case 'missing':
      return endCall(call, at, { reason: VAGUE_REASONS.missing, ...input });
    case 'adapter-lost':
      return endCall(call, at, { reason: VAGUE_REASONS.adapterLost });
    case 'end-cause':
      return onEndCause(call, input);
    case 'not-ended-by-api':
      return onNotEndedByApi(call);
  }
}

/** Returns the event for the current state of a call. */
export function eventForState({ state }: Call): CallEventName {
  return EVENT_OF_STATE[state];
}

const EVENT_OF_STATE = {
  ringing: 'Ringing',
  answered: 'Answered',
  held: 'Held',
  transferring: 'Transferring',
  ended: 'Ended',
} as const satisfies Record<CallState, CallEventName>;

function onDialogState(
  call: Call,
  state: number,
  at: number,
  { reason, by, wasAnswered = false }: EndCause & { readonly wasAnswered?: boolean } = {},
): CallStep {
  if (state === dialogState.ended)
    return endCall(call, at, { reason: reason ?? vagueReasonOf(call, wasAnswered), ...(by ? { by } : {}) });
  if (!isAnsweredState(state) || call.state === 'ended' || call.answered !== undefined) return { call };
  const answered = { ...call, answered: at };
  return {
    call: call.state === 'ringing' ? { ...answered, state: 'answered' } : answered,
    event: 'Answered',
  };
}

/** The call is what the other dialog is: what the ended one had, such as a leg on hold, is gone. */
function onGoesOn(call: Call, state: number, at: number): CallStep {
  const isAnswered = isAnsweredState(state);
  if (call.state !== 'ended' && isAnswered === (call.answered !== undefined)) return { call };
  const { callid, began, caller, callee, origin, from, metadata, adapter, seq } = call;
  const facts = {
    caller,
    callee,
    origin,
    ...(from === undefined ? {} : { from }),
    ...(metadata ? { metadata } : {}),
    ...(adapter === undefined ? {} : { adapter }),
  };
  const ringing = { ...newCall(callid, began, facts), seq };
  const current: Call = isAnswered ? { ...ringing, state: 'answered', answered: at } : ringing;
  return { call: current, event: eventForState(current) };
}

function endCall(
  call: Call,
  at: number,
  { reason, by = 'unknown' }: EndCause & { readonly reason: string },
): CallStep {
  if (call.state === 'ended') return onEndedAgain(call, { reason, by });
  const { held: _, ...rest } = call;
  return {
    call: {
      ...rest,
      state: 'ended',
      ended: at,
      reason: call.became === undefined ? reason : TRANSFERRED,
      ended_by: by,
    },
    event: 'Ended',
  };
}

/** `dlg_list` may show an end before the event that tells more of it: that the call was answered, or at least that it ended by itself. */
function onEndedAgain(call: Call, cause: EndCause & { readonly reason: string }): CallStep {
  const { missing, adapterLost, unanswered, hungUp } = VAGUE_REASONS;
  const isUnseen = call.reason === missing || call.reason === adapterLost;
  const saysMore = isUnseen || (call.reason === unanswered && cause.reason === hungUp);
  return saysMore ? onEndCause(call, cause) : { call };
}

/** Only what is vague or unknown is replaced: the first who tells more is right. */
function onEndCause(call: Call, { reason, by }: EndCause): CallStep {
  if (call.state !== 'ended') return { call };
  const changed: Call = {
    ...call,
    ...(reason !== undefined && hasVagueReason(call) ? { reason } : {}),
    ...(by !== undefined && call.ended_by === 'unknown' ? { ended_by: by } : {}),
  };
  const isChanged = changed.reason !== call.reason || changed.ended_by !== call.ended_by;
  return isChanged ? { call: changed, event: 'Ended' } : { call };
}

function onNotEndedByApi(call: Call): CallStep {
  if (call.ended_by !== 'api') return { call };
  const reason = call.reason === ENDED_BY_CALL_END ? vagueReasonOf(call) : call.reason;
  const changed: Call = { ...call, ended_by: 'unknown', ...(reason === undefined ? {} : { reason }) };
  return { call: changed, event: 'Ended' };
}

function onHold(call: Call, leg: Leg, isHeld: boolean): CallStep {
  const { held: before = [], ...rest } = call;
  if (call.state === 'ended' || before.includes(leg) === isHeld) return { call };
  const held = isHeld ? [...before, leg].sort() : before.filter((other) => other !== leg);
  return {
    call: withDerivedState({ ...rest, ...(held.length > 0 ? { held } : {}) }, call.state),
    event: isHeld ? 'Held' : 'Resumed',
    data: { leg },
  };
}

/** Sets the state that follows from the other fields, unless the call is being transferred. */
function withDerivedState(call: Call, state: CallState): Call {
  if (state === 'transferring') return call;
  if (call.held) return { ...call, state: 'held' };
  return { ...call, state: call.answered === undefined ? 'ringing' : 'answered' };
}

/**
 * The call may have ended already: a phone may hang up as soon as its new call begins (README of the simulator:
 * `start-ok`).
 */
function onTransfer(call: Call, state: 'start' | 'ok', became: string): CallStep {
  if (call.state === 'ended') {
    const isKnown = call.became === became && (state === 'start' || call.reason === TRANSFERRED);
    return isKnown ? { call } : { call: { ...call, became, reason: TRANSFERRED }, event: 'Transferred' };
  }
  if (state === 'ok') return { call: { ...call, state: 'transferring', became }, event: 'Transferred' };
  if (call.state === 'transferring' && call.became === became) return { call };
  return { call: { ...call, state: 'transferring', became }, event: 'Transferring' };
}

/** An active call continues as before. An ended call was not transferred after all. */
function onTransferFailed(call: Call, status: string): CallStep {
  const { became, ...rest } = call;
  if (call.state === 'transferring')
    return { call: withDerivedState(rest, 'answered'), event: 'Resumed', data: { transfer: status } };
  if (call.state === 'ended' && became !== undefined && call.reason === TRANSFERRED)
    return { call: { ...rest, reason: VAGUE_REASONS.hungUp }, event: 'Ended' };
  return { call };
}

/** Facts from commands replace what phones write about the parties. Only `from` is kept once it is known. */
function onFacts(call: Call, facts: CallFacts): CallStep {
  const changes = Object.entries(facts).filter(([name, value]) => {
    if (value === undefined || value === null) return false;
    const known = call[name as keyof CallFacts];
    return name === 'from' ? known === undefined : !isSame(known, value);
  });
  if (changes.length === 0) return { call };
  return { call: { ...call, ...Object.fromEntries(changes) }, event: eventForState(call) };
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || (typeof one === 'object' && JSON.stringify(one) === JSON.stringify(other));
}

function onListed(call: Call, dialog: Dialog, at: number): CallStep {
  if (call.state === 'ended') return { call };
  if (dialog.state === dialogState.ended) return endCall(call, at, { reason: VAGUE_REASONS.missing });
  const withParties = call.caller === null ? onFacts(call, partiesOf(dialog)) : { call };
  // OpenSIPS has the time in whole seconds, of its own clock: it may be before the call began.
  const answeredAt = Math.max(call.began, answerTimeOf(dialog, at));
  const withState = onDialogState(withParties.call, dialog.state, answeredAt);
  const event = withState.event ?? withParties.event;
  return event === undefined ? { call } : { call: withState.call, event };
}

/** Returns when a listed dialog was answered, as far as OpenSIPS says it, and `at` otherwise; in Unix milliseconds. */
export function answerTimeOf({ timestart }: Dialog, at: number): number {
  return timestart > 0 ? Math.min(at, timestart * 1_000) : at;
}

/** Returns the parties as the phones write them, without the parameter that OpenSIPS adds. */
function partiesOf({ from_uri, to_uri }: Dialog): Pick<CallFacts, 'caller' | 'callee'> {
  return { caller: stripOsid(from_uri), callee: stripOsid(to_uri) };
}

function isAnsweredState(state: number): boolean {
  return state === dialogState.answered || state === dialogState.acknowledged;
}

function vagueReasonOf({ answered }: Call, wasAnswered = false): string {
  return answered === undefined && !wasAnswered ? VAGUE_REASONS.unanswered : VAGUE_REASONS.hungUp;
}

function hasVagueReason({ state, reason }: Call): boolean {
  return state === 'ended' && Object.values<string | undefined>(VAGUE_REASONS).includes(reason);
}
