/** Builds the INVITE that calls the caller's phone. @module */
import type { OpenSipsFeatures } from '../../opensips/features.ts';
import type { MiCommand } from '../../opensips/mi.ts';
import type { CommandParams } from '../../protocol/rpc/commands.ts';
import { headerLines, quotedString } from '../../sip/sip-text.ts';
import { withTransport } from '../../sip/transport.ts';

/** The params of a CallStart that shape the INVITE. */
export type InviteParams = Pick<
  CommandParams<'CallStart'>,
  'caller' | 'callee' | 'display' | 'auto_answer' | 'headers'
>;

/**
 * Returns the MI command for the INVITE. `next_hop` routes it through the routing script, without which there would be no dialog
 * and no events. Two headers differ from upstream's. Contact points to OpenSIPS, because OpenSIPS handles requests of this
 * leg. From is the callee and To the caller, because some phones, such as baresip, take the address in To as their own and
 * show it to the callee later; `setUpFrom` restores upstream's. The headers for the client's options follow. The adapter adds
 * the body, the SDP offer.
 */
export function inviteCommand(
  nextHop: string,
  callid: string,
  { caller, callee, display, auto_answer: autoAnswer = false, headers = {} }: InviteParams,
  { setUpFrom, transport }: Pick<OpenSipsFeatures, 'setUpFrom' | 'transport'>,
): Extract<MiCommand, { method: 't_uac_dlg' }> {
  const host = hostPortOf(nextHop);
  const [from, to] = setUpFrom === 'caller' ? [caller, callee] : [callee, caller];
  const lines = [
    `From: ${display === undefined ? '' : `${quotedString(display)} `}<${from}>`,
    `To: <${to}>`,
    `Contact: <${withTransport(host.replace(':', ':call-api@'), transport)}>`,
    'Content-Type: application/sdp',
    'CSeq: 1 INVITE',
    `Call-Id: ${callid}`,
    ...(autoAnswer ? autoAnswerHeaders(host) : []),
    ...headerLines(headers),
    '',
  ];
  return {
    method: 't_uac_dlg',
    params: {
      method: 'INVITE',
      ruri: withTransport(caller, transport),
      next_hop: withTransport(nextHop, transport),
      headers: lines.join('\r\n'),
    },
  };
}

/**
 * Returns the headers that make a phone answer by itself. There are two, because phones differ and no RFC defines one.
 * Snom, Grandstream, Gigaset, AudioCodes and baresip read `answer-after` of Call-Info. Yealink, Aastra, OpenStage,
 * Gigaset, AudioCodes and baresip read `info=alert-autoanswer` of Alert-Info, some of them with `delay`. On most of them
 * the feature must be enabled.
 */
function autoAnswerHeaders(host: string): string[] {
  return [
    `Call-Info: <${host}>;answer-after=0`,
    // The grammar requires a URI, although only `info` matters. Some phones fetch it, so it is OpenSIPS's own.
    `Alert-Info: <${host}>;info=alert-autoanswer;delay=0`,
  ];
}

/** Returns a SIP URI without its user and parameters. */
function hostPortOf(uri: string): string {
  return uri.replace(/^(sips?:)(?:[^@]*@)?([^;?]+).*$/i, '$1$2');
}
