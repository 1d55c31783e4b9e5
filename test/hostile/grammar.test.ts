/** The judge of what reaches OpenSIPS is itself strict. */
import { expect, it } from 'vitest';
import { faultOf } from './grammar.ts';

const headers = (from: string, more = '') =>
  [
    `From: <${from}>`,
    'To: <sip:b@h>',
    'Contact: <sip:call-api@h>',
    'Content-Type: application/sdp',
    'CSeq: 1 INVITE',
  ]
    .concat(`Call-Id: x${more}`, '')
    .join('\r\n');
const invite = (changes: object = {}) => ({
  method: 't_uac_dlg',
  params: {
    ...{
      method: 'INVITE',
      ruri: 'sip:a@h',
      next_hop: 'sip:h:5060',
      headers: headers('sip:a@h'),
      body: 'v=0\r\ns=x\r\n',
    },
    ...changes,
  },
});

it.each([
  invite(),
  { method: 'dlg_end_dlg', params: { dialog_id: '5c25@h' } },
  { method: 'dlg_list', params: { index: 0, counter: 10 } },
  { method: 'uptime', params: undefined },
])('%j may pass', (request) => {
  expect(faultOf({ at: 0, id: 'x', ...request })).toBeUndefined();
});

it.each([
  invite({ ruri: 'sip:a@h\r\nX: y' }),
  invite({ ruri: 'sip:a%0d@h' }),
  invite({ ruri: 'sip:a@h?X=y' }),
  invite({ ruri: 'sip:a@h;maddr=1.2.3.4' }),
  invite({ method: 'REGISTER' }),
  invite({ headers: headers('sip:a@h>;x=<sip:b@h') }),
  invite({ headers: headers('sip:a@h', '\r\nX: y') }),
  invite({ more: 1 }),
  { method: 'kill', params: undefined },
  { method: 'uptime', params: { x: 1 } },
  { method: 'dlg_end_dlg', params: { dialog_id: 'a b' } },
  { method: 'dlg_end_dlg', params: { dialog_id: 'a@b@c' } },
  { method: 'dlg_end_dlg', params: ['a'] },
  { method: 'call_hold', params: { callid: 'a,b' } },
  { method: 'call_transfer', params: { callid: 'a', leg: 'both', destination: 'sip:a@h' } },
])('%j may not', (request) => {
  expect(faultOf({ at: 0, id: 'x', ...request })).toBeDefined();
});
