/** The MI commands of the tm (transaction) module, measured on OpenSIPS 3.6.8. @module */
import { inviteFirstLeg } from '../calls/first-leg.ts';
import type { OpenSips } from '../opensips/opensips.ts';
import { parseHeaders } from '../sip/sip-text.ts';
import { type MiCommand, MiError, type Params, stringParam } from './command.ts';

const REQUIRED_PARAMS = ['method', 'ruri', 'headers'];

export const TM_COMMANDS: Readonly<Record<string, MiCommand>> = {
  t_uac_dlg: {
    recipes: [
      REQUIRED_PARAMS,
      [...REQUIRED_PARAMS, 'next_hop'],
      [...REQUIRED_PARAMS, 'body'],
      [...REQUIRED_PARAMS, 'next_hop', 'body'],
    ],
    run: callPhone,
  },
  t_uac_cancel: { recipes: [['callid', 'cseq']], run: cancelTransaction },
};

function callPhone(opensips: OpenSips, params: Params): unknown {
  const method = stringParam(params, 'method');
  const headers = parseHeaders(stringParam(params, 'headers'));
  const body = 'body' in params ? stringParam(params, 'body') : undefined;
  if (body && !headers.has('content-type')) throw new MiError(400, 'Content-Type missing');
  if (body && headers.has('content-length')) throw new MiError(400, 'Content-Length disallowed');
  if (!headers.has('to')) throw new MiError(400, 'To missing');
  if (!headers.has('from')) throw new MiError(400, 'From missing');
  const cseq = headers.get('cseq');
  if (cseq !== undefined && cseq.split(/\s+/)[1] !== method) throw new MiError(400, 'CSeq method mismatch');
  // Only calls are simulated: no trace shows what phones answer to other requests.
  if (method !== 'INVITE') return { Status: '405 Method Not Allowed', Message: '' };
  return inviteFirstLeg(opensips, {
    ruri: stringParam(params, 'ruri'),
    headers,
    body,
    isThroughScript: 'next_hop' in params,
  });
}

/** Finds no transaction, even if there is one (`caller-cancel`). */
function cancelTransaction(): never {
  throw new MiError(481, 'No such transaction');
}
