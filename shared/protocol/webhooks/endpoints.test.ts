/** What an administrator may enter for an endpoint. */
import { expect, it } from 'vitest';
import { EndpointBody } from './endpoints.ts';

it.each([
  ['ftp://example.com/'],
  ['https://user:password@example.com/'],
  ['https://example.com/#part'],
  ['example.com'],
  ['https://'],
])('the URL %s is rejected', (url) => expect(EndpointBody.safeParse({ url }).success).toBe(false));

it('unknown fields are rejected, and filters that could never match', () => {
  const url = 'https://example.com/hooks';
  expect(EndpointBody.safeParse({ url, events: ['call.*'], addresses: ['*@example.com'] }).success).toBe(
    true,
  );
  for (const invalidFields of [
    { event: 'call.*' },
    { events: [] },
    { events: ['Call Ended'] },
    { addresses: ['alice'] },
  ])
    expect(EndpointBody.safeParse({ url, ...invalidFields }).success, JSON.stringify(invalidFields)).toBe(
      false,
    );
});
