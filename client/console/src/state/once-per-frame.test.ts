/** Tests the limit of one call per frame. */
import { expect, it } from 'vitest';
import { oncePerFrame } from './once-per-frame.ts';

it('calls back once per frame, however often it is scheduled', () => {
  const frames: (() => void)[] = [];
  let calls = 0;
  const schedule = oncePerFrame(
    () => calls++,
    (frame) => frames.push(frame),
  );
  for (let n = 0; n < 1_000; n++) schedule();
  expect([calls, frames.length]).toEqual([0, 1]);
  frames.shift()?.();
  expect(calls).toBe(1);
  schedule();
  frames.shift()?.();
  expect(calls).toBe(2);
});
