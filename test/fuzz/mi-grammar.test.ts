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

it.each([
  invite(),
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
