/** The SDP offer with which a CallStart calls the caller's phone. It stands here because the edge handles no SDP. Pure. @module */
import type { MiRequestParams } from './mi-message.ts';

/** The names of the command in OpenSIPS 3 and 4. */
const UAC_COMMANDS = ['t_uac_dlg', 'tm:uac_dlg'];

/** Upstream's SDP offer. It requests no media: the call that follows the REFER has its own offer. */
const OFFER = [
  'v=0',
  'o=click-to-dial 0 0 IN IP4 0.0.0.0',
  's=session',
  'c=IN IP4 0.0.0.0',
  't=0 0',
  'm=audio 9 RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
  '',
].join('\r\n');

/** Returns the params of an MI command, with the offer if it sends an INVITE without a body. */
export function withOffer(command: string, params: MiRequestParams): MiRequestParams {
  const isInvite = UAC_COMMANDS.includes(command) && params['method'] === 'INVITE';
  return isInvite && params['body'] === undefined ? { ...params, body: OFFER } : params;
}
