/** An accepted `call_transfer`: the phone gets a REFER, places a new call, and sends NOTIFYs about it. @module */
import type { Dialog } from '../opensips/dialog.ts';
import { endDialog, type OpenSips } from '../opensips/opensips.ts';
import { EARLY_HANG_UP_MS, type PhoneBehavior, REPLACED_CALL_END_MS } from '../phones/behavior.ts';
import type { Timeline } from '../timing/clock.ts';
import { type CallRequest, placeCall } from './place-call.ts';
import { isSuccess, REQUEST_TERMINATED } from './ring-phone.ts';
import {
  raiseNotify,
  raiseResult,
  raiseStart,
  type Transfer,
  type TransferringDialog,
} from './transfer-events.ts';

export type { Transfer } from './transfer-events.ts';

/** The phone that gets the REFER, and the call that it then places. */
type ReferredCall = {
  readonly request: CallRequest;
  readonly user: string;
  readonly behavior: PhoneBehavior;
};

/** Sends the REFER and simulates everything that follows. */
export async function sendRefer(opensips: OpenSips, transfer: Transfer): Promise<void> {
  const { dialog, leg, target, replaced } = transfer;
  const { user } = dialog[leg];
  const behavior = user === undefined ? undefined : opensips.behaviorOf(user);
  if (user === undefined || behavior === undefined || behavior.refusesRefer) return;

  const timeline = opensips.clock.timeline();
  raiseNotify(opensips, transfer, '100 Trying');
  await timeline.wait(opensips.delays.transferReply + opensips.delays.newCallInvite);
  if (behavior.firstLeg === 'hang up early') {
    hangUp(opensips, dialog, user);
    await timeline.wait(EARLY_HANG_UP_MS);
  }
  const request: CallRequest = {
    caller: user,
    from: selectFromUri(opensips, transfer, user, behavior),
    target: replaced === undefined ? `${target};osid=${dialog.dialogId}` : target,
    transferredFrom: dialog.callid,
    replaces: replaced !== undefined,
  };
  await placeReferredCall(opensips, timeline, transfer, { request, user, behavior });
}

async function placeReferredCall(
  opensips: OpenSips,
  timeline: Timeline,
  transfer: Transfer,
  { request, user, behavior }: ReferredCall,
): Promise<void> {
  const { dialog, replaced } = transfer;
  const { delays } = opensips;
  let transferring: TransferringDialog[] = [];
  const hangUpFirstLeg = () => {
    if (behavior.firstLeg === 'hang up') hangUp(opensips, dialog, user);
  };
  const { call, status, refusedByScript } = await placeCall(opensips, timeline, request, {
    onForwarded: async (call, destination) => {
      transferring = raiseStart(opensips, transfer, call, destination);
      if (behavior.firstLeg !== 'hang up') return;
      await timeline.wait(delays.firstLegHangUp);
      hangUpFirstLeg();
    },
    onRinging: () => {
      if (behavior.notifiesRinging) void notifyLater(opensips, transfer, '180 Ringing');
    },
    onFinalReply: async (status) => {
      await timeline.wait(isSuccess(status) ? delays.transferOk : delays.transferFail);
      for (const subject of transferring.toReversed()) raiseResult(opensips, subject, status);
    },
  });
  if (refusedByScript) {
    await timeline.wait(delays.firstLegHangUp);
    hangUpFirstLeg();
  }
  if (replaced !== undefined && isSuccess(status))
    void endReplacedCall(opensips, replaced.dialog, call.callee.user);
  // A phone that has canceled its call sends no NOTIFY about it (`caller-gives-up`).
  const hasCanceled = status === REQUEST_TERMINATED && behavior.cancelsAfterMs !== undefined;
  if (!hasCanceled) await notifyLater(opensips, transfer, status);
}

async function notifyLater(opensips: OpenSips, transfer: Transfer, status: string): Promise<void> {
  await opensips.clock.timeline().wait(opensips.delays.transferNotify);
  raiseNotify(opensips, transfer, status);
}

function selectFromUri(
  opensips: OpenSips,
  { dialog, leg }: Transfer,
  user: string,
  behavior: PhoneBehavior,
): string {
  if (leg === 'callee' && behavior.copiesCalledUri) return dialog.to;
  return `sip:${user}@${opensips.sipAddress}`;
}

/** The callee's phone ends the replaced call (`attended`). */
async function endReplacedCall(opensips: OpenSips, dialog: Dialog, user: string | undefined): Promise<void> {
  await opensips.clock.timeline().wait(REPLACED_CALL_END_MS);
  hangUp(opensips, dialog, user ?? '');
}

const hangUp = (opensips: OpenSips, dialog: Dialog, user: string): void =>
  endDialog(opensips, dialog, `phone ${user}`, 'BYE');
