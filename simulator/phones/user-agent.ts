/**
 * What a phone's user agent writes into SIP: Contact, SDP, tag and status line, as in the traces with baresip
 * (`start-ok`) and with scripted phones (`hold-refused`).
 * @module
 */
import { randomHex, randomUint32 } from '../sip/sip-text.ts';
import type { PhoneBehavior } from './behavior.ts';

/** baresip answers `200 Answering` (`start-ok`). */
export const ANSWER_STATUS: Readonly<Record<PhoneBehavior['userAgent'], string>> = {
  baresip: '200 Answering',
  scripted: '200 OK',
};

/** What the other side's SDP offered: nothing yet, one codec (`t_uac_dlg`), or all of baresip's (another phone). */
export type Offer = 'nothing' | 'one codec' | 'all codecs';

/** Returns a port that is always the same for a user, above the ports in use elsewhere. */
function portOf(user: string): number {
  let sum = 0;
  for (const letter of user) sum = (sum * 31 + letter.charCodeAt(0)) % 50_000;
  return 10_000 + sum;
}

/** Returns a phone's Contact URI. Nothing listens at that of a silent phone (port 5999: opensips.cfg). */
export function buildContact(user: string, behavior: PhoneBehavior, host: string): string {
  if (behavior.onInvite.kind === 'silent') return `sip:${user}@${host}:5999`;
  const instance =
    behavior.userAgent === 'baresip' ? `-0x55ce${portOf(user).toString(16).padStart(8, '0')}` : '';
  return `sip:${user}${instance}@${host}:${portOf(user)}`;
}

const OTHER_CODECS = ['a=rtpmap:8 PCMA/8000', 'a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-15'];

/** Returns a phone's SDP body. `uri` is the address that baresip uses as its own. */
export function buildSdp(
  user: string,
  behavior: PhoneBehavior,
  host: string,
  uri: string,
  offer: Offer,
): string {
  const lines =
    behavior.userAgent === 'baresip' ? buildBaresipSdp(uri, offer) : buildScriptedSdp(host, portOf(user));
  return `${lines.join('\r\n')}\r\n`;
}

function buildScriptedSdp(host: string, port: number): string[] {
  return [
    'v=0',
    `o=- 1 1 IN IP4 ${host}`,
    's=-',
    `c=IN IP4 ${host}`,
    't=0 0',
    `m=audio ${port} RTP/AVP 0`,
    'a=rtpmap:0 PCMU/8000',
    'a=sendrecv',
  ];
}

function buildBaresipSdp(uri: string, offer: Offer): string[] {
  return [
    'v=0',
    `o=- ${randomUint32()} ${randomUint32()} IN IP4 192.0.2.2`,
    's=-',
    'c=IN IP4 192.0.2.2',
    't=0 0',
    'a=tool:baresip 1.0.0',
    `m=audio ${10_000 + (randomUint32() % 10_000)} RTP/AVP ${offer === 'one codec' ? '0' : '0 8 101'}`,
    'a=rtpmap:0 PCMU/8000',
    ...(offer === 'one codec' ? [] : OTHER_CODECS),
    'a=sendrecv',
    'a=label:1',
    ...(offer === 'nothing' ? ['a=rtcp-rsize'] : []),
    `a=ssrc:${randomUint32()} cname:${uri}`,
    'a=minptime:20',
    'a=ptime:20',
  ];
}

/** Returns a new From or To tag. */
export function createTag(): string {
  return randomHex(16);
}
