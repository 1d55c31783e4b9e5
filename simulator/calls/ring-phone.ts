/** A phone's reaction to an INVITE, up to the final SIP reply. @module */
import { DIALOG_STATE, type Dialog, type EndedBy, receiveSdp } from '../opensips/dialog.ts';
import { sdpTowards } from '../opensips/media-relay.ts';
import { changeState, type OpenSips } from '../opensips/opensips.ts';
import type { PhoneBehavior } from '../phones/behavior.ts';
import { ANSWER_STATUS, buildContact, buildSdp, createTag, type Offer } from '../phones/user-agent.ts';
import { parseHost } from '../sip/sip-text.ts';
import type { Timeline } from '../timing/clock.ts';
import { reachPhone } from './reach-phone.ts';

/** An INVITE on its way to a phone. */
export type RingingCall = {
  readonly dialog: Dialog;
  readonly user: string;
  readonly behavior: PhoneBehavior;
  /** How long until the phone rings. */
  readonly ringingDelayMs: number;
  /** How long from ringing to the answer, for a phone that answers at once. */
  readonly answerDelayMs: number;
  /** What the caller's SDP offers. */
  readonly offer: Offer;
  readonly onRinging?: () => void;
  /** How long until the caller cancels. */
  readonly callerCancelsAfterMs?: number | undefined;
};

/** Whether a final status is 2xx. */
export const isSuccess = (status: string): boolean => status.startsWith('2');

/** The INVITE was canceled. */
export const REQUEST_TERMINATED = '487 Request Terminated';
/** A timer of the tm module has expired. */
export const REQUEST_TIMEOUT = '408 Request Timeout';

/**
 * Lets a phone ring. Resolves with the final status line. The dialog is then ringing or unchanged; the caller of this
 * function changes its state.
 */
export async function ringPhone(opensips: OpenSips, timeline: Timeline, call: RingingCall): Promise<string> {
  const { dialog, user, behavior } = call;
  const { onInvite } = behavior;
  if (onInvite.kind === 'silent') {
    await timeline.wait(opensips.timers.frTimeoutMs);
    return REQUEST_TIMEOUT;
  }
  if (!(await reachPhone(opensips, timeline, user))) return REQUEST_TIMEOUT;
  await timeline.wait(call.ringingDelayMs);
  dialog.callee.tag = createTag();
  if (onInvite.kind === 'refuse') return onInvite.status;

  if (behavior.skipsRinging && onInvite.kind === 'answer') {
    await timeline.wait(call.answerDelayMs);
    return ANSWER_STATUS[behavior.userAgent];
  }
  changeState(opensips, dialog, DIALOG_STATE.ringing);
  call.onRinging?.();
  return waitForOutcome(opensips, timeline, call);
}

/** Waits for the end of the ringing. A phone that is frozen by then answers when it is thawed, or never. */
async function waitForOutcome(opensips: OpenSips, timeline: Timeline, call: RingingCall): Promise<string> {
  const { frozenPhones, timers } = opensips;
  const { dialog, user } = call;
  // To a CANCEL, a frozen phone sends nothing either.
  const interruptible = (interrupt: (status: string) => boolean) => {
    dialog.stopRinging = (status) => frozenPhones.has(user) || interrupt(status);
  };
  const [ms, status] = pickFirstOutcome(opensips, call);
  const outcome = await timeline.race(ms, status, interruptible);
  if (!isSuccess(outcome) || !frozenPhones.has(user)) return outcome;
  return timeline.race(timers.frInvTimeoutMs - ms, REQUEST_TIMEOUT, (interrupt) => {
    interruptible(interrupt);
    frozenPhones.onThaw(user, () => interrupt(outcome));
  });
}

/** Returns the first of answer, timeout and the caller's cancellation, and when it happens. */
export function pickFirstOutcome(
  opensips: OpenSips,
  {
    behavior,
    answerDelayMs,
    callerCancelsAfterMs,
  }: Pick<RingingCall, 'behavior' | 'answerDelayMs' | 'callerCancelsAfterMs'>,
): [ms: number, status: string] {
  const { userAgent, onInvite } = behavior;
  const outcomes: [ms: number, status: string][] = [[opensips.timers.frInvTimeoutMs, REQUEST_TIMEOUT]];
  if (onInvite.kind === 'answer')
    outcomes.push([onInvite.afterMs || answerDelayMs, ANSWER_STATUS[userAgent]]);
  if (callerCancelsAfterMs !== undefined) outcomes.push([callerCancelsAfterMs, REQUEST_TERMINATED]);
  return outcomes.reduce((first, other) => (other[0] < first[0] ? other : first));
}

/** Applies the callee's 200 OK: it brings the contact and the SDP, and the dialog is answered. */
export function answerDialog(opensips: OpenSips, { dialog, user, behavior, offer }: RingingCall): void {
  const host = parseHost(opensips.sipAddress);
  dialog.callee.contact = buildContact(user, behavior, host);
  dialog.callee.sdp = buildSdp(user, behavior, host, dialog.to, offer);
  receiveSdp(dialog.callee, sdpTowards(opensips, dialog, 'callee'));
  receiveSdp(dialog.caller, sdpTowards(opensips, dialog, 'caller'));
  changeState(opensips, dialog, DIALOG_STATE.answered);
  if (behavior.vanishes) opensips.frozenPhones.freeze(user);
}

/** Returns to whom a refusal or a timeout is attributed. */
export function attributeEnd(user: string, status: string): EndedBy {
  return status === REQUEST_TIMEOUT ? 'timeout' : `phone ${user}`;
}
