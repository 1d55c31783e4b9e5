/** A call from phone to phone: dialed by a user, or requested by a REFER. @module */
import { DIALOG_STATE, type Dialog, type Party } from '../opensips/dialog.ts';
import { changeState, createDialog, endDialog, type OpenSips } from '../opensips/opensips.ts';
import { buildContact, buildSdp, createTag } from '../phones/user-agent.ts';
import { parseHost, parseUser, randomHex, stripParameters } from '../sip/sip-text.ts';
import type { Timeline } from '../timing/clock.ts';
import {
  answerDialog,
  attributeEnd,
  isSuccess,
  REQUEST_TERMINATED,
  type RingingCall,
  ringPhone,
} from './ring-phone.ts';

export type CallRequest = {
  /** The caller's user part. */
  readonly caller: string;
  /** The URI in From. */
  readonly from: string;
  /** The called URI. */
  readonly target: string;
  readonly transferredFrom?: string;
  /** Whether the INVITE has a Replaces header (RFC 3891) for another call of the callee. */
  readonly replaces?: boolean;
};

/** Callbacks for the steps of a call. */
export type CallHooks = {
  /** The INVITE is forwarded to the callee's contact. */
  readonly onForwarded?: (call: Dialog, destination: string) => Promise<void>;
  readonly onRinging?: () => void;
  /** The final reply has passed OpenSIPS, and the dialog has changed its state. */
  readonly onFinalReply?: (status: string) => Promise<void>;
};

/**
 * Places a call. Resolves with the final status when the call is acknowledged or refused; `refusedByScript` says
 * whether the script refused it.
 */
export async function placeCall(
  opensips: OpenSips,
  timeline: Timeline,
  request: CallRequest,
  hooks: CallHooks = {},
): Promise<{ call: Dialog; status: string; refusedByScript: boolean }> {
  const { delays } = opensips;
  const user = parseUser(request.target) ?? 'nobody';
  const callee = opensips.behaviorOf(user);
  const call = createCallDialog(opensips, request, user);
  if (callee.scriptRefusal !== undefined) {
    await timeline.wait(delays.newCallRefusal);
    endDialog(opensips, call, 'script', callee.scriptRefusal);
    return { call, status: callee.scriptRefusal, refusedByScript: true };
  }

  await hooks.onForwarded?.(call, buildContact(user, callee, parseHost(opensips.sipAddress)));
  const caller = opensips.behaviorOf(request.caller);
  const ringing: RingingCall = {
    dialog: call,
    user,
    behavior:
      request.replaces && callee.refusesReplaces
        ? { ...callee, onInvite: { kind: 'refuse', status: '486 Busy Here' } }
        : callee,
    ringingDelayMs: delays.newCallRinging,
    answerDelayMs: delays.newCallAnswer,
    offer: 'all codecs',
    onRinging: () => hooks.onRinging?.(),
    callerCancelsAfterMs: request.transferredFrom === undefined ? undefined : caller.cancelsAfterMs,
  };
  const status = await ringPhone(opensips, timeline, ringing);
  if (isSuccess(status)) {
    answerDialog(opensips, ringing);
    await hooks.onFinalReply?.(status);
    await timeline.wait(delays.newCallAck);
    changeState(opensips, call, DIALOG_STATE.acknowledged);
  } else {
    const endingUser = status === REQUEST_TERMINATED ? request.caller : user;
    endDialog(opensips, call, call.endedBy ?? attributeEnd(endingUser, status), status);
    await hooks.onFinalReply?.(status);
  }
  return { call, status, refusedByScript: false };
}

function createCallDialog(opensips: OpenSips, request: CallRequest, callee: string): Dialog {
  const { caller: user, from, target, transferredFrom } = request;
  const behavior = opensips.behaviorOf(user);
  const host = parseHost(opensips.sipAddress);
  const caller: Party = {
    user,
    tag: createTag(),
    contact: buildContact(user, behavior, host),
    sdp: buildSdp(user, behavior, host, from, 'nothing'),
    cseq: behavior.userAgent === 'baresip' ? BARESIP_FIRST_CSEQ : 1,
  };
  return createDialog(opensips, {
    callid: randomHex(16),
    from,
    to: behavior.stripsUriParameters ? stripParameters(target) : target,
    caller,
    callee,
    ...(transferredFrom === undefined ? {} : { transferredFrom }),
  });
}

/** baresip starts with a random number; this is the one in `start-ok`. */
const BARESIP_FIRST_CSEQ = 23_443;
