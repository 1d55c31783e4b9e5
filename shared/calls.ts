/**
 * A call as clients see it, and how it goes on: a pure state machine over what OpenSIPS raises, what its list of
 * dialogs shows and what commands do. No SDP comes near it.
 * @module
 */
import { withoutOsid } from './commands/find-call.ts';
import { dialogState, type Leg } from './evi.ts';
import type { Dialog } from './mi.ts';

export const CALL_STATES = ['ringing', 'answered', 'held', 'transferring', 'ended'] as const;
export type CallState = (typeof CALL_STATES)[number];

/** What watchers are told of a call. One may come again for the same state when more has become known of the call. */
export type CallEventName =
  | 'Ringing'
  | 'Answered'
  | 'Held'
  | 'Resumed'
  | 'Transferring'
  | 'Transferred'
  | 'Ended';

/** Plain JSON of a client's own. */
export type Metadata = Readonly<Record<string, unknown>>;

/** A call. Times are Unix milliseconds. */
export interface Call {
  readonly callid: string;
  readonly state: CallState;
  /** The legs on hold; absent where none is. */
  readonly held?: readonly Leg[];
  /** SIP URIs; null while they are not known. */
  readonly caller: string | null;
  readonly callee: string | null;
  /** The command that made it; null where none of ours did. */
  readonly origin: { readonly method: string; readonly cmd_id: string } | null;
  readonly began: number;
  readonly answered?: number;
  readonly ended?: number;
  /** How it ended: a short sentence, or SIP's status line. */
  readonly reason?: string;
  /** Call-ID of the call that it came of, and of the one that a transfer made of it. */
  readonly from?: string;
  readonly became?: string;
  readonly metadata?: Metadata;
  /** Its last change, in the site's numbering. */
  readonly seq: number;
}

/** What a command knows of the call that it makes. */
export type Facts = Partial<Pick<Call, 'caller' | 'callee' | 'origin' | 'from' | 'metadata'>>;

/** What can happen to a call. */
export type CallInput =
  /** E_DLG_STATE_CHANGED, or a command has seen as much; `why` it ended, where that is known. */
  | { readonly type: 'dialog'; readonly state: number; readonly why?: string }
  /** A leg has been put on hold, or has been resumed. */
  | { readonly type: 'hold'; readonly leg: Leg; readonly on: boolean }
  /** A transfer of it goes on: `became` is the new call. */
  | { readonly type: 'transfer'; readonly state: 'start' | 'ok'; readonly became: string }
  | { readonly type: 'transfer'; readonly state: 'fail'; readonly status: string }
  /** A command makes it, or has made it. */
  | { readonly type: 'made'; readonly facts: Facts }
  /** As `dlg_list` shows it. */
  | { readonly type: 'listed'; readonly dialog: Dialog }
  /** OpenSIPS knows it no more. */
  | { readonly type: 'gone'; readonly why?: string }
  /** Why it ended has become known. */
  | { readonly type: 'reason'; readonly why: string };

/** What came of an input. Without an event nothing has changed, and the call is the one that was given. */
export interface CallStep {
  readonly call: Call;
  readonly event?: CallEventName;
  readonly data?: unknown;
}

/** Reasons that say no more than that it has ended: one that says more takes their place. */
export const vague = {
  unanswered: 'not answered',
  hungUp: 'hung up',
  gone: 'OpenSIPS knows it no more',
} as const;
const TRANSFERRED = 'transferred';

/** A call that is seen for the first time. */
export function begin(callid: string, at: number, facts: Facts = {}): Call {
  const { caller = null, callee = null, origin = null, ...more } = facts;
  return { callid, state: 'ringing', caller, callee, origin, began: at, ...more, seq: 0 };
}

/** One step; `at` in Unix milliseconds. What says nothing new changes nothing. */
export function apply(call: Call, input: CallInput, at: number): CallStep {
  switch (input.type) {
    case 'dialog':
      return toState(call, input.state, at, input.why);
    case 'hold':
      return hold(call, input.leg, input.on);
    case 'transfer':
      return input.state === 'fail'
        ? transferFailed(call, input.status)
        : transferring(call, input.state, input.became);
    case 'made':
      return made(call, input.facts);
    case 'listed':
      return listed(call, input.dialog, at);
    case 'gone':
      return end(call, at, input.why ?? vague.gone);
    case 'reason':
      return isVague(call) && call.reason !== input.why
        ? { call: { ...call, reason: input.why }, event: 'Ended' }
        : { call };
  }
}

/** The event that says how a call stands. */
export function eventOf({ state }: Call): CallEventName {
  return states[state];
}

