/** The INVITE that calls the caller's phone. @module */
import type { Params } from '../methods.ts';
import type { MiCommand } from '../mi.ts';
import { headerLines, quotedString } from '../sip-text.ts';

/** An offer that asks the phone for nothing: the REFER brings the real one. As upstream sends it. */
const SDP = [
  'v=0',
  'o=click-to-dial 0 0 IN IP4 0.0.0.0',
  's=session',
  'c=IN IP4 0.0.0.0',
  't=0 0',
  'm=audio 9 RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
  '',
].join('\r\n');

/** What a phone is asked for with the call. */
export type Wishes = Pick<Params<'CallStart'>, 'display' | 'auto_answer' | 'headers'>;

/**
 * The INVITE as upstream sends it, but for the Contact: it points at OpenSIPS, which answers for this leg. With
 * `next_hop` it passes the routing script, without which there is no dialog and no event. What the client wishes
 * comes after all that upstream sends.
 */
export function invite(
  caller: string,
  callee: string,
  nextHop: string,
  callid: string,
  { display, auto_answer: autoAnswer = false, headers = {} }: Wishes,
): Extract<MiCommand, { method: 't_uac_dlg' }> {
  const host = hostPortOf(nextHop);
  const lines = [
    `From: ${display === undefined ? '' : `${quotedString(display)} `}<${caller}>`,
    `To: <${callee}>`,
    `Contact: <${host.replace(':', ':call-api@')}>`,
    'Content-Type: application/sdp',
    'CSeq: 1 INVITE',
    `Call-Id: ${callid}`,
    ...(autoAnswer ? answerAtOnce(host) : []),
    ...headerLines(headers),
    '',
  ];
  return {
    method: 't_uac_dlg',
    params: { method: 'INVITE', ruri: caller, next_hop: nextHop, headers: lines.join('\r\n'), body: SDP },
  };
}

/**
 * Two headers, because phones differ and no RFC has either: Snom, Grandstream, Gigaset, AudioCodes and baresip read
 * `answer-after` of Call-Info; Yealink, Aastra, OpenStage, and again Gigaset, AudioCodes and baresip read
 * `info=alert-autoanswer` of Alert-Info, some with `delay`. Most of them must have been allowed to.
 */
function answerAtOnce(host: string): string[] {
  return [
    `Call-Info: <${host}>;answer-after=0`,
    // The grammar wants a URI where only `info` is meant. Some phones fetch it, so it is nobody else's.
    `Alert-Info: <${host}>;info=alert-autoanswer;delay=0`,
  ];
}

/** A SIP URI without its user and parameters. */
function hostPortOf(uri: string): string {
  return uri.replace(/^(sips?:)(?:[^@]*@)?([^;?]+).*$/i, '$1$2');
}
