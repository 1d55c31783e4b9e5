import { expect, test } from 'vitest';
import { parseHeaderUri } from './sip-text.ts';

test.each([
  ['<sip:alice@10.0.0.10>', 'sip:alice@10.0.0.10'],
  ['sip:alice@10.0.0.10;tag=1', 'sip:alice@10.0.0.10'],
  ['"Alice" <sip:alice@10.0.0.10>;tag=1', 'sip:alice@10.0.0.10'],
  ['"Zoë \\"Ace\\" <b>; x" <sip:alice@10.0.0.10>', 'sip:alice@10.0.0.10'],
])('finds the URI in %s', (header, uri) => {
  expect(parseHeaderUri(header)).toBe(uri);
});
