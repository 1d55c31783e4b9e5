import { expect, it } from 'vitest';
import { echoEvents } from './echo.ts';

it('Echo replies with its params and ends', () => {
  expect(echoEvents({ hello: ['world', 1, null] })).toEqual([
    { event: 'Reply', data: { hello: ['world', 1, null] } },
    { event: 'Ended' },
  ]);
});
