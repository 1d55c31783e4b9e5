/** callops' commands (README, MI points 8 to 10). */
import { type Dialog, type Leg, STATE } from '../dialog.ts';
import { changeHold, type HoldAction } from '../hold.ts';
import type { Opensips } from '../opensips.ts';
import { refer, type Transfer } from '../transfer.ts';
import { type Command, MiError, type Params, serverError, text } from './command.ts';

const HOLD_RECIPES = {
  recipes: [['callid']],
  recipesOf4: [
    ['callid', 'leg'],
    ['callid', 'headers'],
    ['callid', 'leg', 'headers'],
  ],
  takes: 'holdReply',
} as const;

export const CALLOPS: Readonly<Record<string, Command>> = {
  call_transfer: {
    recipes: [
      ['callid', 'leg', 'destination'],
      ['callid', 'leg', 'transfer_callid', 'transfer_leg'],
      ['callid', 'leg', 'transfer_callid', 'transfer_leg', 'destination'],
    ],
    takes: 'transferReply',
    run: transfer,
  },
  call_hold: { ...HOLD_RECIPES, run: hold('hold', 'Both dialog legs are on hold') },
  call_unhold: { ...HOLD_RECIPES, run: hold('unhold', 'No dialog legs on hold') },
};

function transfer(opensips: Opensips, params: Params): unknown {
  const leg = legIn(params, 'leg');
  const replaced = replacedIn(opensips, params);
  const dialog = aliveDialog(opensips, params, 'callid', 'Dialog not found');
  // callops compares the length of its mark with >= 0, so the mark of a transfer that is over refuses too.
  if (dialog.transferLeg !== undefined) throw new MiError(491, 'Request Pending');
  if (dialog.state < STATE.answered) throw serverError('Command handler returned null');
  dialog.transferLeg = leg;
  void refer(opensips, { dialog, leg, target: targetIn(params, replaced), ...(replaced && { replaced }) });
  return 'Accepted';
}

function replacedIn(opensips: Opensips, params: Params): Transfer['replaced'] {
  if (!('transfer_callid' in params)) return undefined;
  const leg = legIn(params, 'transfer_leg');
  return { leg, dialog: aliveDialog(opensips, params, 'transfer_callid', 'Transfer dialog not found') };
}

/** Of an attended transfer: the URI that the other call has for the leg (mi_call_attended_transfer in callops.c). */
function targetIn(params: Params, replaced: Transfer['replaced']): string {
  if (replaced === undefined || 'destination' in params) return text(params, 'destination');
  return replaced.leg === 'caller' ? replaced.dialog.from : replaced.dialog.to;
}

function legIn(params: Params, name: string): Leg {
  const leg = text(params, name);
  if (leg !== 'caller' && leg !== 'callee') throw serverError('Failed to handle parameter');
  return leg;
}

/** Both legs are re-INVITEd, also where 4.x is asked for one of them. */
function hold(action: HoldAction, nothingToDo: string): Command['run'] {
  return (opensips, params) => {
    const dialog = aliveDialog(opensips, params, 'callid', 'Dialog not found');
    if (dialog.state < STATE.acknowledged) throw new MiError(410, 'Dialog not ready');
    if (changeHold(opensips, dialog, action).length === 0) throw new MiError(480, nothingToDo);
    return 'OK';
  };
}

function aliveDialog(opensips: Opensips, params: Params, name: string, missing: string): Dialog {
  const dialog = opensips.dialogs.alive(text(params, name));
  if (dialog === undefined) throw new MiError(404, missing);
  return dialog;
}
