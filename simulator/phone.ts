/** What phones write: their Contact and SDP, as in the traces with baresip (`start-ok`) and scripted ones (`hold-refused`). */
import type { Manner } from './manners.ts';
import { randomHex, randomNumber } from './sip.ts';

/** baresip says so for 200 (`start-ok`). */
export const ANSWERED: Readonly<Record<Manner['make'], string>> = {
  baresip: '200 Answering',
  scripted: '200 OK',
};

/** A port that stays the same for a user, above the ones that are spoken for. */
function portOf(user: string): number {
  let sum = 0;
  for (const letter of user) sum = (sum * 31 + letter.charCodeAt(0)) % 50_000;
  return 10_000 + sum;
}

/** The contact of a phone. Nobody listens at the silent one (port 5999: opensips.cfg). */
export function contactOf(user: string, manner: Manner, host: string): string {
  if (manner.answer.kind === 'silent') return `sip:${user}@${host}:5999`;
  const instance = manner.make === 'baresip' ? `-0x55ce${portOf(user).toString(16).padStart(8, '0')}` : '';
  return `sip:${user}${instance}@${host}:${portOf(user)}`;
}

const AUDIO = ['a=rtpmap:8 PCMA/8000', 'a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-15'];

/** An SDP body. `offered` is what the other side offered: nothing yet, one codec (t_uac_dlg), or all (another phone). */
export function sdpOf(
  user: string,
  manner: Manner,
  host: string,
  uri: string,
  offered: 'nothing' | 'one' | 'all',
): string {
  const lines = manner.make === 'baresip' ? baresipSdp(uri, offered) : scriptedSdp(host, portOf(user));
  return `${lines.join('\r\n')}\r\n`;
}

function scriptedSdp(host: string, port: number): string[] {
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

function baresipSdp(uri: string, offered: 'nothing' | 'one' | 'all'): string[] {
  return [
    'v=0',
    `o=- ${randomNumber()} ${randomNumber()} IN IP4 192.0.2.2`,
    's=-',
    'c=IN IP4 192.0.2.2',
    't=0 0',
    'a=tool:baresip 1.0.0',
    `m=audio ${10_000 + (randomNumber() % 10_000)} RTP/AVP ${offered === 'one' ? '0' : '0 8 101'}`,
    'a=rtpmap:0 PCMU/8000',
    ...(offered === 'one' ? [] : AUDIO),
    'a=sendrecv',
    'a=label:1',
    ...(offered === 'nothing' ? ['a=rtcp-rsize'] : []),
    `a=ssrc:${randomNumber()} cname:${uri}`,
    'a=minptime:20',
    'a=ptime:20',
  ];
}

/** A tag of a phone. */
export function newTag(): string {
  return randomHex(16);
}
