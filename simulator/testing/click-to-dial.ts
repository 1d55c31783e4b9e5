/** The MI requests of a click-to-dial call, as in every trace. @module */
import type { TestClient } from './test-client.ts';

const SIP_ADDRESS = '127.0.0.1:5060';

/** An offer that real phones accept too: they refuse one without a codec with 488. */
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

/** Returns the parameters of the `t_uac_dlg` that calls `from`, whose call is to be transferred to `to`. */
export function uacParams(callid: string, from: string, to: string): Record<string, string> {
  const headers = [
    `From: <sip:${from}@${SIP_ADDRESS}>`,
    `To: <sip:${to}@${SIP_ADDRESS}>`,
    `Contact: <sip:call-api@${SIP_ADDRESS}>`,
    'Content-Type: application/sdp',
    'CSeq: 1 INVITE',
    `Call-Id: ${callid}`,
  ];
  return {
    method: 'INVITE',
    ruri: `sip:${from}@${SIP_ADDRESS}`,
    next_hop: `sip:${SIP_ADDRESS}`,
    headers: `${headers.join('\r\n')}\r\n`,
    body: OFFER,
  };
}

/** Returns the parameters of a blind `call_transfer` of the callee. */
export const transferParams = (callid: string, to: string): Record<string, string> => ({
  callid,
  leg: 'callee',
  destination: `sip:${to}@${SIP_ADDRESS}`,
});

/**
 * Calls `from` and transfers it to `to` when the first leg is acknowledged. Resolves with the last transfer event.
 */
export async function clickToDial(
  client: TestClient,
  callid: string,
  from: string,
  to: string,
): Promise<unknown> {
  await client.request('t_uac_dlg', uacParams(callid, from, to));
  const eventsOfCall = (name: string) => client.events(name).filter((event) => event['callid'] === callid);
  await client.waitFor(() => eventsOfCall('E_DLG_STATE_CHANGED').some((event) => event['new_state'] === 4));
  await client.request('call_transfer', transferParams(callid, to));
  const findResult = () =>
    eventsOfCall('E_CALL_TRANSFER').find(({ state }) => state === 'ok' || state === 'fail');
  await client.waitFor(() => findResult() !== undefined);
  return findResult();
}
