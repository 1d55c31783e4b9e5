/** A call from phone to phone: dialed by a user, or requested by a REFER. @module */
import { DIALOG_STATE, type Dialog, type Leg } from '../opensips/dialog.ts';
import { changeState, createDialog, endDialog, type OpenSips } from '../opensips/opensips.ts';
import { behaviorTowards, type PhoneBehavior } from '../phones/behavior.ts';
import { buildContact, buildSdp, createTag } from '../phones/user-agent.ts';
import { parseHost, parseParameter, parseUser, randomHex, stripParameters } from '../sip/sip-text.ts';
import type { Timeline } from '../timing/clock.ts';
import {
  answerDialog,
  attributeEnd,
  isSuccess,
  REQUEST_TERMINATED,
  type RingingCall,
  ringPhone,
} from './ring-phone.ts';

/** A party of another call, which a Replaces header names (RFC 3891). */
export type ReplacedLeg = { readonly dialog: Dialog; readonly leg: Leg };

export type CallRequest = {
  /** The caller's user part. */
  readonly caller: string;
  /** The URI in From. */
  readonly from: string;
  /** The called URI. */
  readonly target: string;
  readonly transferredFrom?: string;
  /** The party of another call that the caller is to take the place of, if the INVITE has a Replaces header. */
  readonly replaces?: ReplacedLeg | undefined;
};

/** One INVITE of a call. After a refusal there may be another with the same Call-ID. */
type Attempt = CallRequest & {
  readonly callid: string;
  readonly callerTag: string;
  readonly to: string;
  readonly hasCredentials: boolean;
};

/** Callbacks for the steps of a call. */
export type CallHooks = {
  /** An INVITE is forwarded to the callee's contact. */
  readonly onForwarded?: (call: Dialog, destination: string, target: string) => Promise<void>;
  readonly onRinging?: () => void;
  /** The final reply has passed OpenSIPS, and the dialog has changed its state. */
  readonly onFinalReply?: (status: string) => Promise<void>;
};

/** How an INVITE ended: acknowledged or refused. */
export type CallOutcome = {
  readonly call: Dialog;
  readonly status: string;
  readonly refusedByScript: boolean;
};

/**
 * Places a call. Resolves with the outcome of the last INVITE: after a challenge or a redirection the caller may send
 * another.
 */
export async function placeCall(
  opensips: OpenSips,
  timeline: Timeline,
  request: CallRequest,
  hooks: CallHooks = {},
): Promise<CallOutcome> {
  const { stripsUriParameters } = opensips.behaviorOf(request.caller);
  let attempt: Attempt = {
    ...request,
    callid: randomHex(16),
    callerTag: createTag(),
    to: stripsUriParameters ? stripParameters(request.target) : request.target,
    hasCredentials: false,
  };
  for (;;) {
    const outcome = await sendInvite(opensips, timeline, attempt, hooks);
    const next = followRefusal(opensips, attempt, outcome);
    if (next === undefined) return outcome;
    attempt = next;
    await timeline.wait(opensips.delays.followingInvite);
  }
}

/** Raises E_CALL_REFUSED if the script has this event. */
export function raiseRefused(opensips: OpenSips, { callid }: Dialog, ruri: string, status: string): void {
  if (!opensips.raisesScriptEvents) return;
  opensips.raiseEvent('E_CALL_REFUSED', { callid, osid: parseParameter(ruri, 'osid') ?? '', status });
}

