/** Reasons fit into a close frame. */
import { expect, it } from 'vitest';
import { closeReason } from './close-reason.ts';

it.each([
  'short.',
  'x'.repeat(123),
  'x'.repeat(124),
  'é'.repeat(200),
  '😀'.repeat(200),
  `${'x'.repeat(121)}é.`,
])('has at most 123 bytes, and valid characters only: %s', (text) => {
  const reason = closeReason(text);
  const bytes = new TextEncoder().encode(reason);
  expect(bytes.length).toBeLessThanOrEqual(123);
  expect(new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)).toBe(reason);
  expect(reason === text || (reason.endsWith('…') && text.startsWith(reason.slice(0, -1)))).toBe(true);
});

it('keeps a reason that fits', () =>
  expect(closeReason('The site was deleted.')).toBe('The site was deleted.'));
