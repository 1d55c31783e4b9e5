/** The MI commands of the dialog module, measured on OpenSIPS 3.6.8. @module */
import { endByMi } from '../calls/hang-up.ts';
import type { OpenSips } from '../opensips/opensips.ts';
import { integerParam, type MiCommand, MiError, type Params, stringParam } from './command.ts';
import { describeDialog } from './dialog-listing.ts';

export const DIALOG_COMMANDS: Readonly<Record<string, MiCommand>> = {
  dlg_list: {
    recipes: [[], ['callid'], ['callid', 'from_tag'], ['index', 'counter']],
    replyDelay: 'listReply',
    run: listDialogs,
  },
  dlg_end_dlg: { recipes: [['dialog_id']], replyDelay: 'endReply', run: endDialog },
};

function listDialogs(opensips: OpenSips, params: Params): unknown {
  if ('callid' in params) return { Dialog: listByCallId(opensips, params) };
  if ('index' in params)
    return listPage(opensips, integerParam(params, 'index'), integerParam(params, 'counter'));
  return { Dialogs: Array.from(opensips.dialogs.all(), (dialog) => describeDialog(opensips, dialog)) };
}

function listByCallId(opensips: OpenSips, params: Params): unknown {
  const dialog = opensips.dialogs.findActive(stringParam(params, 'callid'));
  const hasTag = !('from_tag' in params) || dialog?.caller.tag === params['from_tag'];
  if (dialog === undefined || !hasTag) throw new MiError(404, 'No such dialog');
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

/** OpenSIPS accepts a Call-ID or a dialog id; the traces have only Call-IDs. */
function endDialog(opensips: OpenSips, params: Params): unknown {
  const dialog = opensips.dialogs.findActive(stringParam(params, 'dialog_id'));
  if (dialog === undefined) throw new MiError(404, 'Requested Dialog not found');
  void endByMi(opensips, dialog);
  return 'OK';
}
