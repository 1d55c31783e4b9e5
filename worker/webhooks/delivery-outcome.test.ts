/** The outcome of each kind of response, and when a delivery is attempted again. */
import { describe, expect, it, vi } from 'vitest';
import { outcomeOf } from './delivery-outcome.ts';
import {
  DEFAULT_RETRY_DELAYS_S,
  parseRetryAfter,
  parseRetrySchedule,
  retryDelayMs,
} from './retry-schedule.ts';

const terms = { schedule: [0, 5, 300], random: 0, isEndpointChanged: false };
const response = (status: number, retryAfterMs = 0) => ({ status, retryAfterMs });

describe.each([
  ['200', 1, response(200), { state: 'delivered' }],
  ['204 to the last attempt', 3, response(204), { state: 'delivered' }],
  ['500', 1, response(500), { state: 'waiting', due: 6_000 }],
  ['500 again', 2, response(500), { state: 'waiting', due: 301_000 }],
  ['500 to the last attempt', 3, response(500), { state: 'failed' }],
  [
    'no response',
    1,
    { error: 'The endpoint did not answer within 15 s.' },
    { state: 'waiting', due: 6_000, error: 'The endpoint did not answer within 15 s.' },
  ],
  ['a redirect', 1, response(302), { state: 'waiting', error: expect.stringContaining('redirects') }],
  ['400', 1, response(400), { state: 'waiting', due: 6_000 }],
  ['429 with Retry-After', 1, response(429, 60_000), { state: 'waiting', due: 61_000, quietUntil: 61_000 }],
  ['a short Retry-After', 1, response(503, 1_000), { state: 'waiting', due: 6_000, quietUntil: 2_000 }],
  ['Retry-After to the last attempt', 3, response(503, 9_000), { state: 'failed', quietUntil: 10_000 }],
  ['410', 1, response(410), { state: 'failed', disable: 'The endpoint answered 410 Gone.' }],
] as const)('%s', (_, attemptCount, result, expected) =>
  it(`as attempt ${attemptCount} of three`, () =>
    expect(outcomeOf(attemptCount, result, 1_000, terms)).toMatchObject(expected)),
);

it.each([
  ['410', response(410), { state: 'waiting', due: 6_000, error: expect.stringContaining('answered 410') }],
  ['429 with Retry-After', response(429, 60_000), { state: 'waiting', due: 6_000, error: expect.anything() }],
  ['204', response(204), { state: 'delivered' }],
])('does not hold a %s against an endpoint that was changed during the attempt', (_, result, expected) =>
  expect(outcomeOf(1, result, 1_000, { ...terms, isEndpointChanged: true })).toEqual(expected),
);

it('makes ten attempts in three days, with delays that are up to a fifth longer but never shorter', () => {
  const delays = (random: number) =>
    DEFAULT_RETRY_DELAYS_S.map((_, count) => retryDelayMs(count, DEFAULT_RETRY_DELAYS_S, random));
  expect(delays(0)).toEqual(DEFAULT_RETRY_DELAYS_S.map((seconds) => seconds * 1_000));
  expect(delays(1)).toEqual(DEFAULT_RETRY_DELAYS_S.map((seconds) => seconds * 1_200));
  expect(retryDelayMs(10, DEFAULT_RETRY_DELAYS_S, 0)).toBeUndefined();
});

it.each([
  [null, 0],
  ['', 0],
  ['7', 7_000],
  ['soon', 0],
  ['-7', 0],
  ['9999999', 86_400_000],
  ['Thu, 01 Jan 1970 00:01:00 GMT', 59_000],
  ['Thu, 01 Jan 1970 00:00:00 GMT', 0],
])('parses Retry-After: %s as %i ms', (text, expected) =>
  expect(parseRetryAfter(text, 1_000)).toBe(expected),
);

it('uses the schedule of the deployment, and logs and ignores a malformed one', () => {
  const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
  expect(parseRetrySchedule('0,1,2')).toEqual([0, 1, 2]);
  for (const unset of [undefined, '']) expect(parseRetrySchedule(unset)).toBe(DEFAULT_RETRY_DELAYS_S);
  expect(logged).not.toHaveBeenCalled();
  expect(parseRetrySchedule('0, soon')).toBe(DEFAULT_RETRY_DELAYS_S);
  expect(logged).toHaveBeenCalledWith(expect.stringContaining('WEBHOOK_RETRIES: '));
  logged.mockRestore();
});
