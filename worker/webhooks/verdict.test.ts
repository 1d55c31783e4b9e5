/** The state machine of a delivery: what each answer leads to, and when it is tried again. */
import { describe, expect, it, vi } from 'vitest';
import { RETRIES_S, scheduleOf, silenceOf, waitAfter } from './schedule.ts';
import { verdict } from './verdict.ts';

const terms = { schedule: [0, 5, 300], random: 0 };
const answered = (status: number, silence = 0) => ({ status, silence });

describe.each([
  ['200', 1, answered(200), { is: 'delivered' }],
  ['204 on the last try', 3, answered(204), { is: 'delivered' }],
  ['500', 1, answered(500), { is: 'waiting', due: 6_000 }],
  ['500 again', 2, answered(500), { is: 'waiting', due: 301_000 }],
  ['500 on the last try', 3, answered(500), { is: 'failed' }],
  [
    'no answer',
    1,
    { error: 'no answer within 15 s' },
    { is: 'waiting', due: 6_000, error: 'no answer within 15 s' },
  ],
  ['a redirect', 1, answered(302), { is: 'waiting', error: expect.stringContaining('redirects') }],
  ['400', 1, answered(400), { is: 'waiting', due: 6_000 }],
  ['429 with Retry-After', 1, answered(429, 60_000), { is: 'waiting', due: 61_000, quietUntil: 61_000 }],
  ['a short Retry-After', 1, answered(503, 1_000), { is: 'waiting', due: 6_000, quietUntil: 2_000 }],
  ['Retry-After on the last try', 3, answered(503, 9_000), { is: 'failed', quietUntil: 10_000 }],
  ['410', 1, answered(410), { is: 'failed', disable: 'it answered 410 Gone' }],
] as const)('%s', (_, tries, result, expected) =>
  it(`as try ${tries} of three`, () => expect(verdict(tries, result, 1_000, terms)).toMatchObject(expected)),
);

it('ten tries in three days, each later by up to a fifth of its wait, never earlier', () => {
  const waits = (random: number) => RETRIES_S.map((_, tries) => waitAfter(tries, RETRIES_S, random));
  expect(waits(0)).toEqual(RETRIES_S.map((seconds) => seconds * 1_000));
  expect(waits(1)).toEqual(RETRIES_S.map((seconds) => seconds * 1_200));
  expect(waitAfter(10, RETRIES_S, 0)).toBeUndefined();
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
])('Retry-After: %s asks for %i ms', (text, expected) => expect(silenceOf(text, 1_000)).toBe(expected));

it('a deployment may have a schedule of its own; what cannot be read is said and passed over', () => {
  const said = vi.spyOn(console, 'error').mockImplementation(() => {});
  expect(scheduleOf('0,1,2')).toEqual([0, 1, 2]);
  for (const none of [undefined, '']) expect(scheduleOf(none)).toBe(RETRIES_S);
  expect(said).not.toHaveBeenCalled();
  expect(scheduleOf('0, soon')).toBe(RETRIES_S);
  expect(said).toHaveBeenCalledWith(expect.stringContaining('WEBHOOK_RETRIES takes seconds'));
  said.mockRestore();
});
