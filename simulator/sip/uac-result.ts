/** The result of `t_uac_dlg`: the final SIP reply as text, and the fields that OpenSIPS extracts from it. @module */
import type { PhoneBehavior } from '../phones/behavior.ts';
import { type Headers, randomHex, stripDefaultPort } from './sip-text.ts';

/** Measured on OpenSIPS 3.6.8. A refusal has only `Status` and `Message`. */
export type UacResult = {
  readonly Status: string;
  readonly RURI?: string;
  readonly 'Next-hop'?: string;
  readonly Routes?: readonly string[];
  readonly Message: string;
};

/** The values from which a reply to the INVITE is built. */
export type ReplyFields = {
  readonly sipAddress: string;
  readonly version: string;
  readonly headers: Headers;
  readonly callid: string;
  readonly fromTag: string;
  readonly toTag: string;
  /** Undefined if the INVITE did not pass through the script, so that there is no dialog and no Record-Route. */
  readonly dialogId: string | undefined;
  readonly contact: string;
  readonly userAgent: PhoneBehavior['userAgent'];
};

/** Returns the result for a phone that has answered. */
export function buildAnswer(fields: ReplyFields, status: string, sdp: string): UacResult {
  const route = buildRoute(fields);
  return {
    Status: status,
    RURI: fields.contact,
    'Next-hop': route ?? fields.contact,
    Routes: route === undefined ? [] : [`<${route}>`],
    Message: buildMessage(buildPhoneHeaders(fields), sdp),
  };
}

/** Returns the result for a phone that has refused (`caller-rings-ended`). */
export function buildRefusal(fields: ReplyFields, status: string): UacResult {
  return { Status: status, Message: buildMessage(buildPhoneHeaders(fields), '') };
}

/**
 * Returns a refusal by OpenSIPS itself: by the script (tag `28de.`: `caller-404`) or by tm (`bcaa-`: `caller-silent`).
 */
export function buildOwnRefusal(fields: ReplyFields, status: string, tag: '28de.' | 'bcaa-'): UacResult {
  const own = { ...fields, toTag: `${tag}${randomHex(32)}` };
  const lines = [via(own), to(own), from(own), callId(own), cseq(own), `Server: ${own.version}`];
  return { Status: status, Message: buildMessage(lines, '') };
}

function buildPhoneHeaders(fields: ReplyFields): string[] {
  const route = buildRoute(fields);
  const recordRoute = route === undefined ? [] : [`Record-Route: <${route}>`];
  if (fields.userAgent === 'scripted') {
    const rest = [from(fields), to(fields), callId(fields), cseq(fields)];
    return [via(fields), ...recordRoute, ...rest, `Contact: <${fields.contact}>`];
  }
  return [
    ...recordRoute,
    via(fields),
    to(fields),
    from(fields),
    cseq(fields),
    callId(fields),
    'Server: baresip v1.0.0 (x86_64/linux)',
    `Contact: <${fields.contact}>`,
    'Allow: INVITE,ACK,BYE,CANCEL,OPTIONS,NOTIFY,SUBSCRIBE,INFO,MESSAGE,REFER',
  ];
}

function buildMessage(headers: readonly string[], sdp: string): string {
  const type = sdp === '' ? [] : ['Content-Type: application/sdp'];
  return [...headers, ...type, `Content-Length: ${Buffer.byteLength(sdp)}`, '', sdp].join('\r\n');
}

function buildRoute({ sipAddress, fromTag, dialogId }: ReplyFields): string | undefined {
  return dialogId && `sip:${stripDefaultPort(sipAddress)};lr;ftag=${fromTag};did=${dialogId}`;
}

const via = ({ sipAddress }: ReplyFields): string =>
  `Via: SIP/2.0/UDP ${sipAddress};branch=z9hG4bK${randomHex(4)}.${randomHex(8)}.0`;
const from = ({ headers, fromTag }: ReplyFields): string => `From: ${headers.get('from')};tag=${fromTag}`;
const to = ({ headers, toTag }: ReplyFields): string => `To: ${headers.get('to')};tag=${toTag}`;
const callId = ({ callid }: ReplyFields): string => `Call-ID: ${callid}`;
const cseq = ({ headers }: ReplyFields): string => `CSeq: ${headers.get('cseq') ?? '1 INVITE'}`;
