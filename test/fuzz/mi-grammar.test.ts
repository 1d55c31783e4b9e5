/** The grammar for MI requests is itself strict. */
import { expect, it } from 'vitest';
import { findViolation } from './mi-grammar.ts';

const inviteHeaders = (from: string, suffix = '') =>
  [
    `From: <${from}>`,
    'To: <sip:b@h>',
    'Contact: <sip:call-api@h>',
    'Content-Type: application/sdp',
    'CSeq: 1 INVITE',
  ]
    .concat(`Call-Id: x${suffix}`, '')
    .join('\r\n');
const invite = (overrides: object = {}) => ({
  method: 't_uac_dlg',
  params: {
    ...{
      method: 'INVITE',
      ruri: 'sip:a@h',
      next_hop: 'sip:h:5060',
      headers: inviteHeaders('sip:a@h'),
      body: 'v=0\r\ns=x\r\n',
    },
    ...overrides,
  },
});

const sequential = (overrides: object) => ({
  method: 'dlg_send_sequential',
  params: { callid: 'a', mode: 'caller', method: 'REFER', body: 'none', ...overrides },
});
const referTo = (address: string) => sequential({ headers: `Refer-To: <${address}>\r\n` });
const reinvite = (sdp: string) => sequential({ method: 'INVITE', body: `custom:application/sdp:${sdp}` });

it.each([
  invite(),
  referTo('sip:b@h;osid=1f.2c'),
  referTo('sip:b@h;osid=1f.2c?Replaces=x%40h%3Bto-tag%3Da-1%3Bfrom-tag%3Db.2'),
  reinvite('v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\na=sendonly\r\n'),
  sequential({ method: 'OPTIONS' }),
  { method: 'dlg_end_dlg', params: { dialog_id: '5c25@h' } },
  { method: 'dlg_list', params: { index: 0, counter: 10 } },
  { method: 'uptime', params: undefined },
])('accepts %j', (request) => {
  expect(findViolation({ receivedAt: 0, id: 'x', ...request })).toBeUndefined();
});

it.each([
  invite({ ruri: 'sip:a@h\r\nX: y' }),
  invite({ ruri: 'sip:a%0d@h' }),
  invite({ ruri: 'sip:a@h?X=y' }),
  invite({ ruri: 'sip:a@h;maddr=1.2.3.4' }),
  invite({ method: 'REGISTER' }),
  invite({ headers: inviteHeaders('sip:a@h>;x=<sip:b@h') }),
  invite({ headers: inviteHeaders('sip:a@h', '\r\nX: y') }),
  invite({ more: 1 }),
  referTo('sip:b@h>\r\nX: <y'),
  referTo('sip:b@h;maddr=1.2.3.4'),
  referTo('sip:b@h?Replaces=x;to-tag=a;from-tag=b'),
  referTo('sip:b@h?Route=x'),
  referTo('tel:1'),
  sequential({ headers: 'Refer-To: <sip:b@h>\r\nX: y\r\n' }),
  sequential({ headers: '' }),
  sequential({ method: 'BYE' }),
  sequential({ method: 'OPTIONS', mode: 'challenge caller' }),
  sequential({ method: 'INVITE', body: 'outbound' }),
  reinvite('v=0\r\n'),
  reinvite('v=0\r\na=sendonly\r\n\r\nBYE sip:x\r\n'),
  { method: 'kill', params: undefined },
  { method: 'uptime', params: { x: 1 } },
  { method: 'dlg_end_dlg', params: { dialog_id: 'a b' } },
  { method: 'dlg_end_dlg', params: { dialog_id: 'a@b@c' } },
  { method: 'dlg_end_dlg', params: ['a'] },
  { method: 'call_hold', params: { callid: 'a,b' } },
  { method: 'call_transfer', params: { callid: 'a', leg: 'both', destination: 'sip:a@h' } },
])('rejects %j', (request) => {
  expect(findViolation({ receivedAt: 0, id: 'x', ...request })).toBeDefined();
});
