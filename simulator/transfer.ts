/** What follows on an accepted `call_transfer`: the phone gets a REFER, begins a new call and tells of it (callops). */
import type { Timeline } from './clock.ts';
import { type Dialog, isAlive, type Leg } from './dialog.ts';
import { EARLY_MS, type Manner, REPLACED_ENDS_MS } from './manners.ts';
import { type NewCall, placeCall } from './new-call.ts';
import { endDialog, type Opensips, release, retain } from './opensips.ts';
import { isAnswer, TERMINATED } from './ring.ts';

/** Who gets the REFER, and for what. */
export type Transfer = {
  readonly dialog: Dialog;
  readonly leg: Leg;
  /** The URI in Refer-To. */
  readonly target: string;
  /** The other call of an attended transfer, and its leg that is to be replaced. */
  readonly replaced?: { readonly dialog: Dialog; readonly leg: Leg };
};

/** Sends the REFER; all the rest happens by itself. */
export async function refer(opensips: Opensips, transfer: Transfer): Promise<void> {
  const { dialog, leg, target, replaced } = transfer;
  const { user } = dialog[leg];
  const manner = user === undefined ? undefined : opensips.mannerOf(user);
  if (user === undefined || manner === undefined || manner.refusesRefer) return;

  const time = opensips.clock.timeline();
  notify(opensips, transfer, '100 Trying');
  await time.pass(opensips.gaps.newCall);
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
  if (byScript) leave();
  if (replaced !== undefined && isAnswer(status)) void endReplaced(opensips, replaced.dialog, call.callee.user);
  if (status !== TERMINATED) await notifyLater(opensips, transfer, status);
}

/** A dialog whose clients are told how its transfer goes. */
type Told = { readonly dialog: Dialog; readonly leg: Leg; readonly callid: string; readonly destination: string };

/** `start`: for each dialog concerned that still stands. One that has ended cannot be matched (`start-unmatched`). */
function begin(opensips: Opensips, transfer: Transfer, call: Dialog, destination: string): Told[] {
  const { dialog, leg, replaced } = transfer;
  const concerned = [{ dialog, leg }, ...(replaced === undefined ? [] : [replaced])];
  const told = concerned
    .filter((one) => isAlive(one.dialog))
    .map((one) => ({ ...one, callid: call.callid, destination }));
  for (const one of told) {
    retain(one.dialog);
    one.dialog.transferLeg = one.leg;
    one.dialog.transferCallid = call.callid;
    // A blind transfer's `start` has the new Call-ID where the leg should be: callops 3.6.8 reuses a buffer.
    const shown = replaced === undefined ? call.callid : one.leg;
    raiseTransfer(opensips, one.dialog, shown, destination, 'start', '');
  }
  return told;
}

function finish(opensips: Opensips, { dialog, leg, destination }: Told, status: string): void {
  raiseTransfer(opensips, dialog, leg, destination, isAnswer(status) ? 'ok' : 'fail', status);
  dialog.transferLeg = '';
  release(opensips, dialog);
}

/** The phone's NOTIFY within the first dialog. It is an event only while callops knows of a new call. */
function notify(opensips: Opensips, { dialog, leg }: Transfer, status: string): void {
  if (!isAlive(dialog)) return;
  const party = dialog[leg];
  // The first NOTIFY of the scripted phones has CSeq 100 (`caller-gives-up`: callee_cseq).
  party.cseq = Math.max(party.cseq + 1, 100);
  if (dialog.transferCallid !== undefined) {
    raiseTransfer(opensips, dialog, dialog.transferLeg ?? '', '', 'notify', status);
  }
}

async function notifyLater(opensips: Opensips, transfer: Transfer, status: string): Promise<void> {
  await opensips.clock.timeline().pass(opensips.gaps.notify);
  notify(opensips, transfer, status);
}

function raiseTransfer(
  opensips: Opensips,
  dialog: Dialog,
  leg: string,
  destination: string,
  state: 'start' | 'notify' | 'ok' | 'fail',
  status: string,
): void {
  const { callid, transferCallid } = dialog;
  opensips.raise('E_CALL_TRANSFER', { callid, leg, transfer_callid: transferCallid, destination, state, status });
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
