import fc from 'fast-check';
import { expect, it } from 'vitest';
import { CloseFrameFinder } from './close-frames.ts';

const CLOSE = 0x88;

/** Returns a frame of a server: unmasked, with the shortest form of its length. Its payload looks like Close frames. */
function frame(firstByte: number, length: number): Buffer {
  const header =
    length < 126
      ? [length]
      : length < 65_536
        ? [126, length >> 8, length & 255]
        : [127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255];
  return Buffer.concat([Buffer.from([firstByte, ...header]), Buffer.alloc(length, CLOSE)]);
}

/** Data frames, compressed ones, fragments, pings and pongs. */
const otherFrame = fc
  .record({
    firstByte: fc.constantFrom(0x81, 0x82, 0xc1, 0x01, 0x00, 0x80, 0x89, 0x8a),
    length: fc.constantFrom(0, 1, 125, 126, 127, 65_535, 65_536, 70_000),
  })
  .map(({ firstByte, length }) => frame(firstByte, length));

function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, n = 0; at < bytes.length; n++) {
    const size = sizes[n % sizes.length] ?? bytes.length;
    chunks.push(bytes.subarray(at, at + size));
    at += size;
  }
  return chunks;
}

it('finds the Close frame, and nothing before it, however the bytes are cut', () => {
  const sizes = fc.array(fc.constantFrom(1, 2, 3, 7, 1_000, 65_536), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(fc.array(otherFrame, { maxLength: 4 }), sizes, (others, chunkSizes) => {
      const finder = new CloseFrameFinder();
      const read = (bytes: Buffer) => cut(bytes, chunkSizes).map((chunk) => finder.read(chunk));
      expect(read(Buffer.concat(others))).not.toContain(true);
      expect(read(frame(CLOSE, 2)).at(-1)).toBe(true);
    }),
    { numRuns: 50 },
  );
});
