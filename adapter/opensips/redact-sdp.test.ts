import { expect, it } from 'vitest';
import { redactSdp } from './redact-sdp.ts';

const dialog = {
  ID: '1.2',
  callid: 'c',
  caller_sdp: 'v=0',
  caller_sent_sdp: 'v=0',
  CALLEES: [{ callee_tag: 't', callee_sdp: 'v=0', callee_sent_sdp: 'v=0' }],
};
const redacted = { ID: '1.2', callid: 'c', CALLEES: [{ callee_tag: 't' }] };

it.each<[string, unknown, unknown]>([
  ['a dialog', { Dialog: dialog }, { Dialog: redacted }],
  ['a list of dialogs', { count: 2, Dialogs: [dialog, dialog] }, { count: 2, Dialogs: [redacted, redacted] }],
  [
    'the response of a phone',
    { Status: '200 OK', Message: 'To: <sip:a@h>\r\nContent-Length: 5\r\n\r\nv=0\r\n' },
    { Status: '200 OK', Message: 'To: <sip:a@h>\r\nContent-Length: 5\r\n\r\n' },
  ],
  ['a response without body', { Message: 'To: <sip:a@h>' }, { Message: 'To: <sip:a@h>' }],
  ['a text', 'OK', 'OK'],
  ['nothing', null, null],
])('%s loses its SDP and nothing else', (_, result, expected) => {
  expect(redactSdp(result)).toEqual(expected);
});
