/** The MI commands of the callops module, measured on OpenSIPS 3.6.8 and 4.0.1. @module */
import { changeHold, type HoldAction } from '../calls/hold.ts';
import type { ReplacedLeg } from '../calls/place-call.ts';
import { isSuccess } from '../calls/ring-phone.ts';
import { type Refer, sendRefer } from '../calls/transfer.ts';
import { DIALOG_STATE, type Dialog, type Leg } from '../opensips/dialog.ts';
import type { OpenSips } from '../opensips/opensips.ts';
import { type MiCommand, MiError, type Params, serverError, stringParam } from './command.ts';

const HOLD_RECIPES = {
  recipes: [['callid']],
  recipesSince4: [
    ['callid', 'leg'],
    ['callid', 'leg', 'headers'],
  ],
  replyDelay: 'holdReply',
} as const;

export const CALLOPS_COMMANDS: Readonly<Record<string, MiCommand>> = {
  call_transfer: {
    recipes: [
      ['callid', 'leg', 'destination'],
      ['callid', 'leg', 'transfer_callid', 'transfer_leg'],
      ['callid', 'leg', 'transfer_callid', 'transfer_leg', 'destination'],
    ],
    replyDelay: 'transferReply',
    run: transferCall,
  },
  call_hold: { ...HOLD_RECIPES, run: holdCommand('hold', 'Both dialog legs are on hold') },
  call_unhold: { ...HOLD_RECIPES, run: holdCommand('unhold', 'No dialog legs on hold') },
};

function transferCall(opensips: OpenSips, params: Params): unknown {
  const leg = legParam(params, 'leg');
  const replaced = findReplacedLeg(opensips, params);
  const dialog = findDialog(opensips, params, 'callid', 'Dialog not found');
  // callops tests whether the length of its dialog value is >= 0, so a finished transfer is refused like a pending one.
  if (dialog.transferLeg !== undefined) throw new MiError(491, 'Request Pending');
  if (dialog.state < DIALOG_STATE.answered) throw serverError('Command handler returned null');
  dialog.transferLeg = leg;
  dialog.handlesNotify = true;
  if (replaced !== undefined) replaced.dialog.transferCallid = dialog.callid;
  const uri = selectTarget(params, replaced);
  const target = replaced === undefined ? `${uri};osid=${dialog.dialogId}` : uri;
  void sendTransfer(opensips, { dialog, leg, target, replaced });
  return 'Accepted';
}

/** No event tells the phone's answer to the REFER (mi_call_transfer_reply in callops.c). */
async function sendTransfer(opensips: OpenSips, refer: Refer): Promise<void> {
  const { status } = await sendRefer(opensips, refer);
  if (status === undefined || !isSuccess(status)) refer.dialog.transferLeg = '';
}

function findReplacedLeg(opensips: OpenSips, params: Params): ReplacedLeg | undefined {
  if (!('transfer_callid' in params)) return undefined;
  const leg = legParam(params, 'transfer_leg');
  return { leg, dialog: findDialog(opensips, params, 'transfer_callid', 'Transfer dialog not found') };
}

/** For an attended transfer, returns the leg's URI in the other call (mi_call_attended_transfer in callops.c). */
function selectTarget(params: Params, replaced: ReplacedLeg | undefined): string {
  if (replaced === undefined || 'destination' in params) return stringParam(params, 'destination');
  return replaced.leg === 'caller' ? replaced.dialog.from : replaced.dialog.to;
}

function legParam(params: Params, name: string): Leg {
  const leg = stringParam(params, name);
  if (leg !== 'caller' && leg !== 'callee') throw serverError('Failed to handle parameter');
  return leg;
}

/** Both legs get a re-INVITE, even if OpenSIPS 4.x is asked for one of them. */
function holdCommand(action: HoldAction, unchangedMessage: string): MiCommand['run'] {
  return (opensips, params) => {
    const dialog = findDialog(opensips, params, 'callid', 'Dialog not found');
    if (dialog.state < DIALOG_STATE.acknowledged) throw new MiError(410, 'Dialog not ready');
    if (changeHold(opensips, dialog, action).length === 0) throw new MiError(480, unchangedMessage);
    return 'OK';
  };
}

function findDialog(opensips: OpenSips, params: Params, name: string, notFoundMessage: string): Dialog {
  const dialog = opensips.dialogs.findActive(stringParam(params, name));
  if (dialog === undefined) throw new MiError(404, notFoundMessage);
  return dialog;
}
