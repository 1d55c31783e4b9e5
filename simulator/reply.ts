/** The result of `t_uac_dlg`: the final SIP reply as text, and what OpenSIPS has read from it. */
import type { Manner } from './manners.ts';
import { type Headers, randomHex, withoutDefaultPort } from './sip.ts';

/** README, MI point 7. A refusal has no more than the first and the last field. */
export type UacResult = {
  readonly Status: string;
  readonly RURI?: string;
  readonly 'Next-hop'?: string;
  readonly Routes?: readonly string[];
  readonly Message: string;
};

/** What a reply to the INVITE is made of. */
export type Response = {
  readonly sip: string;
  readonly version: string;
  readonly headers: Headers;
  readonly callid: string;
  readonly fromTag: string;
  readonly toTag: string;
  /** Of the dialog; undefined where the INVITE did not pass through the script, so that there is no Record-Route. */
  readonly dialogId: string | undefined;
  readonly contact: string;
  readonly make: Manner['make'];
};

/** The phone has answered. */
export function answerOf(response: Response, status: string, sdp: string): UacResult {
  const route = routeOf(response);
  return {
    Status: status,
    RURI: response.contact,
    'Next-hop': route ?? response.contact,
    Routes: route === undefined ? [] : [`<${route}>`],
    Message: messageOf(phoneHeaders(response), sdp),
  };
}

/** The phone has refused (`caller-rings-ended`). */
export function refusalOf(response: Response, status: string): UacResult {
  return { Status: status, Message: messageOf(phoneHeaders(response), '') };
}

/** The script refuses (tag `28de.`: `caller-404`), or tm has given up (`bcaa-`: `caller-silent`). */
export function ownRefusalOf(response: Response, status: string, tag: '28de.' | 'bcaa-'): UacResult {
  const own = { ...response, toTag: `${tag}${randomHex(32)}` };
  const lines = [via(own), to(own), from(own), callId(own), cseq(own), `Server: ${own.version}`];
  return { Status: status, Message: messageOf(lines, '') };
}

function phoneHeaders(response: Response): string[] {
  const route = routeOf(response);
  const recordRoute = route === undefined ? [] : [`Record-Route: <${route}>`];
  if (response.make === 'scripted') {
    const rest = [from(response), to(response), callId(response), cseq(response)];
    return [via(response), ...recordRoute, ...rest, `Contact: <${response.contact}>`];
  }
  return [
    ...recordRoute,
    via(response),
    to(response),
    from(response),
    cseq(response),
    callId(response),
    'Server: baresip v1.0.0 (x86_64/linux)',
    `Contact: <${response.contact}>`,
    'Allow: INVITE,ACK,BYE,CANCEL,OPTIONS,NOTIFY,SUBSCRIBE,INFO,MESSAGE,REFER',
  ];
}

function messageOf(headers: readonly string[], sdp: string): string {
  const type = sdp === '' ? [] : ['Content-Type: application/sdp'];
  return [...headers, ...type, `Content-Length: ${Buffer.byteLength(sdp)}`, '', sdp].join('\r\n');
}

function routeOf({ sip, fromTag, dialogId }: Response): string | undefined {
  return dialogId && `sip:${withoutDefaultPort(sip)};lr;ftag=${fromTag};did=${dialogId}`;
}

const via = ({ sip }: Response): string =>
  `Via: SIP/2.0/UDP ${sip};branch=z9hG4bK${randomHex(4)}.${randomHex(8)}.0`;
const from = ({ headers, fromTag }: Response): string => `From: ${headers.get('from')};tag=${fromTag}`;
const to = ({ headers, toTag }: Response): string => `To: ${headers.get('to')};tag=${toTag}`;
const callId = ({ callid }: Response): string => `Call-ID: ${callid}`;
const cseq = ({ headers }: Response): string => `CSeq: ${headers.get('cseq') ?? '1 INVITE'}`;
