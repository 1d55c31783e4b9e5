import { expect, test } from 'vitest';
import { uriIn } from './sip.ts';

test.each([
  ['<sip:alice@10.0.0.10>', 'sip:alice@10.0.0.10'],
  ['sip:alice@10.0.0.10;tag=1', 'sip:alice@10.0.0.10'],
  ['"Alice" <sip:alice@10.0.0.10>;tag=1', 'sip:alice@10.0.0.10'],
  ['"Zoë \\"Ace\\" <b>; x" <sip:alice@10.0.0.10>', 'sip:alice@10.0.0.10'],
])('the URI in %s', (header, uri) => {
  expect(uriIn(header)).toBe(uri);
});
