/** The transaction module's commands (README, MI point 7). */
import { inviteFirstLeg } from '../first-leg.ts';
import type { Opensips } from '../opensips.ts';
import { parseHeaders } from '../sip.ts';
import { type Command, MiError, type Params, text } from './command.ts';

const REQUIRED = ['method', 'ruri', 'headers'];

export const TM: Readonly<Record<string, Command>> = {
  t_uac_dlg: {
    recipes: [REQUIRED, [...REQUIRED, 'next_hop'], [...REQUIRED, 'body'], [...REQUIRED, 'next_hop', 'body']],
    run: callPhone,
  },
  t_uac_cancel: { recipes: [['callid', 'cseq']], run: cancel },
};

function callPhone(opensips: Opensips, params: Params): unknown {
  const method = text(params, 'method');
  const headers = parseHeaders(text(params, 'headers'));
  const body = 'body' in params ? text(params, 'body') : undefined;
  if (body && !headers.has('content-type')) throw new MiError(400, 'Content-Type missing');
  if (body && headers.has('content-length')) throw new MiError(400, 'Content-Length disallowed');
  if (!headers.has('to')) throw new MiError(400, 'To missing');
  if (!headers.has('from')) throw new MiError(400, 'From missing');
  const cseq = headers.get('cseq');
  if (cseq !== undefined && cseq.split(/\s+/)[1] !== method) throw new MiError(400, 'CSeq method mismatch');
  // Only calls are simulated: what phones answer to other requests is in no trace.
  if (method !== 'INVITE') return { Status: '405 Method Not Allowed', Message: '' };
  return inviteFirstLeg(opensips, {
    ruri: text(params, 'ruri'),
    headers,
    body,
    throughScript: 'next_hop' in params,
  });
}

/** Finds no transaction, even where there is one (`caller-cancel`). */
function cancel(): never {
  throw new MiError(481, 'No such transaction');
}
