/**
 * `dlg_send_sequential`, which sends any request within a dialog (dialog.c and dlg_req_within.c), measured on OpenSIPS
 * 3.4.18, 3.6.8 and 4.0.1.
 * @module
 */
import { requestPhone } from '../calls/in-dialog-request.ts';
import { type Dialog, type Leg, otherLeg } from '../opensips/dialog.ts';
import { sdpTowards } from '../opensips/media-relay.ts';
import type { OpenSips } from '../opensips/opensips.ts';
import { parseHeaders } from '../sip/sip-text.ts';
import { type MiCommand, MiError, type Params, stringParam } from './command.ts';

export const SEQUENTIAL_COMMAND: MiCommand = {
  recipes: [
    ['callid'],
    ['callid', 'mode'],
    ['callid', 'method'],
    ['callid', 'body'],
    ['callid', 'mode', 'method'],
    ['callid', 'mode', 'body'],
    ['callid', 'method', 'body'],
    ['callid', 'method', 'body', 'mode'],
  ],
  recipesSince36: [['callid', 'method', 'body', 'mode', 'headers']],
  replyDelay: 'sequentialReply',
  run: sendSequential,
};

/** Replies with the phone's final response, even if it is a refusal. */
async function sendSequential(opensips: OpenSips, params: Params): Promise<unknown> {
  const callid = stringParam(params, 'callid');
  const { leg, challenges } = parseMode(optionalParam(params, 'mode') ?? 'caller');
  const method = optionalParam(params, 'method') ?? 'INVITE';
  const headers = parseHeaders(optionalParam(params, 'headers') ?? '');
  const body = parseBody(optionalParam(params, 'body') ?? 'none');
  if (challenges && !/^(?:UPDATE|INVITE)$/i.test(method)) throw new MiError(406, 'Not Acceptable');
  const dialog = opensips.dialogs.findActive(callid);
  if (dialog === undefined) throw new MiError(404, 'Dialog Not Found');
  // Before a provisional response there is no tag to which to send it.
  if (dialog[leg].tag === undefined) throw new MiError(500, 'Internal Error');

  const request = { method, leg, headers, body: selectBody(opensips, dialog, { leg, body }) };
  const status = await requestPhone(opensips, dialog, request);
  if (status === undefined) throw new MiError(408, 'Request Timeout');
  return { Code: Number.parseInt(status, 10), Reason: status.slice(4) };
}

const optionalParam = (params: Params, name: string): string | undefined =>
  name in params ? stringParam(params, name) : undefined;

/** The leg is where the request goes (mi_parse_mode). */
function parseMode(mode: string): { leg: Leg; challenges: boolean } {
  const challenges = /^challenge/i.test(mode);
  const leg = (challenges ? mode.slice('challenge '.length) || 'caller' : mode).toLowerCase();
  if (leg !== 'caller' && leg !== 'callee') throw new MiError(400, 'Invalid mode');
  return { leg, challenges };
}

type Body =
  | { readonly kind: 'none' | 'inbound' | 'outbound' }
  | { readonly kind: 'custom'; readonly text: string };

/** Any character may follow `custom`; without a content type there is no body (mi_parse_body_mode). */
function parseBody(body: string): Body {
  const kind = body.toLowerCase();
  if (kind === 'none' || kind === 'inbound' || kind === 'outbound') return { kind };
  if (body.length < 10 || !kind.startsWith('custom')) throw new MiError(400, 'Invalid body mode');
  const colon = body.indexOf(':', 'custom:'.length);
  return colon < 0 ? { kind: 'none' } : { kind: 'custom', text: body.slice(colon + 1) };
}

/** `inbound` is what the other leg sent, `outbound` what OpenSIPS made of it. */
function selectBody(
  opensips: OpenSips,
  dialog: Dialog,
  { leg, body }: { readonly leg: Leg; readonly body: Body },
): string | undefined {
  if (body.kind === 'custom') return body.text;
  if (body.kind === 'none') return undefined;
  return body.kind === 'inbound' ? dialog[otherLeg(leg)].sdp : sdpTowards(opensips, dialog, leg);
}