async function sendInvite(
  opensips: OpenSips,
  timeline: Timeline,
  attempt: Attempt,
  hooks: CallHooks,
): Promise<CallOutcome> {
  const { delays } = opensips;
  const user = parseUser(attempt.target) ?? 'nobody';
  const callee = behaviorTowards(opensips.behaviorOf(user), {
    hasReplaces: attempt.replaces !== undefined,
    hasCredentials: attempt.hasCredentials,
  });
  const call = createCallDialog(opensips, attempt, user);
  const refusal = await refuseByScript(opensips, timeline, attempt, { call, callee });
  if (refusal !== undefined) return { call, status: refusal, refusedByScript: true };

  const destination = buildContact(user, callee, parseHost(opensips.sipAddress));
  await hooks.onForwarded?.(call, destination, attempt.target);
  const { cancelsAfterMs } = opensips.behaviorOf(attempt.caller);
  const ringing: RingingCall = {
    dialog: call,
    user,
    behavior: callee,
    ringingDelayMs: delays.newCallRinging,
    answerDelayMs: delays.newCallAnswer,
    offer: 'all codecs',
    onRinging: () => hooks.onRinging?.(),
    callerCancelsAfterMs: attempt.transferredFrom === undefined ? undefined : cancelsAfterMs,
  };
  const status = await ringPhone(opensips, timeline, ringing);
  if (isSuccess(status)) {
    answerDialog(opensips, ringing);
    await hooks.onFinalReply?.(status);
    await timeline.wait(delays.newCallAck);
    if (!opensips.frozenPhones.has(attempt.caller)) changeState(opensips, call, DIALOG_STATE.acknowledged);
  } else {
    const endingUser = status === REQUEST_TERMINATED ? attempt.caller : user;
    endDialog(opensips, call, call.endedBy ?? attributeEnd(endingUser, status), status);
    await hooks.onFinalReply?.(status);
  }
  return { call, status, refusedByScript: false };
}

/** Returns the status with which the script refuses the call, if it does. */
async function refuseByScript(
  opensips: OpenSips,
  timeline: Timeline,
  attempt: Attempt,
  { call, callee }: { readonly call: Dialog; readonly callee: PhoneBehavior },
): Promise<string | undefined> {
  const { scriptRefusal, scriptChallenge } = callee;
  if (scriptRefusal !== undefined) {
    await timeline.wait(opensips.delays.newCallRefusal);
    raiseRefused(opensips, call, attempt.target, scriptRefusal);
    endDialog(opensips, call, 'script', scriptRefusal);
    return scriptRefusal;
  }
  if (scriptChallenge === undefined || attempt.hasCredentials) return undefined;
  await timeline.wait(opensips.delays.newCallRefusal);
  endDialog(opensips, call, 'challenge', scriptChallenge);
  return scriptChallenge;
}

/** Returns the INVITE that the caller sends after a refusal, if it sends another. */
function followRefusal(
  opensips: OpenSips,
  attempt: Attempt,
  { status, refusedByScript }: CallOutcome,
): Attempt | undefined {
  const { caller, target, hasCredentials } = attempt;
  // Every phone has credentials for its own server.
  const follows = refusedByScript || opensips.behaviorOf(caller).followsRefusals === true;
  if (!follows || opensips.frozenPhones.has(caller)) return undefined;
  if (/^40[17] /.test(status)) return hasCredentials ? undefined : { ...attempt, hasCredentials: true };
  const { onInvite } = opensips.behaviorOf(parseUser(target) ?? '');
  if (onInvite.kind !== 'redirect') return undefined;
  return { ...attempt, target: `sip:${onInvite.user}@${opensips.sipAddress}` };
}

function createCallDialog(opensips: OpenSips, attempt: Attempt, callee: string): Dialog {
  const { caller: user, from, to, callid, callerTag, transferredFrom } = attempt;
  const behavior = opensips.behaviorOf(user);
  const host = parseHost(opensips.sipAddress);
  return createDialog(opensips, {
    callid,
    from,
    to,
    caller: {
      user,
      tag: callerTag,
      contact: buildContact(user, behavior, host),
      sdp: buildSdp(user, behavior, host, from, 'nothing'),
      receivedSdp: undefined,
      receivedDirection: undefined,
      cseq: behavior.userAgent === 'baresip' ? BARESIP_FIRST_CSEQ : 1,
    },
    callee,
    ...(transferredFrom === undefined ? {} : { transferredFrom }),
  });
}

/** baresip starts with a random number; this is the one in `start-ok`. */
const BARESIP_FIRST_CSEQ = 23_443;
