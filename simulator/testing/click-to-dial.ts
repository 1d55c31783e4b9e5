/** The requests of a click to dial, as every trace has them. */
import type { Peer } from './peer.ts';

const SIP = '127.0.0.1:5060';

/** An offer that real phones take too; one without a codec is refused with 488. */
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

/** The parameters of `t_uac_dlg`: call `from` first, to be sent to `to` afterwards. */
export function uac(callid: string, from: string, to: string): Record<string, string> {
  const headers = [
    `From: <sip:${from}@${SIP}>`,
    `To: <sip:${to}@${SIP}>`,
    `Contact: <sip:call-api@${SIP}>`,
    'Content-Type: application/sdp',
    'CSeq: 1 INVITE',
    `Call-Id: ${callid}`,
  ];
  return {
    method: 'INVITE',
    ruri: `sip:${from}@${SIP}`,
    next_hop: `sip:${SIP}`,
    headers: `${headers.join('\r\n')}\r\n`,
    body: OFFER,
  };
}

/** The parameters of a blind `call_transfer` of the callee. */
export const transfer = (callid: string, to: string): Record<string, string> => ({
  callid,
  leg: 'callee',
  destination: `sip:${to}@${SIP}`,
});

/** Calls `from`, sends it to `to` when the first leg is acknowledged, and resolves with the last transfer event. */
export async function clickToDial(peer: Peer, callid: string, from: string, to: string): Promise<unknown> {
  await peer.ask('t_uac_dlg', uac(callid, from, to));
  const about = (name: string) => peer.events(name).filter((event) => event['callid'] === callid);
  await peer.until(() => about('E_DLG_STATE_CHANGED').some((event) => event['new_state'] === 4));
  await peer.ask('call_transfer', transfer(callid, to));
  const last = () => about('E_CALL_TRANSFER').find(({ state }) => state === 'ok' || state === 'fail');
  await peer.until(() => last() !== undefined);
  return last();
}
