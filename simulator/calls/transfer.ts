/** A transfer: the phone gets a REFER, places a new call, and sends NOTIFYs about it. @module */
import type { Dialog, Leg } from '../opensips/dialog.ts';
import type { OpenSips } from '../opensips/opensips.ts';
import { EARLY_HANG_UP_MS, type PhoneBehavior, REPLACED_CALL_END_MS } from '../phones/behavior.ts';
import type { Timeline } from '../timing/clock.ts';
import { hangUp } from './hang-up.ts';
import { type CallOutcome, type CallRequest, placeCall, type ReplacedLeg } from './place-call.ts';
import { reachPhone } from './reach-phone.ts';
import { isSuccess, REQUEST_TERMINATED } from './ring-phone.ts';
import { raiseNotify, raiseResult, raiseStart, type TransferringDialog } from './transfer-events.ts';

/** A REFER: which leg gets it, and the call that it asks for. */
export type Refer = {
  readonly dialog: Dialog;
  readonly leg: Leg;
  /** The URI in Refer-To, with the parameter `osid` if it has one. */
  readonly target: string;
  /** The party of another call in the Replaces of Refer-To, for an attended transfer. */
  readonly replaced?: ReplacedLeg | undefined;
};

/** The phone's answer to a REFER, and the call that it then places. */
export type ReferAnswer = {
  /** The final response; undefined if none came within `fr_timeout`. */
  readonly status: string | undefined;
  /** Undefined if the phone places no call. */
  readonly outcome?: Promise<CallOutcome | undefined>;
};

/** The phone that gets the REFER. */
type Transferee = { readonly user: string; readonly behavior: PhoneBehavior };

/** Sends the REFER. Resolves with the phone's answer, and simulates everything that follows. */
export async function sendRefer(opensips: OpenSips, refer: Refer): Promise<ReferAnswer> {
  const { user } = refer.dialog[refer.leg];
  if (user === undefined) return { status: '200 OK' }; // OpenSIPS's own leg: the script answers.
  const behavior = opensips.behaviorOf(user);
  const timeline = opensips.clock.timeline();
  if (!(await reachPhone(opensips, timeline, user))) return { status: undefined };
  if (behavior.refusesRefer) return { status: '603 Decline' };
  if (behavior.ignoresRefer) return { status: '202 Accepted' };
  return { status: '202 Accepted', outcome: followRefer(opensips, timeline, refer, { user, behavior }) };
}

/** Resolves with the outcome of the new call; undefined if the phone is frozen before it places the call. */
async function followRefer(
  opensips: OpenSips,
  timeline: Timeline,
  refer: Refer,
  { user, behavior }: Transferee,
): Promise<CallOutcome | undefined> {
  const { dialog, leg, target, replaced } = refer;
  raiseNotify(opensips, refer, '100 Trying');
  await timeline.wait(opensips.delays.transferReply + opensips.delays.newCallInvite);
  if (behavior.firstLeg === 'hang up early') {
    hangUp(opensips, dialog, leg);
    await timeline.wait(EARLY_HANG_UP_MS);
  }
  if (opensips.frozenPhones.has(user)) return undefined;
  const request: CallRequest = {
    caller: user,
    from: selectFromUri(opensips, refer, { user, behavior }),
    target,
    transferredFrom: dialog.callid,
    replaces: behavior.ignoresReplaces ? undefined : replaced,
  };
  return placeReferredCall(opensips, timeline, refer, { request, behavior });
}

async function placeReferredCall(
  opensips: OpenSips,
  timeline: Timeline,
  refer: Refer,
  { request, behavior }: { readonly request: CallRequest; readonly behavior: PhoneBehavior },
): Promise<CallOutcome> {
  const { dialog, leg } = refer;
  const { delays } = opensips;
  const { replaces } = request;
  let transferring: TransferringDialog[] = [];
  const hangUpFirstLeg = async () => {
    if (behavior.firstLeg !== 'hang up') return;
    await timeline.wait(delays.firstLegHangUp);
    hangUp(opensips, dialog, leg);
  };
  const outcome = await placeCall(opensips, timeline, request, {
    onForwarded: async ({ callid }, destination, target) => {
      transferring = raiseStart(opensips, { callid, destination, target, replaces });
      await hangUpFirstLeg();
    },
    onRinging: () => {
      if (behavior.notifiesRinging) void notifyLater(opensips, refer, '180 Ringing');
    },
    onFinalReply: async (status) => {
      await timeline.wait(isSuccess(status) ? delays.transferOk : delays.transferFail);
      for (const subject of transferring.toReversed()) raiseResult(opensips, subject, status);
    },
  });
  const { status, refusedByScript } = outcome;
  if (refusedByScript) await hangUpFirstLeg();
  if (replaces !== undefined && isSuccess(status)) void endReplacedCall(opensips, replaces);
  // A phone that has canceled its call sends no NOTIFY about it (`caller-gives-up`).
  const hasCanceled = status === REQUEST_TERMINATED && behavior.cancelsAfterMs !== undefined;
  if (!hasCanceled) await notifyLater(opensips, refer, status);
  return outcome;
}

async function notifyLater(opensips: OpenSips, refer: Refer, status: string): Promise<void> {
  await opensips.clock.timeline().wait(opensips.delays.transferNotify);
  raiseNotify(opensips, refer, status);
}

function selectFromUri(opensips: OpenSips, { dialog, leg }: Refer, { user, behavior }: Transferee): string {
  if (leg === 'callee' && behavior.copiesCalledUri) return dialog.to;
  return `sip:${user}@${opensips.sipAddress}`;
}

/** The phone that has got the INVITE with Replaces ends the replaced call (`attended`). */
async function endReplacedCall(opensips: OpenSips, { dialog, leg }: ReplacedLeg): Promise<void> {
  await opensips.clock.timeline().wait(REPLACED_CALL_END_MS);
  hangUp(opensips, dialog, leg);
}
