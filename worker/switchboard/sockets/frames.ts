/** Divides what a socket is sent into frames. Pure. @module */
import { byteLength } from '../../../shared/protocol/byte-length.ts';
import { MAX_BATCH } from '../../../shared/protocol/rpc/jsonrpc.ts';

/** A notification as text. */
export interface FrameItem {
  readonly text: string;
}

/**
 * Divides notifications, in their order, into those of each frame: at most {@link MAX_BATCH}, and at most so many bytes. A longer one
 * has a frame of its own.
 */
export function divideIntoFrames<Item extends FrameItem>(items: Iterable<Item>, maxBytes: number): Item[][] {
  const frames: Item[][] = [];
  let frame: Item[] = [];
  // The brackets of the frame, and a comma after each but the last.
  let bytes = 1;
  for (const item of items) {
    const added = byteLength(item.text) + 1;
    if (frame.length === MAX_BATCH || (frame.length > 0 && bytes + added > maxBytes)) {
      frames.push(frame);
      frame = [];
      bytes = 1;
    }
    frame.push(item);
    bytes += added;
  }
  return frame.length > 0 ? [...frames, frame] : frames;
}

/** Returns a frame with one notification, or with several. */
export function frameOf(items: readonly FrameItem[]): string {
  const texts = items.map(({ text }) => text).join();
  return items.length === 1 ? texts : `[${texts}]`;
}
