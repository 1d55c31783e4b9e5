import { expect, it } from 'vitest';
import { retryAdvice } from './http-answer.ts';

it.each([
  ['7', 'Try again in 7 s.'],
  // RFC 9110 §10.2.3 allows a date.
  ['Mon, 30 Nov 2026 12:00:20 GMT', 'Try again in 20 s.'],
  ['Mon, 30 Nov 2026 11:59:00 GMT', 'Try again in a minute.'],
  ['0', 'Try again in a minute.'],
  ['soon', 'Try again in a minute.'],
  [undefined, 'Try again in a minute.'],
])('advises when to try again: Retry-After %s', (retryAfter, advice) => {
  const now = Date.parse('2026-11-30T12:00:00Z');
  expect(retryAdvice({ status: 429, detail: '', retryAfter }, now)).toBe(advice);
});
