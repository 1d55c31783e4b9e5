import fc from 'fast-check';
import { expect, it } from 'vitest';
import { MAX_BATCH } from '../../../shared/protocol/rpc/jsonrpc.ts';
import { divideIntoFrames, frameOf } from './frames.ts';

const MAX_BYTES = 1_000;

it('bounds frames in bytes and in number, loses nothing, and makes none that is needless', () => {
  const text = fc
    .record({
      letter: fc.constantFrom('a', 'é', '電', '😀'),
      length: fc.constantFrom(0, 1, 10, 240, 300, 1_200),
    })
    .map(({ letter, length }) => JSON.stringify(letter.repeat(length)));
  fc.assert(
    fc.property(fc.array(text, { maxLength: 3 * MAX_BATCH, size: 'max' }), (texts) => {
      const frames = divideIntoFrames(
        texts.map((each) => ({ text: each })),
        MAX_BYTES,
      );
      const sizes = frames.map((items) => Buffer.byteLength(frameOf(items)));
      expect(frames.map(frameOf).flatMap((frame) => JSON.parse(frame))).toEqual(
        texts.map((each) => JSON.parse(each)),
      );
      for (const [index, { length }] of frames.entries()) {
        expect(length).toBeLessThanOrEqual(MAX_BATCH);
        if (length > 1) expect(sizes[index]).toBeLessThanOrEqual(MAX_BYTES);
        const next = frames[index + 1]?.[0];
        const whole = [...(frames[index] ?? []), ...(next ? [next] : [])];
        if (next && length < MAX_BATCH) expect(Buffer.byteLength(frameOf(whole))).toBeGreaterThan(MAX_BYTES);
      }
    }),
  );
});
