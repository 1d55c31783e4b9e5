/** The MI commands of the dialog module, measured on OpenSIPS 3.6.8 and 4.0.1. @module */
import { endByMi } from '../calls/hang-up.ts';
import { isActive } from '../opensips/dialog.ts';
import type { OpenSips } from '../opensips/opensips.ts';
import { integerParam, type MiCommand, MiError, type Params, stringParam } from './command.ts';
import { describeDialog } from './dialog-listing.ts';
import { SEQUENTIAL_COMMAND } from './sequential-command.ts';

export const DIALOG_COMMANDS: Readonly<Record<string, MiCommand>> = {
  dlg_list: {
    recipes: [[], ['callid'], ['callid', 'from_tag'], ['index', 'counter']],
    replyDelay: 'listReply',
    run: listDialogs,
  },
  dlg_end_dlg: {
    recipes: [['dialog_id'], ['dialog_id', 'extra_hdrs']],
    replyDelay: 'endReply',
    run: endDialog,
  },
  dlg_send_sequential: SEQUENTIAL_COMMAND,
};

function listDialogs(opensips: OpenSips, params: Params): unknown {
  if ('callid' in params) return { Dialog: listByCallId(opensips, params) };
  if ('index' in params)
    return listPage(opensips, integerParam(params, 'index'), integerParam(params, 'counter'));
  return { Dialogs: Array.from(opensips.dialogs.all(), (dialog) => describeDialog(opensips, dialog)) };
}

/** Looks at the first dialog only: if it has ended, another that stands is not found (mi_match_print_dlg in dlg_hash.c). */
function listByCallId(opensips: OpenSips, params: Params): unknown {
  const dialog = opensips.dialogs
    .allOf(stringParam(params, 'callid'))
    .find(({ caller }) => !('from_tag' in params) || caller.tag === params['from_tag']);
  if (dialog === undefined || !isActive(dialog)) throw new MiError(404, 'No such dialog');
  return describeDialog(opensips, dialog);
}

/** Lists `counter` dialogs from position `index`, in hash table order (internal_mi_print_dlgs in dlg_hash.c). */
function listPage(opensips: OpenSips, index: number, counter: number): unknown {
  if (counter === 0) return listDialogs(opensips, {});
  const page: unknown[] = [];
  let position = 0;
  for (const dialog of opensips.dialogs.all()) {
    if (position++ >= index) page.push(describeDialog(opensips, dialog));
    if (page.length === counter) break;
  }
  return { count: opensips.dialogs.size, Dialogs: page };
}

/** Accepts a dialog id or a Call-ID (get_dlg_by_dialog_id in dlg_hash.c). */
function endDialog(opensips: OpenSips, params: Params): unknown {
  const id = stringParam(params, 'dialog_id');
  const dialog = opensips.dialogs.findActiveById(id) ?? opensips.dialogs.findActive(id);
  if (dialog === undefined) throw new MiError(404, 'Requested Dialog not found');
  void endByMi(opensips, dialog);
  return 'OK';
}
