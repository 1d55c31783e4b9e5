import { expect, it } from 'vitest';
import { echo } from './echo.ts';
import { CommandHarness } from './testing/command-harness.ts';

it('Echo replies with its params and ends', () => {
  const harness = new CommandHarness(echo, { hello: ['world', 1, null] });
  expect(harness.notifications).toEqual([
    { event: 'Reply', data: { hello: ['world', 1, null] } },
    { event: 'Ended' },
  ]);
  expect(harness.isFinished).toBe(true);
});