const states = {
  ringing: 'Ringing',
  answered: 'Answered',
  held: 'Held',
  transferring: 'Transferring',
  ended: 'Ended',
} as const satisfies Record<CallState, CallEventName>;

function toState(call: Call, state: number, at: number, why: string | undefined): CallStep {
  if (state === dialogState.ended) {
    return end(call, at, why ?? (call.answered === undefined ? vague.unanswered : vague.hungUp));
  }
  const answers = state === dialogState.answered || state === dialogState.acknowledged;
  if (!answers || call.state === 'ended' || call.answered !== undefined) return { call };
  const now = { ...call, answered: at };
  return { call: call.state === 'ringing' ? { ...now, state: 'answered' } : now, event: 'Answered' };
}

function end(call: Call, at: number, why: string): CallStep {
  if (call.state === 'ended') return { call };
  const { held: _, ...rest } = call;
  const reason = call.became === undefined ? why : TRANSFERRED;
  return { call: { ...rest, state: 'ended', ended: at, reason }, event: 'Ended' };
}

function hold(call: Call, leg: Leg, on: boolean): CallStep {
  const before = call.held ?? [];
  if (call.state === 'ended' || before.includes(leg) === on) return { call };
  const { held: _, ...rest } = call;
  const held = on ? [...before, leg].sort() : before.filter((each) => each !== leg);
  return {
    call: standing({ ...rest, ...(held.length > 0 ? { held } : {}) }, call.state),
    event: on ? 'Held' : 'Resumed',
    data: { leg },
  };
}

/** The state of a call that is not being transferred follows from the rest of it. */
function standing(call: Call, state: CallState): Call {
  if (state === 'transferring') return call;
  if (call.held) return { ...call, state: 'held' };
  return { ...call, state: call.answered === undefined ? 'ringing' : 'answered' };
}

/** A phone may hang up as soon as its new call begins (README of the simulator: `start-ok`), so it may have ended. */
function transferring(call: Call, state: 'start' | 'ok', became: string): CallStep {
  if (call.state === 'ended') {
    const { became: before } = call;
    if (before === became && (state === 'start' || call.reason === TRANSFERRED)) return { call };
    return { call: { ...call, became, reason: TRANSFERRED }, event: 'Transferred' };
  }
  if (state === 'ok') {
    return { call: { ...call, state: 'transferring', became }, event: 'Transferred' };
  }
  if (call.state === 'transferring' && call.became === became) return { call };
  return { call: { ...call, state: 'transferring', became }, event: 'Transferring' };
}

/** The call goes on as before; one that has ended was not transferred after all. */
function transferFailed(call: Call, status: string): CallStep {
  const { became, ...rest } = call;
  if (call.state === 'transferring') {
    return { call: standing(rest, 'answered'), event: 'Resumed', data: { transfer: status } };
  }
  if (call.state === 'ended' && became !== undefined && call.reason === TRANSFERRED) {
    return { call: { ...rest, reason: vague.hungUp }, event: 'Ended' };
  }
  return { call };
}

/** A command knows better than the phones who speaks with whom; where the call came from was said first. */
function made(call: Call, facts: Facts): CallStep {
  const fresh = Object.entries(facts).filter(([name, value]) => {
    if (value === undefined || value === null) return false;
    const known = call[name as keyof Facts];
    return name === 'from' ? known === undefined : !isSame(known, value);
  });
  if (fresh.length === 0) return { call };
  return { call: { ...call, ...Object.fromEntries(fresh) }, event: eventOf(call) };
}

function isSame(one: unknown, other: unknown): boolean {
  return one === other || (typeof one === 'object' && JSON.stringify(one) === JSON.stringify(other));
}

function listed(call: Call, dialog: Dialog, at: number): CallStep {
  if (call.state === 'ended') return { call };
  if (dialog.state === dialogState.ended) return end(call, at, vague.gone);
  const { event: party, call: known } = call.caller === null ? made(call, partiesOf(dialog)) : { call };
  const since = dialog.timestart > 0 ? Math.min(at, dialog.timestart * 1_000) : at;
  const { event, call: now } = toState(known, dialog.state, since, undefined);
  const changed = event ?? party;
  return changed === undefined ? { call } : { call: now, event: changed };
}

/** As the phones wrote them, without what is OpenSIPS's own. */
function partiesOf({ from_uri, to_uri }: Dialog): Pick<Facts, 'caller' | 'callee'> {
  return { caller: withoutOsid(from_uri), callee: withoutOsid(to_uri) };
}

function isVague({ state, reason }: Call): boolean {
  return state === 'ended' && Object.values<string | undefined>(vague).includes(reason);
}
