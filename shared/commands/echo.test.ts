import { expect, it } from 'vitest';
import { echo } from './echo.ts';
import { Stage } from './testing/stage.ts';

it('Echo replies with what it was given, and that is all', () => {
  const stage = new Stage(echo, { hello: ['world', 1, null] });
  expect(stage.told).toEqual([{ event: 'Reply', data: { hello: ['world', 1, null] } }, { event: 'Ended' }]);
  expect(stage.over).toBe(true);
});
