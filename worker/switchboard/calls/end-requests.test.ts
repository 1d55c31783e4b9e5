import { expect, it } from 'vitest';
import { EndRequests } from './end-requests.ts';

const REQUEST = { id: 'a', method: 'dlg_end_dlg', params: { dialog_id: 'call' } } as const;

it.each([
  ['OpenSIPS ends the call', {}, { callid: 'call', isEnding: true }],
  ['it is not known whether it has run', { outcome: 'timeout' }, { callid: 'call', isEnding: true }],
  ['the call is not known', { error: { code: 404, message: 'x' } }, { callid: 'call', isEnding: false }],
  ['OpenSIPS refuses', { error: { code: 500, message: 'x' } }, { callid: 'call', isEnding: false }],
  ['it was not run', { outcome: 'expired' }, undefined],
] as const)('tells of a call if %s', (_, reply, expected) => {
  const requests = new EndRequests();
  expect(requests.onSent([REQUEST])).toEqual(['call']);
  expect(requests.onReply({ id: 'other', ...reply })).toBeUndefined();
  expect(requests.onReply({ id: 'a', ...reply })).toEqual(expected);
  expect(requests.onReply({ id: 'a', ...reply }), 'only the first reply counts').toBeUndefined();
});
