/** A connection to workerd. @module */
import { Socket } from 'node:net';

type WriteCallback = (error?: Error | null) => void;

/**
 * A connection that can still be read when it cannot be written any more: workerd refuses a request without having read its
 * body, and closes. A usual socket would be destroyed with the response unread. If there is none, reading says so.
 */
export class EdgeSocket extends Socket {
  override _write(chunk: unknown, encoding: BufferEncoding, callback: WriteCallback): void {
    super._write(chunk, encoding, ignoreError(callback));
  }

  override _writev(chunks: { chunk: unknown; encoding: BufferEncoding }[], callback: WriteCallback): void {
    super._writev?.(chunks, ignoreError(callback));
  }
}

function ignoreError(callback: WriteCallback): WriteCallback {
  return () => callback();
}
