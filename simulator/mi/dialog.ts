/** The dialog module's commands (README, MI points 11 and 12). */
import { hangUpByMi } from '../hang-up.ts';
import type { Opensips } from '../opensips.ts';
import { type Command, MiError, type Params, text, wholeNumber } from './command.ts';
import { shownDialog } from './shown-dialog.ts';

export const DIALOG: Readonly<Record<string, Command>> = {
  dlg_list: {
    recipes: [[], ['callid'], ['callid', 'from_tag'], ['index', 'counter']],
    takes: 'listReply',
    run: list,
  },
  dlg_end_dlg: { recipes: [['dialog_id']], takes: 'endReply', run: end },
};

function list(opensips: Opensips, params: Params): unknown {
  if ('callid' in params) return { Dialog: one(opensips, params) };
  if ('index' in params) return page(opensips, wholeNumber(params, 'index'), wholeNumber(params, 'counter'));
  return { Dialogs: Array.from(opensips.dialogs.all(), (dialog) => shownDialog(opensips, dialog)) };
}

function one(opensips: Opensips, params: Params): unknown {
  const dialog = opensips.dialogs.alive(text(params, 'callid'));
  const sameTag = !('from_tag' in params) || dialog?.caller.tag === params['from_tag'];
  if (dialog === undefined || !sameTag) throw new MiError(404, 'No such dialog');
  return shownDialog(opensips, dialog);
}

/** `counter` dialogs from number `index` on, in the order of the hash table (internal_mi_print_dlgs in dlg_hash.c). */
function page(opensips: Opensips, index: number, counter: number): unknown {
  if (counter === 0) return list(opensips, {});
  const shown: unknown[] = [];
  let number = 0;
  for (const dialog of opensips.dialogs.all()) {
    if (number++ >= index) shown.push(shownDialog(opensips, dialog));
    if (shown.length === counter) break;
  }
  return { count: opensips.dialogs.size, Dialogs: shown };
}

/** OpenSIPS takes a Call-ID or a dialog's own id; only the Call-ID is in the traces. */
function end(opensips: Opensips, params: Params): unknown {
  const dialog = opensips.dialogs.alive(text(params, 'dialog_id'));
  if (dialog === undefined) throw new MiError(404, 'Requested Dialog not found');
  void hangUpByMi(opensips, dialog);
  return 'OK';
}
