import { expect, it } from 'vitest';
import { withOffer } from './set-up-offer.ts';

const INVITE = { method: 'INVITE', ruri: 'sip:alice@10.0.0.1' };

it.each(['t_uac_dlg', 'tm:uac_dlg'])(
  'adds an offer without media to an INVITE of %s that has no body',
  (command) => {
    const { body, ...others } = withOffer(command, INVITE);
    expect(others).toEqual(INVITE);
    expect(body).toMatch(/^v=0\r\n(?:[a-z]=[ -~]+\r\n)+$/);
    expect(body, 'no address at which a phone could send media').toContain('c=IN IP4 0.0.0.0\r\n');
  },
);

it.each([
  ['an INVITE with a body', 't_uac_dlg', { ...INVITE, body: 'v=0\r\n' }],
  ['another SIP request', 't_uac_dlg', { ...INVITE, method: 'OPTIONS' }],
  ['another command', 'dlg_send_sequential', INVITE],
])('leaves %s as it is', (_, command, params) => {
  expect(withOffer(command, params)).toBe(params);
});
