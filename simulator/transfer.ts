/** What follows on an accepted `call_transfer`: the phone gets a REFER, begins a new call, and notifies of it. */
import type { Timeline } from './clock.ts';
import type { Dialog } from './dialog.ts';
import { EARLY_MS, type Manner, REPLACED_ENDS_MS } from './manners.ts';
import { type NewCall, placeCall } from './new-call.ts';
import { endDialog, type Opensips } from './opensips.ts';
import { isAnswer, TERMINATED } from './ring.ts';
import { begin, finish, notify, type Told, type Transfer } from './transfer-events.ts';

export type { Transfer } from './transfer-events.ts';

/** Sends the REFER; all the rest happens by itself. */
export async function refer(opensips: Opensips, transfer: Transfer): Promise<void> {
  const { dialog, leg, target, replaced } = transfer;
  const { user } = dialog[leg];
  const manner = user === undefined ? undefined : opensips.mannerOf(user);
  if (user === undefined || manner === undefined || manner.refusesRefer) return;

  const time = opensips.clock.timeline();
  notify(opensips, transfer, '100 Trying');
  await time.pass(opensips.gaps.transferReply + opensips.gaps.newCall);
  if (manner.firstLeg === 'hangs up early') {
    hangUp(opensips, dialog, user);
    await time.pass(EARLY_MS);
  }
  const wanted: NewCall = {
    caller: user,
    from: fromOf(opensips, transfer, user, manner),
    target: replaced === undefined ? `${target};osid=${dialog.dialogId}` : target,
    transferredFrom: dialog.callid,
    replaces: replaced !== undefined,
  };
  await followNewCall(opensips, time, transfer, { wanted, user, manner });
}

async function followNewCall(
  opensips: Opensips,
  time: Timeline,
  transfer: Transfer,
  { wanted, user, manner }: { wanted: NewCall; user: string; manner: Manner },
): Promise<void> {
  const { dialog, replaced } = transfer;
  const { gaps } = opensips;
  let told: Told[] = [];
  const leave = () => {
    if (manner.firstLeg === 'hangs up') hangUp(opensips, dialog, user);
  };
  const { call, status, byScript } = await placeCall(opensips, time, wanted, {
    forwarded: async (call, destination) => {
      told = begin(opensips, transfer, call, destination);
      if (manner.firstLeg !== 'hangs up') return;
      await time.pass(gaps.firstLegEnds);
      leave();
    },
    ringing: () => {
      if (manner.notifiesRinging) void notifyLater(opensips, transfer, '180 Ringing');
    },
    final: async (status) => {
      await time.pass(isAnswer(status) ? gaps.ok : gaps.fail);
      for (const one of told.toReversed()) finish(opensips, one, status);
    },
  });
  if (byScript) {
    await time.pass(gaps.firstLegEnds);
    leave();
  }
  if (replaced !== undefined && isAnswer(status))
    void endReplaced(opensips, replaced.dialog, call.callee.user);
  // One that has cancelled its call has no more to tell (`caller-gives-up`).
  const gaveUp = status === TERMINATED && manner.givesUpAfterMs !== undefined;
  if (!gaveUp) await notifyLater(opensips, transfer, status);
}

async function notifyLater(opensips: Opensips, transfer: Transfer, status: string): Promise<void> {
  await opensips.clock.timeline().pass(opensips.gaps.notify);
  notify(opensips, transfer, status);
}

function fromOf(opensips: Opensips, { dialog, leg }: Transfer, user: string, manner: Manner): string {
  if (leg === 'callee' && manner.copiesCalledUri) return dialog.to;
  return `sip:${user}@${opensips.sip}`;
}

/** The callee's phone ends the call that was replaced (`attended`). */
async function endReplaced(opensips: Opensips, dialog: Dialog, user: string | undefined): Promise<void> {
  await opensips.clock.timeline().pass(REPLACED_ENDS_MS);
  hangUp(opensips, dialog, user ?? '');
}

const hangUp = (opensips: Opensips, dialog: Dialog, user: string): void =>
  endDialog(opensips, dialog, `phone ${user}`, 'BYE');
